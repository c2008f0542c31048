"""Another's things do not exist: walked over every operation of the catalogue that executes.

Each object is made by its owner through the API and read by its owner first, so that a 404 for
everybody else says something.
"""

import random
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import NOBODYS, Native, number
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.odd_values import odd_fields, odd_text
from tests.journeys.parties import dialects
from tests.journeys.raw import line
from tests.journeys.worlds import Worlds, worlds
from tests.orders.requests import World, begins, following, preceding, valid
from tests.orders.solutions.inputs import inputs
from tests.platform import Platform

from bankside.app.publish import catalogue
from bankside.catalog import Input, Product, ProductOperation
from bankside.orders import Orders

pytestmark = pytest.mark.xdist_group("journeys")

_HOLE = re.compile(r"\{\w+\}")
ODD_CALLS = 500

RUNNABLE = [
    (product, operation)
    for product in (*catalogue().products.values(), catalogue().platform)
    for operation in product.all_operations
    if Orders.runnable(product, operation)
]
# What everybody sees the same: the bank's own shelf and prices.
COMMON = {
    "wealth.wealth-products",
    "insurance.insurance-products",
    "forex.exchange-rates",
    "metalbond.metal-prices",
}
# The bank's own solutions are shown to everybody.
COMMON_OPERATIONS = {"platform.solutions.query"}
# The operations on an item, by product.
ITEMS: dict[str, list[tuple[Product, ProductOperation]]] = {}
for _product, _operation in RUNNABLE:
    shown_to_all = _product.id in COMMON or _operation.id in COMMON_OPERATIONS
    if _HOLE.search(_operation.path) and not shown_to_all:
        ITEMS.setdefault(_product.id, []).append((_product, _operation))
# Products that only show: the product whose order they show.
SHOWS = {
    "payment.payment-statuses": "merchant.scan-payments",
    "wealth.holdings": "wealth.fund-subscriptions",
    "loan.loan-schedules": "loan.personal-loans",
    "supplychain.chain-finance-positions": "supplychain.receivables",
    "bill.draft-records": "bill.commercial-drafts",
    "insurance.policy-records": "insurance.insurance-policies",
    "payroll.payroll-batches": "payroll.salary-payments",
    "pension.annuity-entitlements": "pension.annuity-contributions",
}
# What the platform itself keeps for its callers, by collection: a body that makes one, and what an
# operation on an item takes.
KEPT: Mapping[str, Callable[[World], dict[str, Any]]] = {
    "/v1/platform/webhook-endpoints": lambda _: {
        "url": "http://127.0.0.1:9/told",
        "types": [{"type": "consent.revoked"}],
    },
    "/v1/solution-runs": lambda world: {
        "solution": "retail-growth",
        "input": inputs("retail-growth", world),
    },
}
KEPT_ACTS: Mapping[str, dict[str, Any]] = {
    "amend": {"url": "http://127.0.0.1:9/elsewhere"},
    "steps": {"step": "sale"},
}
# Products whose papers are made when they are paid.
LATER = {
    "payroll.social-insurance-payments",
    "payroll.income-tax-payments",
    "payroll.housing-fund-contributions",
}
# Products that show entries of an account, by the account's id and the entry's number.
ENTRIES = {
    "account.account-transactions",
    "data.categorized-transactions",
    "data.fund-traces",
}
# Fields that name an account to read or to debit.
HELD = {"subject", "payer_account"}
# Operations that name an order or an account in their query or body.
NAMING = {
    "order": [o for _, o in RUNNABLE if any(each.name == "order" for each in o.inputs)],
    "account": [
        (p, o)
        for p, o in RUNNABLE
        if any(each.name in HELD and each.type == "account" for each in o.inputs)
    ],
    "merchant": [(p, o) for p, o in RUNNABLE if any(e.type == "merchant" for e in o.inputs)],
}
# The caller's own numbers: each names one thing for ever.
NUMBERS = {"order_no", "end_to_end_id", "batch_no", "reference", "refund_no"}


