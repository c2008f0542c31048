"""What the product studio works with, and how versions stand on its pages."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bankside.catalog import Catalogue, Difference, Impact, differences
from bankside.catalog.lifecycle import (
    NOTICE_DAYS,
    PROVEN,
    SHADOW,
    SHARES,
    VOUCHED,
    VOUCHERS,
    Agreement,
    Evidence,
    Outcome,
    ProductVersion,
    Reason,
    State,
    Terms,
    Wish,
    World,
    agreements,
    digest_of,
    evidence,
    may_take_part,
    onward,
    outlook,
    product_at,
    shipped_version,
    standing,
    vouchers,
)
from bankside.console.showing import shown_time
from bankside.console.texts import Language, has_text, text
from bankside.identity.people import Person
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

ROWS_A_PAGE = 50
# A page names so many of a kind; the command line names all.
SHOWN_MAX = 30
# What people vouch for.
CHECKS = (*VOUCHED, SHADOW)
# A page names so many faults of a check; the command line names all that are kept.
FAULTS_SHOWN_MAX = 5
# How a check that the platform runs looks.
CHECK_LOOKS = {"proven": "up", "disproven": "down", "outdated": "wait", "unproven": "off"}
# Places of differences that have a word in both languages; routes and fields name themselves.
PLACES = frozenset({"name", "description", "fees", "risk tier", "data class", "steps", "limits"})
# How a state looks: one of the page's own marks.
LOOKS = {
    State.DRAFT: "off",
    State.REVIEW: "wait",
    State.SANDBOX: "wait",
    State.CANARY: "wait",
    State.LIVE: "up",
    State.DEPRECATED: "wait",
    State.OFFLINE: "down",
}


@dataclass(frozen=True, slots=True)
class Studio:
    """What `app` hands in."""

    world: World

    @property
    def catalogue(self) -> Catalogue:
        """The shipped products."""
        return self.world.catalogue


@dataclass(frozen=True, slots=True)
class Listed:
    """A product on the list: its versions, newest first, and the state that is asked for."""

    id: str
    name: Any
    versions: tuple[ProductVersion, ...]
    suspended: bool


def listed(
    studio: Studio,
    stored: Sequence[ProductVersion],
    stopped: Sequence[str],
    *,
    state: str,
    words: str,
) -> list[Listed]:
    """All products that have a version in ``state`` ("" any), by id, whose id or name has words."""
    by_product: dict[str, list[ProductVersion]] = {}
    for each in stored:
        by_product.setdefault(each.product, []).insert(0, each)
    for product in studio.catalogue.products:
        by_product.setdefault(product, [shipped_version(studio.catalogue, product)])
    found = []
    for product, versions in sorted(by_product.items()):
        name = product_at(studio.catalogue, versions[0], studio.world.kinds).name
        text = f"{product} {name.zh} {name.en}".casefold()
        if all(word in text for word in words.casefold().split()) and (
            not state or any(each.state == state for each in versions)
        ):
            found.append(Listed(product, name, tuple(versions), product in stopped))
    return found


def counted(studio: Studio, stored: Sequence[ProductVersion]) -> dict[str, int]:
    """How many versions stand in each state."""
    counts = dict.fromkeys((str(each) for each in State), 0)
    for each in stored:
        counts[each.state] += 1
    known = {each.product for each in stored}
    counts[State.LIVE] += len(studio.catalogue.products.keys() - known)
    return counts


@dataclass(frozen=True, slots=True)
class Step:
    """One move that a version could make next, as the page offers it."""

    to: State
    seen: Outcome
    offered: bool
    agreed: tuple[str, ...]
    terms: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Whether nothing but people's agreement is missing."""
        return all(each.met for each in self.seen.gates)


async def steps(
    db: Connection,
    clock: Clock,
    studio: Studio,
    person: Person,
    version: ProductVersion,
    names: dict[str, str],
) -> list[Step]:
    """The moves of a version, with what this person may do; ``names``: of people who agreed."""
    said = await agreements(db, version)
    found = []
    for to in onward(version.state):
        own = [each for each in said if each.to is to]
        kept = Terms(pilots=version.pilots, share=version.share)
        wish = Wish(to=to, terms=kept if to is State.CANARY else None)
        seen = await outlook(db, clock, studio.world, version, wish)
        may = may_take_part(person, version, to) and all(each.person != person.id for each in own)
        agreed = tuple(names.get(each.person, each.person) for each in own)
        found.append(Step(to, seen, may, agreed, _terms(studio, version, to, own)))
    return found


