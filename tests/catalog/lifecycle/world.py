"""A bank whose staff move products: people in their roles, partners, calls that were made."""

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.partners.builders import VAULT, a_partner, an_app

from bankside import catalog, partners
from bankside.catalog import lifecycle
from bankside.catalog.kinds import KINDS, shipped_definition
from bankside.catalog.lifecycle import ProductVersion, State, Terms, Wish
from bankside.identity.people import Person
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PersonId
from bankside.kernel.metering import CallRecord
from bankside.kernel.metering.store import day_of, insert, make_days
from bankside.kernel.snapshot import Operation, Snapshot
from bankside.orders import Orders, in_flight

SCAN = "merchant.scan-payments"
TRANSFER = "payment.internal-transfers"
WORLD = lifecycle.World(catalogue=catalog.load(), kinds=KINDS, in_flight=in_flight)
_numbers = itertools.count(1)


def staff(*roles: str) -> Person:
    """Somebody of the bank in these roles; nobody asks the table of people."""
    number = next(_numbers)
    return Person(
        realm=Realm.STAFF,
        partner=BANK,
        id=PersonId(f"usr_{number}"),
        login=f"worker.{number}",
        name="Ning",
        roles=roles,
        created_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        enrolled_at=datetime.fromisoformat("2026-01-01T00:00:00+00:00"),
        blocked_at=None,
        version=1,
    )


AUTHOR = staff("product-manager")
FIRST, SECOND, THIRD = staff("approver"), staff("approver"), staff("approver")


def definition(product: str = SCAN, **change: Any) -> dict[str, Any]:
    """A shipped definition with something changed."""
    return {**shipped_definition(product), **change}


def a_new_product(noun: str = "tip-payments") -> dict[str, Any]:
    """A product that the package does not ship, made of one it ships."""
    old = shipped_definition(TRANSFER)
    text = json.dumps(old).replace("internal-transfers", noun)
    made: dict[str, Any] = json.loads(text.replace("internalTransferId", "tipPaymentId"))
    for each in made["operations"]:
        each.pop("access", None)
    return made


@dataclass
class Desk:
    """The life cycle at work on one connection."""

    db: Connection
    clock: FixedClock

    async def draft(
        self, what: Mapping[str, Any] | None = None, by: Person = AUTHOR
    ) -> ProductVersion:
        given = what or definition()
        draft = lifecycle.Draft(
            product=given["id"], kind="orders", definition=given, author=by.id, note="try"
        )
        return await lifecycle.register(self.db, self.clock, WORLD.catalogue, draft)

    async def move(
        self, person: Person, to: str, product: str = SCAN, **terms: Any
    ) -> lifecycle.Outcome:
        reason = terms.pop("reason", "because")
        version = terms.pop("version", None)
        wish = Wish(
            to=State(to), reason=reason, terms=Terms(**terms) if terms else None, version=version
        )
        return await lifecycle.move(self.db, self.clock, WORLD, person, wish, product=product)

    async def both(self, to: str, product: str = SCAN, **terms: Any) -> ProductVersion:
        """Two people agree and the version moves."""
        await self.move(FIRST, to, product, **terms)
        outcome = await self.move(SECOND, to, product, **terms)
        assert outcome.moved
        return outcome.version

    async def to_sandbox(self, what: Mapping[str, Any] | None = None) -> ProductVersion:
        """A new version in the sandbox."""
        drafted = await self.draft(what)
        await self.move(AUTHOR, "review", drafted.product)
        given = drafted.definition or {}
        traits = (given["risk_tier"], given["data_class"])
        return await self.both("sandbox", drafted.product, confirmed=traits)

    async def to_canary(
        self, pilots: tuple[str, ...], what: Mapping[str, Any] | None = None
    ) -> ProductVersion:
        """A new version tried by these partners."""
        version = await self.to_sandbox(what)
        await self.tried(version)
        return await self.both("canary", version.product, pilots=pilots)

    async def tried(self, version: ProductVersion) -> None:
        """Every operation answered in the sandbox, every check run or vouched for."""
        self.later(minutes=1)
        product = lifecycle.product_at(WORLD.catalogue, version, KINDS)
        for each in product.all_operations:
            await self.called(each.id, version=version.version)
        await self.proven(version)
        await self.vouched(version, "crash-tests")

    async def proven(self, version: ProductVersion, passed: bool = True) -> None:
        """The platform ran its checks on the version as it is now."""
        runs = [lifecycle.Run(what=each, passed=passed, facts={}) for each in lifecycle.PROVEN]
        digest = lifecycle.digest_of(WORLD, version)
        await lifecycle.keep_runs(self.db, self.clock, version, runs, digest=digest)

    async def vouched(
        self, version: ProductVersion, what: str, *people: Person, reference: str = "build 7"
    ) -> None:
        """These people, or two who did not write it, vouch for a check."""
        word = lifecycle.Word(what, reference)
        for each in people or (FIRST, SECOND):
            await lifecycle.vouch(self.db, self.clock, WORLD, each, version, word)

    async def called(
        self,
        operation: str = f"{SCAN}.create",
        *,
        times: int = 1,
        ago: timedelta = timedelta(0),
        **facts: Any,
    ) -> None:
        """Calls that were answered, as their records tell it."""
        at = int((self.clock.now() - ago).timestamp() * 1_000_000)
        product = operation.rpartition(".")[0]
        base = {
            "partner": "prt_food",
            "app": "app_food",
            "environment": "sandbox",
            "version": 1,
            "duration_us": 900,
        } | facts
        records = [
            CallRecord(
                request_id=f"r{next(_numbers)}",
                started_at=at - 1 - number,
                operation=operation,
                product=product,
                **base,
            )
            for number in range(times)
        ]
        days = sorted({day_of(r) for r in records})
        await make_days(self.db, days)
        await insert(self.db, records)

    async def partner(self, *products: str) -> str:
        """A partner whose app holds these products."""
        made = await a_partner(self.db, self.clock)
        app = await an_app(self.db, self.clock, made)
        await partners.subscribe(self.db, self.clock, made.id, app.id, products or (SCAN,))
        return made.id

    async def snapshot(self) -> Snapshot:
        """What would be published now."""
        await partners.ensure_platform_keys(self.db, self.clock, VAULT)
        return await catalog.compiled(self.db, self.clock, WORLD.catalogue, Orders.runnable)

    async def route(self, operation: str = f"{SCAN}.create") -> Operation | None:
        """The operation as the router would know it."""
        return (await self.snapshot()).operations.get(operation)

    def later(self, **span: float) -> None:
        """Time passes."""
        self.clock.advance(timedelta(**span))


__all__ = ["AUTHOR", "FIRST", "SCAN", "SECOND", "THIRD", "TRANSFER", "WORLD", "Desk"]