@dataclass
class Owner:
    """Somebody with things of its own, and what it made of each product."""

    app: NativeApp
    worlds: Worlds
    tenant: str | None
    merchant: str
    payer: str
    payee: str
    token: str
    made: dict[str, str] = field(default_factory=dict)
    _own: dict[str, World] = field(default_factory=dict)

    def body(self, fields: tuple[Input, ...]) -> dict[str, Any]:
        """A body with everything that is required, valid for this owner."""
        return {each.name: self._value(each) for each in fields if each.required}

    def acting(self, product: Product, operation: ProductOperation) -> dict[str, Any]:
        """A body that the operation takes from this owner, for an item of its own."""
        if product.tier == "platform":
            return KEPT_ACTS.get(operation.word, {})
        if operation == begins(product):
            self.item(product)
            return _numbered(valid(product, operation, self._own[product.id]))
        if "" not in self._own:
            self._own[""] = self.worlds.fresh(self.tenant)
        body = following(product, operation, self._own[""])
        if operation.word == "amend" and not body:
            # An amendment has to change something.
            first = next((e for e in operation.inputs if e.type == "text" and not e.pattern), None)
            first = first or operation.inputs[0]
            body = {first.name: self._value(first)}
        return body

    def item(self, product: Product, operation: ProductOperation | None = None) -> str:
        """The id of something of the product's that is the owner's, made on first use.

        A product with two collections (mandates and their debits) has an item in each.
        """
        if product.tier == "platform":
            assert operation is not None
            return self._kept(_HOLE.split(operation.path)[0].rstrip("/"))
        begun = begins(product)
        where = _HOLE.sub("", operation.path).split("//")[0].rstrip("/") if operation else ""
        create = next(
            (o for o in product.all_operations if o.method == "POST" and o.path == where), begun
        )
        place = product.id if create is None or create is begun else create.id
        if place not in self.made:
            second = create if place != product.id else None
            self.made[place] = self._second(product, second) if second else self._make(product)
        return self.made[place]

    def _kept(self, collection: str) -> str:
        if collection not in self.made:
            body = KEPT[collection](self.worlds.fresh(self.tenant))
            made = self.app.call("POST", collection, body)
            assert made.status in {201, 202}, (collection, made)
            self.made[collection] = str(made.body["id"])
        return self.made[collection]

    def _second(self, product: Product, create: ProductOperation) -> str:
        mandate = self.item(product)
        body = following(product, create, self._own[product.id])
        names = {each.name for each in create.inputs}
        body = _numbered(body)
        if "mandate" in names:
            body |= {"mandate": mandate}
        if "pension_account" in names:
            body |= {"pension_account": self._own[product.id]["pension"]}
        if "lines" in names:
            amount = {"amount": "1.00", "currency": "CNY"}
            line = {"line_no": 1, "mandate": mandate, "amount": amount}
            body |= {"lines": [line], "total": amount, "count": 1}
        made = self.app.call("POST", create.path, body)
        assert made.status in {200, 201, 202}, (create.id, body, made)
        return str(made.body["id"])

    def _make(self, product: Product) -> str:
        if product.id == "account.account-balances":
            return self.payer
        if product.id in ENTRIES:
            return f"{self.payer}.1"
        if product.id == "card.credit-card-bills":
            card = self.item(catalogue().products["card.credit-cards"])
            shown = self.app.call("GET", f"/v1/credit-cards/{card}")
            return str(shown.body["result"]["account"]["id"])
        if product.id in SHOWS:
            return self.item(catalogue().products[SHOWS[product.id]])
        world = self.worlds.fresh(self.tenant)
        self._own[product.id] = world
        for each in preceding(product):
            earlier = catalogue().operations[each.operation]
            path = _HOLE.sub(lambda _, each=each: each.path(world) or "", earlier.path)
            made = self.app.call(earlier.method, path, each.body(world) or None)
            assert made.status in {200, 201, 202}, (each.operation, made)
            world[each.kept_as] = each.found(made.body)
        create = begins(product)
        assert create is not None, f"{product.id} shows something that SHOWS does not name"
        body = _numbered(valid(product, create, world))
        made = self.app.call("POST", create.path, body)
        assert made.status in {201, 202}, (product.id, body, made)
        return str(made.body["id"])

    def _value(self, of: Input) -> Any:
        known = {
            "payer_account": self.payer,
            "payee_account": self.payee,
            "account": self.payee,
            "subject": self.payer,
            "merchant": self.merchant,
            "payer_token": self.token,
            "period": "2026-01",
            "line_no": 1,
            "count": 1,
        }
        if of.name in known:
            return known[of.name]
        if of.type == "money":
            return {"amount": "1.00", "currency": "CNY"}
        return [self.body(of.fields)] if of.type == "list" else number()


