"""The impact graph: what hangs on an operation, a primitive, a product, a solution or a cloud.

Operation, primitive, product, solution, cloud stand in the definitions; partners, tenants,
consents, orders in flight and calls are counted as of now. Asked before each move of a product, and
by who wants to know what must be tested again when a primitive changes.
Source: catalogue guide section 7.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bankside.catalog.errors import SubjectUnknown
from bankside.catalog.model import Catalogue, Product
from bankside.catalog.store import proving_spaces
from bankside.identity.consents import ConsentKind, count_in_force
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.metering import ProductCalls, calls_of_products
from bankside.kernel.snapshot import token_scope
from bankside.partners import subscribers, tenants_of

CALLS_DAYS = 30
# How many orders of these products (of one version, or of all) still run, without those of some
# partners: `orders` knows.
InFlight = Callable[[Connection, Collection[str], int | None, Collection[str]], Awaitable[int]]

_CONSENTS = {
    "accounts": (ConsentKind.ACCOUNT_ACCESS,),
    "payments": (ConsentKind.PAYMENT, ConsentKind.RECURRING_PAYMENTS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What hangs on ``subject`` by definition; ids, sorted."""

    subject: str
    kind: str
    operations: tuple[str, ...]
    primitives: tuple[str, ...]
    products: tuple[str, ...]
    solutions: tuple[str, ...]
    clouds: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One partner's use: apps that may call, its tenants, calls of the last days and the latest."""

    partner: str
    apps: int
    tenants: int
    calls: int
    last_call: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """Who is touched when the subject changes, as of ``at``; ``calls`` are of the last 30 days."""

    at: datetime
    reach: Reach
    partners: tuple[Use, ...]
    tenants: int
    consents: int
    in_flight: int
    calls: int

    def document(self) -> dict[str, Any]:
        """The answer as plain JSON."""
        return {
            "at": rfc3339(self.at),
            "subject": self.reach.subject,
            "kind": self.reach.kind,
            "operations": list(self.reach.operations),
            "primitives": list(self.reach.primitives),
            "products": list(self.reach.products),
            "solutions": list(self.reach.solutions),
            "clouds": list(self.reach.clouds),
            "partners": [
                {
                    "partner": each.partner,
                    "apps": each.apps,
                    "tenants": each.tenants,
                    "calls": each.calls,
                    "last_call": rfc3339(each.last_call) if each.last_call else None,
                }
                for each in self.partners
            ],
            "tenants": self.tenants,
            "consents": self.consents,
            "orders_in_flight": self.in_flight,
            "calls_days": CALLS_DAYS,
            "calls": self.calls,
        }


def reach(catalogue: Catalogue, subject: str) -> Reach:
    """What hangs on an operation, primitive (``transfer``, ``transfer.out``), product, solution or
    cloud. Raises SubjectUnknown.
    """
    kind, products = _products(catalogue, subject)
    ids = {each.id for each in products}
    operations = [each.id for product in products for each in product.all_operations]
    return Reach(
        subject=subject,
        kind=kind,
        operations=(subject,) if kind == "operation" else tuple(sorted(operations)),
        primitives=tuple(sorted({each for product in products for each in product.primitives})),
        products=tuple(sorted(ids)),
        solutions=tuple(
            sorted(each.id for each in catalogue.solutions.values() if ids & set(each.products))
        ),
        clouds=tuple(
            sorted(each.id for each in catalogue.clouds.values() if ids & set(each.products))
        ),
    )


async def impact(
    db: Connection, clock: Clock, catalogue: Catalogue, subject: str, *, in_flight: InFlight
) -> Impact:
    """Who is touched when ``subject`` changes. Raises SubjectUnknown."""
    at, reached = clock.now(), reach(catalogue, subject)
    every = await calls_of_products(
        db, reached.products, since=at - timedelta(days=CALLS_DAYS), until=at
    )
    own = await proving_spaces(db, reached.products)
    calls = [each for each in every if each.partner not in own]
    if reached.kind == "operation":
        calls = [each for each in calls if each.operation == subject]
    apps = await subscribers(db, reached.products)
    tenants = await tenants_of(db, {partner for partner, _ in apps})
    partners = _uses(calls, apps, tenants)
    kinds = set(_consent_kinds(catalogue, reached))
    clients = {app for _, app in apps}
    return Impact(
        at=at,
        reach=reached,
        partners=partners,
        tenants=sum(tenants.values()),
        consents=await count_in_force(db, clients, kinds, at) if kinds and clients else 0,
        in_flight=await in_flight(db, reached.products, None, own),
        calls=sum(each.calls for each in calls),
    )


def _products(catalogue: Catalogue, subject: str) -> tuple[str, list[Product]]:
    """The kind of a subject and the products that hang on it."""
    everything = list(catalogue.products.values())
    if subject in catalogue.products:
        return "product", [catalogue.products[subject]]
    if subject in catalogue.primitives:
        return "primitive", [each for each in everything if subject in each.primitives]
    if catalogue.primitive(subject) is not None:
        used = [each for each in everything if any(step.use == subject for step in each.steps)]
        return "primitive", used
    if subject in catalogue.operations and catalogue.operations[subject].product in (
        catalogue.products
    ):
        return "operation", [catalogue.products[catalogue.operations[subject].product]]
    bundle = catalogue.solutions.get(subject) or catalogue.clouds.get(subject)
    if bundle is not None:
        kind = "solution" if subject in catalogue.solutions else "cloud"
        known = [each for each in bundle.products if each in catalogue.products]
        return kind, [catalogue.products[each] for each in known]
    raise SubjectUnknown(f"the catalogue has no {subject[:80]}")


def _uses(
    calls: Collection[ProductCalls], apps: Collection[tuple[str, str]], tenants: dict[str, int]
) -> tuple[Use, ...]:
    counted: Counter[str] = Counter()
    latest: dict[str, datetime] = {}
    for each in calls:
        counted[each.partner] += each.calls
        latest[each.partner] = max(each.last_at, latest.get(each.partner, each.last_at))
    held = Counter(partner for partner, _ in apps)
    return tuple(
        Use(
            partner=partner,
            apps=held[partner],
            tenants=tenants.get(partner, 0),
            calls=counted[partner],
            last_call=latest.get(partner),
        )
        for partner in sorted(held | counted, key=lambda each: (-counted[each], each))
    )


def _consent_kinds(catalogue: Catalogue, reached: Reach) -> Iterator[ConsentKind]:
    """Kinds of consents under which the products' operations may be called."""
    for operation in reached.operations:
        found = catalogue.operations.get(operation)
        if found is not None and found.access == "either":
            for scope in catalogue.products[found.product].consent_scopes:
                yield from _CONSENTS.get(token_scope(scope), ())
