"""The use cases of the life cycle: drafts, moves by as many people as the table asks, suspension.

Each works inside the caller's transaction and publishes an event, after which a new snapshot is
due.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bankside.catalog.errors import ProductUnknown
from bankside.catalog.graph import Impact, impact
from bankside.catalog.lifecycle import events, rules, store
from bankside.catalog.lifecycle.errors import (
    DraftFrozen,
    DraftInvalid,
    FourEyes,
    GateClosed,
    MoveRefused,
    RightMissing,
    TermsDiffer,
    VersionUnknown,
)
from bankside.catalog.lifecycle.gate import Gate
from bankside.catalog.lifecycle.gathering import World, facts_of
from bankside.catalog.lifecycle.kind import Definition
from bankside.catalog.lifecycle.model import (
    MAKING,
    PASSAGES,
    PUBLISH_RIGHT,
    Agreement,
    Draft,
    Passage,
    ProductVersion,
    State,
    Terms,
    passage,
)
from bankside.catalog.lifecycle.reading import product_at, shipped_version
from bankside.catalog.lifecycle.rights import has_right
from bankside.catalog.model import Catalogue
from bankside.identity.people import Person
from bankside.identity.realms import BANK
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.outbox import tell
from bankside.partners import subscribers

_PRODUCT = re.compile(r"[a-z]+\.[a-z][a-z0-9-]{0,60}")
REASON_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Where somebody wants a product version to go; ``terms`` None: what others agreed to, or none.

    ``version`` None: the newest one that can go there.
    """

    to: State
    reason: str = ""
    terms: Terms | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it: the version as it stands now, who agreed so far and how many must."""

    version: ProductVersion
    moved: bool
    agreed: tuple[str, ...]
    needed: int
    gates: tuple[Gate, ...]
    impact: Impact


async def register(
    db: Connection, clock: Clock, shipped: Catalogue, draft: Draft
) -> ProductVersion:
    """The definition is the product's newest version, in draft; a draft there is replaced.

    Raises DraftInvalid, DraftFrozen (it is in review).
    """
    await store.lock(db, draft.product)
    stored = await store.versions(db, draft.product)
    if not stored and draft.product in shipped.products:
        first = shipped_version(shipped, draft.product)
        await store.insert(db, first)
        stored = [first]
    return await _drafted(db, clock, stored, draft)


async def register_draft(
    db: Connection,
    clock: Clock,
    *,
    product: str,
    definition: Definition,
    by: str,
    kind: str = "upstream",
) -> ProductVersion:
    """``register`` of a product that the package does not ship."""
    draft = Draft(product=product, kind=kind, definition=definition, author=by)
    await store.lock(db, product)
    return await _drafted(db, clock, await store.versions(db, product), draft)


async def served_versions(db: Connection) -> dict[str, tuple[int, ...]]:
    """Stored products to the versions that some caller may meet, or that say they are gone."""
    found: dict[str, tuple[int, ...]] = {}
    for each in await store.versions(db):
        if each.state not in MAKING:
            found[each.product] = (*found.get(each.product, ()), each.version)
    return found


async def version_of(db: Connection, product: str, version: int) -> ProductVersion:
    """The stored version, or VersionUnknown."""
    for each in await store.versions(db, product):
        if each.version == version:
            return each
    raise VersionUnknown(f"{product[:80]} has no version {version}")


async def versions_of(db: Connection, shipped: Catalogue, product: str) -> list[ProductVersion]:
    """All versions of a product, newest first; the shipped one too. Raises ProductUnknown."""
    found = await store.versions(db, product)
    if not found and product in shipped.products:
        found = [shipped_version(shipped, product)]
    if not found:
        raise ProductUnknown(f"there is no product {product[:80]}")
    return found[::-1]


async def outlook(
    db: Connection, clock: Clock, world: World, version: ProductVersion, wish: Wish
) -> Outcome:
    """What a move would meet now: gates, impact and who agreed. Changes nothing."""
    needed = passage(version.state, wish.to)
    said = [each for each in await store.agreements(db, version) if each.to is wish.to]
    terms = said[0].terms if said else wish.terms or Terms()
    facts = await facts_of(db, clock, world, version, wish.to)
    return Outcome(
        version=version,
        moved=False,
        agreed=tuple(each.person for each in said),
        needed=needed.people,
        gates=tuple(rules.gates(version, wish.to, terms, facts)),
        impact=await _impact(db, clock, world, version),
    )


async def move(
    db: Connection, clock: Clock, world: World, person: Person, wish: Wish, *, product: str
) -> Outcome:
    """The person agrees; with the last one that is needed the version moves.

    Raises ProductUnknown, MoveRefused, RightMissing, FourEyes, TermsInvalid, TermsDiffer,
    GateClosed.
    """
    await store.lock(db, product)
    version = await _movable(db, world.catalogue, product, wish)
    needed = passage(version.state, wish.to)
    _may(person, needed, version)
    terms = await _terms(db, version, wish)
    seen = await outlook(db, clock, world, version, replace(wish, terms=terms))
    _open(seen.gates)
    if person.id in seen.agreed:
        raise FourEyes(f"you agreed already; {needed.people} different people have to")
    if version.revision == 0:
        await store.insert(db, version)
        version = await version_of(db, product, version.version)
    said = Agreement(person.id, wish.to, terms, rules.plain(wish.reason, REASON_MAX), clock.now())
    await store.agree(db, version, said)
    agreed = (*seen.agreed, person.id)
    if len(agreed) < needed.people:
        return replace(seen, version=version, agreed=agreed)
    if wish.to is State.LIVE:
        await _supersede(db, clock, version, seen, agreed)
    after = rules.after(version, wish.to, terms, clock.now())
    await _carry_out(db, clock, version, after, why=Why(agreed, said.reason, seen.impact))
    return replace(seen, version=after, moved=True, agreed=agreed)


async def suspend(
    db: Connection, clock: Clock, shipped: Catalogue, person: Person, product: str, *, reason: str
) -> None:
    """The product answers nobody from the next publication on. Raises RightMissing."""
    has_right(person, frozenset({PUBLISH_RIGHT}))
    await versions_of(db, shipped, product)
    text = rules.plain(reason, REASON_MAX)
    await store.suspend(db, product, reason=text, person=person.id, at=clock.now())
    await _tell_bank(db, clock, events.SUSPENDED, product, by=person.id, reason=text)


async def resume(
    db: Connection, clock: Clock, person: Person, product: str, *, reason: str
) -> None:
    """It answers again. Raises RightMissing, MoveRefused (it was not suspended)."""
    has_right(person, frozenset({PUBLISH_RIGHT}))
    if not await store.resume(db, product):
        raise MoveRefused(f"{product[:80]} is not suspended")
    text = rules.plain(reason, REASON_MAX)
    await _tell_bank(db, clock, events.RESUMED, product, by=person.id, reason=text)


def may_take_part(person: Person, version: ProductVersion, to: State) -> bool:
    """Whether the person could agree to this move."""
    try:
        _may(person, passage(version.state, to), version)
    except (MoveRefused, RightMissing, FourEyes):
        return False
    return True


@dataclass(frozen=True, slots=True)
class Why:
    """What is kept with a move: who agreed, why, and whom it touched."""

    people: tuple[str, ...]
    reason: str
    impact: Impact


async def _drafted(
    db: Connection, clock: Clock, stored: Sequence[ProductVersion], draft: Draft
) -> ProductVersion:
    if not _PRODUCT.fullmatch(draft.product) or not draft.author:
        raise DraftInvalid("a product id is a category and a plural noun: merchant.tip-payments")
    newest = stored[-1] if stored else None
    if newest is not None and newest.state is State.REVIEW:
        raise DraftFrozen
    redrafted = newest is not None and newest.state is State.DRAFT
    number = (newest.version if redrafted else newest.version + 1) if newest else 1
    new = ProductVersion(
        product=draft.product,
        version=number,
        kind=draft.kind,
        state=State.DRAFT,
        definition=draft.definition,
        author=draft.author,
        note=rules.plain(draft.note, REASON_MAX),
        created_at=clock.now(),
        changed_at=clock.now(),
    )
    await (store.redraft if redrafted else store.insert)(db, new)
    return await version_of(db, draft.product, number)


async def _movable(db: Connection, shipped: Catalogue, product: str, wish: Wish) -> ProductVersion:
    """The version the wish is about."""
    found = await versions_of(db, shipped, product)
    for each in found:
        if wish.version in {None, each.version} and (each.state, wish.to) in PASSAGES:
            return each
    stand = ", ".join(f"version {each.version} is {each.state}" for each in found)
    raise MoveRefused(f"nothing of {product} can become {wish.to}: {stand}")


async def _terms(db: Connection, version: ProductVersion, wish: Wish) -> Terms:
    """The terms all of them agree to: the first one's."""
    said = [each for each in await store.agreements(db, version) if each.to is wish.to]
    own = rules.checked(wish.terms) if wish.terms is not None else None
    if not said:
        return own or Terms()
    if own is not None and own != said[0].terms:
        raise TermsDiffer
    return said[0].terms