@pytest.fixture(scope="module")
def books(platform: Platform) -> Iterator[Books]:
    with opened(platform.home) as found:
        yield found


@pytest.fixture(scope="module")
def partner(platform: Platform) -> Iterator[Owner]:
    """The delivery platform itself, with everything made that can be made."""
    app = platform.demo["apps"][0]
    with worlds(platform.home, app["partner"]) as made:
        yield _owner(platform, app, made)


@pytest.fixture(scope="module")
def neighbour(platform: Platform) -> Iterator[Owner]:
    """Another partner of the bank."""
    tills = next(a for a in platform.demo["apps"] if set(a["wires"]) == {"native"})
    with worlds(platform.home, tills["partner"]) as made:
        yield _owner(platform, tills, made)


@pytest.fixture(scope="module")
def tenants(platform: Platform) -> Iterator[tuple[Owner, Owner]]:
    """Two tenants of the delivery platform."""
    app = platform.demo["apps"][0]
    with worlds(platform.home, app["partner"]) as made:
        first, second = (_owner(platform, app, made, tenant=each) for each in app["tenants"])
        yield first, second


def _owner(
    platform: Platform,
    app: Mapping[str, Any],
    made: Worlds,
    *,
    tenant: Mapping[str, str] | None = None,
) -> Owner:
    demo, token = platform.demo, tenant["app_auth_token"] if tenant else ""
    native = next(
        each
        for each in dialects(demo)
        if isinstance(each, Native)
        and (each.party.app_id, each.party.alg) == (app["app_id"], "hmac-sha256")
    )

    def own(kind: str) -> list[dict[str, Any]]:
        return [each for each in demo[kind] if each["partner"] == app["partner"]]

    of = tenant["tenant"] if tenant else None
    merchant = next(each for each in own("merchants") if each["tenant"] == of)
    shown = own("payer_tokens")[0]
    return Owner(
        app=NativeApp(platform.edge, native, token),
        worlds=made,
        tenant=of,
        merchant=merchant["id"],
        payer=merchant["account"] if tenant else shown["account"],
        payee=shown["account"] if tenant else merchant["account"],
        token=shown["code"],
    )


def called(
    who: Owner, operation: ProductOperation, body: Mapping[str, Any], item: str = ""
) -> Answered:
    """One call; reads carry the body as their query."""
    path = _HOLE.sub(lambda _: item, operation.path)
    if operation.method == "GET":
        return who.app.call("GET", path, query={k: str(v) for k, v in body.items()})
    return who.app.call(
        operation.method, path, dict(body) if operation.inputs or operation.open else None
    )


