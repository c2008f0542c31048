"""What the gates of a move ask, read from the records: calls, subscriptions, orders, evidence."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bankside.catalog.graph import InFlight
from bankside.catalog.lifecycle import evidence, store
from bankside.catalog.lifecycle.judge import DURATIONS_MAX, Arm, Judgement, judge
from bankside.catalog.lifecycle.kind import Kinds
from bankside.catalog.lifecycle.model import QUIET_DAYS, TRIAL, ProductVersion, State
from bankside.catalog.lifecycle.reading import product_at
from bankside.catalog.lifecycle.rules import Facts
from bankside.catalog.model import Catalogue, Product
from bankside.catalog.store import proving_spaces
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.metering import ProductCalls, calls_of_products, durations
from bankside.partners import list_partners, subscribers

# Where calls end that were carried out; all other stages are checks of the edge before that.
REACHED = frozenset({"", "execute", "record", "revocation"})
# Where the edge says that a product is gone or not offered: nobody's use of it.
NOT_OFFERED = frozenset({"offer", "named"})


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What the life cycle needs of the rest: the shipped catalogue, kinds, and orders in flight."""

    catalogue: Catalogue
    kinds: Kinds
    in_flight: InFlight

    async def running(self, db: Connection, version: ProductVersion) -> int:
        """Orders of the version that still run; what a proof of it left behind is nobody's."""
        left = await proving_spaces(db, [version.product])
        return await self.in_flight(db, [version.product], version.version, left)


async def facts_of(
    db: Connection, clock: Clock, world: World, version: ProductVersion, to: State
) -> Facts:
    """The facts of this move; only what its gates ask is read."""
    now = clock.now()
    every = await store.versions(db, version.product)
    others = [each for each in every if each.version != version.version]
    product = product_at(world.catalogue, version, world.kinds)
    traits = (product.risk_tier, product.data_class)
    if version.state is State.DRAFT:
        assert version.definition is not None, "the package ships no drafts"
        faults = world.kinds[version.kind].faults(version.definition, world.catalogue)
        faults += await _clashes(db, world, version, product)
        return Facts(now=now, faults=faults)
    if version.state is State.REVIEW:
        return Facts(now=now, others=others, traits=traits)
    if version.state in TRIAL:
        return await _of_trial(db, world, version, others, now)
    if version.state is State.LIVE:
        return Facts(now=now, successors=await _live_products(db, world))
    if to is State.LIVE:
        return Facts(now=now, others=others)
    return await _of_end(db, world, version, product, others=others, now=now)


async def _of_trial(
    db: Connection,
    world: World,
    version: ProductVersion,
    others: Sequence[ProductVersion],
    now: datetime,
) -> Facts:
    product = product_at(world.catalogue, version, world.kinds)
    every = await calls_of_products(db, [version.product], since=version.changed_at, until=now)
    calls = await _of_others(db, version.product, every)
    kept, digest = await store.evidence(db, version), evidence.content_digest(version, product)
    stable = next((each for each in others if each.state is State.LIVE), None)
    judgement = None
    if version.state is State.CANARY:
        judgement = await _judged(db, version, stable, calls, now)
    return Facts(
        now=now,
        others=others,
        moves_money=any(each.moves_money for each in product.all_operations),
        proven=evidence.standing(kept, digest),
        vouched=evidence.vouchers(kept, digest),
        tried=_tried(
            product,
            answered=[each for each in every if each.version == version.version],
            judged=[each for each in calls if each.version == version.version],
        ),
        judgement=judgement,
        partners=await _partners(db),
    )


async def _of_end(
    db: Connection,
    world: World,
    version: ProductVersion,
    product: Product,
    *,
    others: Sequence[ProductVersion],
    now: datetime,
) -> Facts:
    since = now - timedelta(days=QUIET_DAYS)
    every = await calls_of_products(db, [version.product], since=since, until=now)
    calls = await _of_others(db, version.product, every)
    callers: dict[str, int] = defaultdict(int)
    for each in calls:
        if each.version == version.version and each.stage not in NOT_OFFERED:
            callers[each.partner] += each.calls
    return Facts(
        now=now,
        others=others,
        subscribed=frozenset(partner for partner, _ in await subscribers(db, [version.product])),
        callers=callers,
        waived=frozenset(
            each.partner for each in await store.waivers(db, version.product, version.version)
        ),
        in_flight=await world.running(db, version),
        replaced=_is_replaced(world, product, others),
    )