@dataclass(frozen=True, slots=True)
class Proven:
    """A check that the platform runs: how it stands, and its last run, if there was one."""

    what: str
    stands: str
    look: str
    run: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Vouched:
    """A check that people vouch for: who did for this content, and where each says it stands."""

    what: str
    met: bool
    words: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What speaks for a version."""

    proven: tuple[Proven, ...]
    vouched: tuple[Vouched, ...]


async def evidence_shown(
    db: Connection, studio: Studio, version: ProductVersion, names: dict[str, str]
) -> Shown:
    """The evidence of a version in the shape of the page; ``names``: of people, by id."""
    kept = await evidence(db, version)
    digest = digest_of(studio.world, version)
    stands, named = standing(kept, digest), vouchers(kept, digest)
    last = {each.what: each for each in kept if each.run is not None}
    return Shown(
        tuple(
            Proven(each, stands[each], CHECK_LOOKS[stands[each]], _run(last.get(each), names))
            for each in PROVEN
        ),
        tuple(
            Vouched(
                each,
                len(named.get(each, frozenset()) - {version.author}) >= VOUCHERS,
                tuple(
                    (names.get(word.person, word.person), word.reference)
                    for word in kept
                    if word.what == each and word.run is None and word.digest == digest
                ),
            )
            for each in CHECKS
        ),
    )


def _run(last: Evidence | None, names: dict[str, str]) -> dict[str, Any] | None:
    """The last run of a check: counts, seed, when, whose, and its first faults."""
    if last is None or last.run is None:
        return None
    counts = last.run.get("counts", {})
    return {
        "at": shown_time(last.at),
        "by": names.get(last.person, last.person),
        "calls": counts.get("calls", 0),
        "found": counts.get("faults", 0),
        "seed": last.run.get("seed", 0),
        "release": last.run.get("release", ""),
        "faults": last.run.get("faults", [])[:FAULTS_SHOWN_MAX],
    }


def changed(studio: Studio, version: ProductVersion, before: ProductVersion) -> list[Difference]:
    """What is other in a version than in the one before."""
    kinds = studio.world.kinds
    return differences(
        product_at(studio.catalogue, before, kinds), product_at(studio.catalogue, version, kinds)
    )


def sentence(lang: Language, reason: Reason) -> str:
    """Why a condition is not met, in the reader's language; checks and traits by their names."""

    def word(fact: str) -> str:
        keys = (f"studio.{kind}.{fact}" for kind in ("check", "trait"))
        return next((text(lang, key) for key in keys if has_text(lang, key)), fact)

    comma = text(lang, "studio.comma")
    facts = (
        each if isinstance(each, str) else comma.join(map(word, each)) for each in reason.facts
    )
    return text(lang, f"studio.why.{reason.name}", *facts)


def impact_shown(impact: Impact) -> dict[str, Any]:
    """The impact in the shape of the page: long lists are cut, and say so."""
    reach = impact.reach
    return {
        "lists": [
            (name, values[:SHOWN_MAX], max(0, len(values) - SHOWN_MAX))
            for name, values in (
                ("operations", reach.operations),
                ("primitives", reach.primitives),
                ("solutions", reach.solutions),
                ("clouds", reach.clouds),
            )
        ],
        "partners": impact.partners[:SHOWN_MAX],
        "more": max(0, len(impact.partners) - SHOWN_MAX),
        "figures": [
            ("partners", len(impact.partners)),
            ("tenants", impact.tenants),
            ("consents", impact.consents),
            ("in_flight", impact.in_flight),
            ("calls", impact.calls),
        ],
    }


def moved_shown(move: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    """One line of the history."""
    people = [names.get(each, each) for each in move["people"]]
    return {**move, "at": shown_time(move["at"]), "people": people}


def _terms(
    studio: Studio, version: ProductVersion, to: State, said: Sequence[Agreement]
) -> dict[str, Any]:
    """Which terms the form asks for, filled with what the first person agreed to."""
    product = product_at(studio.catalogue, version, studio.world.kinds)
    given = said[0].terms if said else None
    return {
        "fixed": given is not None,
        "traits": (product.risk_tier, product.data_class) if to is State.SANDBOX else (),
        "confirms": version.state is State.REVIEW and to is State.SANDBOX,
        "pilots": (given.pilots if given else version.pilots) if to is State.CANARY else None,
        "share": (given.share if given else version.share) if to is State.CANARY else None,
        "shares": SHARES,
        "ends": to is State.DEPRECATED,
        "successor": given.successor if given else "",
        "notice_days": given.notice_days if given else NOTICE_DAYS,
    }