async def _supersede(
    db: Connection, clock: Clock, new: ProductVersion, seen: Outcome, people: tuple[str, ...]
) -> None:
    """The version that is live now makes room for the new one."""
    for each in await store.versions(db, new.product):
        if each.state is State.LIVE and each.version != new.version:
            terms = Terms(successor=new.product)
            after = rules.after(each, State.DEPRECATED, terms, clock.now())
            why = Why(people, f"version {new.version} takes its place", seen.impact)
            await _carry_out(db, clock, each, after, why=why, told=False)


async def _carry_out(
    db: Connection,
    clock: Clock,
    before: ProductVersion,
    after: ProductVersion,
    *,
    why: Why,
    told: bool = True,
) -> None:
    await store.change(db, after)
    await store.moved(
        db, before, after, people=why.people, reason=why.reason, impact=why.impact.document()
    )
    await _tell_bank(
        db,
        clock,
        events.MOVED,
        after.product,
        version=after.version,
        state=after.state.value,
        was=before.state.value,
        people=list(why.people),
    )
    ends = {State.DEPRECATED, State.OFFLINE}
    if told and (after.state in ends or before.state in ends):
        await _tell_partners(db, clock, after)


async def _tell_partners(db: Connection, clock: Clock, after: ProductVersion) -> None:
    """Each partner that holds the product hears where it stands now."""
    partners = sorted({partner for partner, _ in await subscribers(db, [after.product])})
    for partner in partners:
        await store.notice(db, after, partner, clock.now())
        await tell(
            db,
            clock,
            f"{events.TOLD}{after.state.value}",
            of=(partner, f"{after.product}:{after.version}", after.revision),
            product=after.product,
            version=after.version,
            state=after.state.value,
            successor=after.successor or None,
            withdrawn_from=rfc3339(after.sunset_at) if after.sunset_at else None,
        )