def _numbered(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body under fresh numbers of the caller's own."""
    return dict(body) | {name: number() for name in body if name in NUMBERS}


@pytest.mark.parametrize("of", ITEMS)
def test_anothers_items_are_not_found_by_any_operation_and_their_owners_read_them(
    of: str, partner: Owner, neighbour: Owner, tenants: tuple[Owner, Owner], books: Books
) -> None:
    first, second = tenants
    asked = [
        (op, partner.item(product, op), first.item(product, op), _nothing(product))
        for product, op in ITEMS[of]
    ]
    # What each stranger sends along: a body that is right for an item of its own.
    bodies = {
        (op.id, id(who)): who.acting(product, op)
        for product, op in ITEMS[of]
        for who in (neighbour, second)
    }

    def refused() -> None:
        for op, own, item, none in asked:
            # A token narrows: what is the partner's own is not the tenant's either.
            for who in (neighbour, second):
                body = bodies[op.id, id(who)]
                said = {_refusal(who, op, body, each) for each in (own, item, none)}
                assert len(said) == 1, (op.id, said)

    books.unchanged_by(refused)
    for op, own, item, _ in asked:
        for who, theirs in ((partner, own), (partner, item), (first, item)):
            _readable(who, op, theirs)


@pytest.mark.parametrize("operation", NAMING["order"], ids=lambda each: each.id)
def test_an_order_named_in_a_request_is_ones_own_or_none(
    operation: ProductOperation,
    partner: Owner,
    neighbour: Owner,
    tenants: tuple[Owner, Owner],
    books: Books,
) -> None:
    first, second = tenants
    scan = catalogue().products["merchant.scan-payments"]
    theirs = [(neighbour, partner.item(scan)), (second, first.item(scan)), (second, NOBODYS)]

    def refused() -> None:
        for who, order in theirs:
            answer = called(who, operation, who.body(operation.inputs) | {"order": order})
            if operation.word == "list":
                assert (answer.status, answer.body["items"]) == (200, [])
            else:
                assert (answer.status, answer.code) == (404, "order.not_found")

    books.unchanged_by(refused)


@pytest.mark.parametrize("operation", NAMING["account"], ids=lambda pair: pair[1].id)
def test_an_account_is_read_and_debited_by_its_own_side_only(
    operation: tuple[Product, ProductOperation],
    partner: Owner,
    neighbour: Owner,
    tenants: tuple[Owner, Owner],
    books: Books,
) -> None:
    (product, op), (first, second) = operation, tenants
    fields = {each.name for each in op.inputs}
    name = "subject" if "subject" in fields else "payer_account"
    theirs = [
        (neighbour, partner.payer),
        (second, first.payer),
        (second, partner.payer),
        (second, "acc_00000000000000000000000000"),
    ]
    own = {id(who): _named_item(who, product, op) for who in (neighbour, second)}

    def refused() -> None:
        for who, account in theirs:
            body = who.acting(product, op) | {name: account}
            answer = called(who, op, body, own[id(who)])
            # An order that takes no such act at all says so first.
            # A check of a person's account looks for the person first.
            unknown = {"account.not_found", "party.not_found"}
            assert answer.status == 409 or answer.code in unknown, answer

    books.unchanged_by(refused)


@pytest.mark.parametrize("operation", NAMING["merchant"], ids=lambda pair: pair[1].id)
def test_money_is_collected_for_ones_own_merchants_only(
    operation: tuple[Product, ProductOperation],
    partner: Owner,
    neighbour: Owner,
    tenants: tuple[Owner, Owner],
    books: Books,
) -> None:
    (product, op), (first, second) = operation, tenants
    theirs = [(neighbour, partner.merchant), (second, first.merchant)]
    own = {id(who): _named_item(who, product, op) for who in (neighbour, second)}

    def refused() -> None:
        for who, merchant in theirs:
            body = who.acting(product, op) | {"merchant": merchant}
            answer = called(who, op, body, own[id(who)])
            assert (answer.status, answer.code) == (422, "merchant.not_found"), answer

    books.unchanged_by(refused)


def test_lists_hold_ones_own_orders_only(
    partner: Owner, neighbour: Owner, tenants: tuple[Owner, Owner]
) -> None:
    first, second = tenants
    lists = [
        (p, o)
        for p, o in RUNNABLE
        if o.word == "list" and p.family != "query" and p.steps and begins(p) is not None
    ]
    for product, op in lists:
        mine, firsts = partner.item(product), first.item(product)

        seen = {
            who.app.token + who.merchant: _ids(who, op)
            for who in (partner, neighbour, first, second)
        }

        assert mine not in seen[neighbour.merchant], op.id
        assert firsts not in seen[neighbour.merchant], op.id
        assert mine not in seen[first.app.token + first.merchant], op.id
        assert firsts not in seen[second.app.token + second.merchant], op.id
        assert firsts in seen[first.app.token + first.merchant], op.id
        assert {mine, firsts} <= seen[partner.merchant], op.id


def test_a_tenants_token_is_worth_nothing_to_another_app(
    neighbour: Owner, tenants: tuple[Owner, Owner]
) -> None:
    borrowed = replace(neighbour.app, token=tenants[0].app.token)

    refused = borrowed.call("POST", "/v1/platform/echoes", {})

    assert (refused.status, refused.code) == (401, "tenant.token_unknown")


def test_random_content_of_a_proven_caller_never_breaks_the_bank(
    partner: Owner, tenants: tuple[Owner, Owner], platform: Platform
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    known: dict[str, Any] = {
        "accounts": [partner.payer, partner.payee, tenants[0].payer],
        "merchants": [partner.merchant, tenants[0].merchant],
        "tokens": [partner.token],
        "orders": [NOBODYS],
    }
    with line(platform.edge) as through:
        for _ in range(ODD_CALLS):
            product, op = chance.choice(RUNNABLE)
            who = chance.choice([partner, partner, tenants[0]])
            own = [who.made.get(product.id, NOBODYS), *known["orders"]]
            path = _HOLE.sub(lambda _, own=own: odd_text(own, chance), op.path)
            body = None if op.method == "GET" else odd_fields(op.inputs, known, chance)
            query = {each.name: odd_text(own, chance) for each in op.inputs} if body is None else {}

            answer = who.app.call(op.method, path, body, query=query, through=through)

            assert answer.status < 500, (seed, op.id, path, query, body, answer)

    verified = platform.bankside("ledger", "verify", "--json")
    assert verified.returncode == 0, verified.stderr


def _bodies(product: Product, op: ProductOperation, *callers: Owner) -> list[dict[str, Any]]:
    """What each caller sends along with somebody else's item: a body that is right for its own."""
    return [each.acting(product, op) for each in callers]


def _named_item(who: Owner, product: Product, op: ProductOperation) -> str:
    """An item of the caller's own where the route names one."""
    return who.item(product, op) if _HOLE.search(op.path) else ""


def _refusal(
    who: Owner, op: ProductOperation, body: Mapping[str, Any], item: str
) -> tuple[str, str]:
    """Code and words of the 404 that an item answers with, whatever its id was."""
    answer = called(who, op, body, item)
    assert answer.status == 404, (op.id, answer)
    return answer.code, str(answer.body["detail"]).replace(item, "it")


def _readable(who: Owner, op: ProductOperation, item: str) -> None:
    # What is made when an order is paid has no content before.
    if op.method == "GET" and not (op.word == "content" and op.product in LATER):
        assert called(who, op, {}, item).status == 200, (op.id, item)


def _nothing(product: Product) -> str:
    """A well-formed id of the product's that names nothing."""
    nobodys = {
        "account.account-balances": "acc_00000000000000000000000000",
        **dict.fromkeys(ENTRIES, "acc_00000000000000000000000000.1"),
    }
    return nobodys.get(product.id, NOBODYS)


def _ids(who: Owner, op: ProductOperation) -> set[str]:
    """All ids of a list, page by page."""
    found: set[str] = set()
    cursor = ""
    while True:
        query = {"limit": "200"} | ({"cursor": cursor} if cursor else {})
        page = called(who, op, query).body
        found |= {each["id"] for each in page["items"]}
        cursor = page["next_cursor"]
        if cursor is None:
            return found
