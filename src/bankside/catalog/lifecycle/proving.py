"""Keeping evidence: what the platform ran on a version, what people vouch for, and where it ran.

Each works inside the caller's transaction.
"""

from collections.abc import Sequence

from bankside.catalog.lifecycle import rules, store
from bankside.catalog.lifecycle.errors import FourEyes, NotOffered, TermsInvalid
from bankside.catalog.lifecycle.evidence import SHADOW, VOUCHED, Evidence, Run, Word, content_digest
from bankside.catalog.lifecycle.gathering import World
from bankside.catalog.lifecycle.model import (
    DRAFT_RIGHT,
    MAKING,
    PUBLISH_RIGHT,
    STANDING,
    TRIAL,
    ProductVersion,
)
from bankside.catalog.lifecycle.reading import product_at
from bankside.catalog.lifecycle.rights import has_right
from bankside.catalog.lifecycle.service import version_of, versions_of
from bankside.identity.people import Person
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

RIGHTS = frozenset({DRAFT_RIGHT, PUBLISH_RIGHT})
REFERENCE_MAX = 500


# tidy: arguments - one person's word on one check
async def vouch(
    db: Connection, clock: Clock, world: World, person: Person, of: ProductVersion, word: Word
) -> None:
    """The person vouches for a check that the platform does not run here, and says where it stands.

    Raises TermsInvalid, RightMissing, FourEyes (who wrote the version).
    """
    may_prove(person)
    known = (*VOUCHED, SHADOW)
    if word.what not in known:
        raise TermsInvalid(f"one vouches for {', '.join(known)}; the others are run: product prove")
    if not word.reference.strip():
        raise TermsInvalid("say where it is written: a report, a build, a ticket")
    if person.id == of.author:
        raise FourEyes("who wrote a version does not vouch for it")
    kept = Evidence(
        what=word.what,
        passed=True,
        digest=digest_of(world, of),
        reference=rules.plain(word.reference, REFERENCE_MAX),
        person=person.id,
        run=None,
        at=clock.now(),
    )
    await store.keep_evidence(db, of, kept)


async def keep_runs(
    db: Connection,
    clock: Clock,
    of: ProductVersion,
    runs: Sequence[Run],
    *,
    digest: bytes,
    by: Person | None = None,
) -> None:
    """What the platform ran on the content ``digest``; ``by`` who put their name to it, if anybody.

    Raises RightMissing.
    """
    if by is not None:
        may_prove(by)
    for each in runs:
        kept = Evidence(
            what=each.what,
            passed=each.passed,
            digest=digest,
            reference="",
            person="" if by is None else by.id,
            run=each.facts,
            at=clock.now(),
        )
        await store.keep_evidence(db, of, kept)


def may_prove(person: Person) -> None:
    """The person may put their name to evidence, or RightMissing."""
    has_right(person, RIGHTS)


async def provable(db: Connection, world: World, product: str, number: int) -> ProductVersion:
    """The version that a sandbox app meets; ``number`` 0: whichever that is.

    Raises ProductUnknown, VersionUnknown, NotOffered.
    """
    found = await versions_of(db, world.catalogue, product)
    met = next(
        (each for states in (TRIAL, STANDING) for each in found if each.state in states), None
    )
    if number and all(each.version != number for each in found):
        await version_of(db, product, number)
    if met is None or number not in {0, met.version}:
        stand = ", ".join(f"version {each.version} is {each.state}" for each in found)
        hint = "; move it to the sandbox first" if found[0].state in MAKING else ""
        raise NotOffered(f"{product}: {stand}{hint}")
    return met


def digest_of(world: World, version: ProductVersion) -> bytes:
    """The digest of the version's content as it is now."""
    return content_digest(version, product_at(world.catalogue, version, world.kinds))
