"""Making the ground, running the checks on it, keeping what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import bankside
from bankside.app.proving.books import SpaceBooks
from bankside.app.proving.checks import Tell, Trial, contract_fuzz, docs_samples, magic_values
from bankside.app.proving.client import Asked, Line
from bankside.app.proving.ground import ground
from bankside.app.proving.judging import Contract
from bankside.app.proving.making import Cast, Maker
from bankside.app.proving.report import Check
from bankside.app.publish import catalogue
from bankside.catalog import KINDS, display, lifecycle, openapi
from bankside.catalog.apis import selected
from bankside.catalog.lifecycle import ProductVersion, World
from bankside.identity.people import Person, person_with
from bankside.identity.realms import BANK, Realm
from bankside.kernel.calendar import business_date
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.orders import Orders, in_flight

# Tells an app which space it stands in: by that the ground is known to be in force.
OWN_SPACE = "platform.spaces.query"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """What to prove: ``version`` 0: the one a sandbox app meets; ``by``: a login, "" nobody's."""

    product: str
    version: int = 0
    seed: int = 0
    by: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of it: the version, the digest of its content, the seed, and each check."""

    version: ProductVersion
    digest: str
    seed: int
    seconds: float
    checks: Sequence[Check]

    @property
    def passed(self) -> bool:
        """Whether every check found nothing."""
        return all(each.passed for each in self.checks)

    def document(self) -> dict[str, Any]:
        """The whole proof, for whoever asked for it."""
        return {
            "product": self.version.product,
            "version": self.version.version,
            "content_sha256": self.digest,
            "seed": self.seed,
            "release": bankside.__version__,
            "seconds": round(self.seconds, 1),
            "passed": self.passed,
            "checks": {
                each.what: {"passed": each.passed, **each.document()} for each in self.checks
            },
        }

    def facts(self, check: Check) -> Mapping[str, Any]:
        """A check as evidence keeps it."""
        return {
            "seed": self.seed,
            "release": bankside.__version__,
            "seconds": round(self.seconds, 1),
            **check.document(),
        }


# tidy: arguments - where it runs, what is asked and who is told
async def prove(
    home: Path, edge: str, pool: Pool, clock: Clock, asking: Asking, *, tell: Tell
) -> Proof:
    """The checks have run on the version and are kept as its evidence.

    Raises ProductUnknown, VersionUnknown, NotOffered, ProductClosed (it takes no new contracts),
    RightMissing, PersonUnknown, EdgeUnreachable.
    """
    world = World(catalogue=catalogue(), kinds=KINDS, in_flight=in_flight)
    async with transaction(pool) as db:
        version = await lifecycle.provable(db, world, asking.product, asking.version)
        by = await _person(db, asking.by)
        digest = lifecycle.digest_of(world, version)
        contract = Contract(await _document(db, world, version))
    began = monotonic()
    async with ground(home, pool, clock, version) as place:
        tell(f"{version.product} version {version.version} in {place.space}, seed {asking.seed}")
        trial = Trial(
            product=lifecycle.product_at(world.catalogue, version, world.kinds),
            line=Line(edge, place, clock),
            contract=contract,
            maker=Maker(Cast.of(place.people, business_date(clock.now())), asking.seed),
            books=SpaceBooks(pool, place.space),
            tell=tell,
        )
        try:
            await trial.line.ready(Asked(operation=catalogue().operations[OWN_SPACE]))
            checks = [await each(trial) for each in (contract_fuzz, docs_samples, magic_values)]
        finally:
            trial.line.close()
    proof = Proof(
        version=version,
        digest=digest.hex(),
        seed=asking.seed,
        seconds=monotonic() - began,
        checks=checks,
    )
    runs = [
        lifecycle.Run(what=each.what, passed=each.passed, facts=proof.facts(each))
        for each in checks
    ]
    async with transaction(pool) as db:
        await lifecycle.keep_runs(db, clock, version, runs, digest=digest, by=by)
    return proof


async def _person(db: Connection, login: str) -> Person | None:
    """Who puts their name to it, and may; None when nobody does."""
    if not login:
        return None
    person = await person_with(db, Realm.STAFF, BANK, login)
    lifecycle.may_prove(person)
    return person


async def _document(db: Connection, world: World, version: ProductVersion) -> Mapping[str, Any]:
    """The OpenAPI document of this version, as its callers read it."""
    shown = await display(db, world.catalogue)
    standing = lifecycle.catalogue_with(world, version)
    document = shown.told(dict(openapi(standing, Orders.runnable, Orders.refusals)))
    return selected(document, {version.product}, title=version.product)