async def _tell_bank(db: Connection, clock: Clock, fact: str, product: str, **body: object) -> None:
    number = await store.next_fact(db, product)
    await tell(db, clock, fact, of=(BANK, f"product:{product}", number), product=product, **body)


async def _impact(db: Connection, clock: Clock, world: World, version: ProductVersion) -> Impact:
    catalogue = catalogue_with(world, version)
    return await impact(db, clock, catalogue, version.product, in_flight=world.in_flight)


def catalogue_with(world: World, version: ProductVersion) -> Catalogue:
    """The shipped catalogue with this version of its product in it."""
    product = product_at(world.catalogue, version, world.kinds)
    products = {**world.catalogue.products, product.id: product}
    operations = {
        **world.catalogue.operations,
        **{each.id: each for each in product.all_operations},
    }
    return replace(world.catalogue, products=products, operations=operations)


def _may(person: Person, needed: Passage, version: ProductVersion) -> None:
    has_right(person, needed.rights)
    if not needed.authors and person.id == version.author:
        raise FourEyes("who wrote a version does not agree to it")


def _open(gates: Sequence[Gate]) -> None:
    closed = [each for each in gates if not each.met]
    if closed:
        said = "; ".join(f"{each.name}: {each.detail}" for each in closed)
        raise GateClosed(said, unmet=closed)