def _is_replaced(world: World, product: Product, others: Sequence[ProductVersion]) -> bool:
    """Whether a live version answers every route of this one."""
    live = next((each for each in others if each.state is State.LIVE), None)
    if live is None:
        return False
    answered = {
        (each.method, each.path)
        for each in product_at(world.catalogue, live, world.kinds).all_operations
    }
    return {(each.method, each.path) for each in product.all_operations} <= answered


def _tried(
    product: Product, *, answered: Sequence[ProductCalls], judged: Sequence[ProductCalls]
) -> Mapping[str, tuple[int, int]]:
    """Operation to (answered well, failed) in the sandbox since the trial began.

    A call that a proof makes counts as an answer; whether it failed is the proof's to say, which
    asks for failures by name.
    """

    def counted(calls: Sequence[ProductCalls], outcomes: Collection[str]) -> Mapping[str, int]:
        found: dict[str, int] = defaultdict(int)
        for each in calls:
            if each.environment == "sandbox" and each.outcome in outcomes:
                found[each.operation] += each.calls
        return found

    # A refusal by a rule of the product is an answer too; a success is what is asked for.
    well, wrong = counted(answered, {"ok"}), counted(judged, {"failed", "unknown"})
    return {
        each.id: (well.get(each.id, 0), wrong.get(each.id, 0)) for each in product.all_operations
    }


async def _judged(
    db: Connection,
    version: ProductVersion,
    stable: ProductVersion | None,
    calls: Sequence[ProductCalls],
    now: datetime,
) -> Judgement:
    """The canary's calls since its last change against the stable version's of the same time."""
    canary = await _arm(db, version, calls, version.changed_at, now)
    baseline = await _arm(db, stable, calls, version.changed_at, now) if stable else None
    return judge(canary, baseline)


async def _arm(
    db: Connection,
    version: ProductVersion,
    calls: Sequence[ProductCalls],
    since: datetime,
    until: datetime,
) -> Arm:
    own = [each for each in calls if each.version == version.version]
    failed = sum(each.calls for each in own if each.outcome in {"failed", "unknown"})
    sample = await durations(
        db, version.product, version.version, since=since, until=until, limit=DURATIONS_MAX
    )
    return Arm(sum(each.calls for each in own), failed, tuple(sample))


async def _of_others(
    db: Connection, product: str, calls: Sequence[ProductCalls]
) -> list[ProductCalls]:
    """The calls without those that the platform made itself to prove a version."""
    own = await proving_spaces(db, [product])
    return [each for each in calls if each.partner not in own]


async def _clashes(
    db: Connection, world: World, version: ProductVersion, product: Product
) -> list[str]:
    """Routes and names that another product has already."""
    others = list(world.catalogue.operations.values())
    for stored in await store.versions(db):
        if stored.definition is not None:
            others += product_at(world.catalogue, stored, world.kinds).all_operations
    taken: dict[tuple[str, ...], str] = {}
    for other in others:
        if other.product != version.product:
            taken[other.method, _shape(other.path)] = other.product
            taken[(other.icbc_path,)] = other.product
    found = []
    for each in product.all_operations:
        for name in ((each.method, _shape(each.path)), (each.icbc_path,)):
            if name in taken:
                found.append(f"{' '.join(name)} belongs to {taken[name]}")
    return found


def _shape(path: str) -> str:
    """A path with its holes unnamed: two that differ in their names only are one route."""
    return "/".join("{}" if part.startswith("{") else part for part in path.split("/"))


async def _live_products(db: Connection, world: World) -> frozenset[str]:
    stored = await store.versions(db)
    live = {each.product for each in stored if each.state is State.LIVE}
    untouched = world.catalogue.products.keys() - {each.product for each in stored}
    return frozenset(live | untouched)


async def _partners(db: Connection) -> frozenset[str]:
    found: set[str] = set()
    page = await list_partners(db, limit=200)
    found |= {each.id for each in page.items}
    while page.next_cursor:
        page = await list_partners(db, cursor=page.next_cursor, limit=200)
        found |= {each.id for each in page.items}
    return frozenset(found)
