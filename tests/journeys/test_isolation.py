"""Another's things do not exist: walked over every operation of the catalogue that executes.

Each object is made by its owner through the API and read by its owner first, so that a 404 for
everybody else says something.
"""

import random
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import NOBODYS, Native, number
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.odd_values import odd_fields, odd_text
from tests.journeys.parties import dialects
from tests.journeys.raw import line
from tests.platform import Platform

from bankside.app.publish import catalogue
from bankside.catalog import Input, Product, ProductOperation
from bankside.orders import Orders

pytestmark = pytest.mark.xdist_group("journeys")

_HOLE = re.compile(r"\{\w+\}")
ODD_CALLS = 500
PAID_OUT_SECONDS = 30.0

RUNNABLE = [
    (product, operation)
    for product in (*catalogue().products.values(), catalogue().platform)
    for operation in product.all_operations
    if Orders.runnable(product, operation)
]
ITEMS = [(product, operation) for product, operation in RUNNABLE if _HOLE.search(operation.path)]
# Fields that name an account to read or to debit.
HELD = {"subject", "payer_account"}
# Operations that name an order or an account in their query or body.
NAMING = {
    "order": [o for _, o in RUNNABLE if any(each.name == "order" for each in o.inputs)],
    "account": [
        o
        for _, o in RUNNABLE
        if any(each.name in HELD and each.type == "account" for each in o.inputs)
    ],
    "merchant": [o for _, o in RUNNABLE if any(each.type == "merchant" for each in o.inputs)],
}


@dataclass
class Owner:
    """Somebody with things of its own, and what it made of each product."""

    app: NativeApp
    merchant: str
    payer: str
    payee: str
    token: str
    made: dict[str, str] = field(default_factory=dict)

    def body(self, fields: tuple[Input, ...]) -> dict[str, Any]:
        """A body with everything that is required, valid for this owner."""
        return {each.name: self._value(each) for each in fields if each.required}

    def item(self, product: Product) -> str:
        """The id of something of the product's that is the owner's, made on first use."""
        if product.id not in self.made:
            self.made[product.id] = self._make(product)
        return self.made[product.id]

    def _make(self, product: Product) -> str:
        if product.id == "account.account-balances":
            return self.payer
        if product.id == "account.account-transactions":
            return f"{self.payer}.1"
        if product.id == "payment.payment-statuses":
            return self.item(catalogue().products["merchant.scan-payments"])
        create = next(o for o in product.all_operations if o.word == "create")
        body = self.body(create.inputs)
        if product.id == "merchant.merchant-refunds":
            body |= {"order": self.item(catalogue().products["merchant.scan-payments"])}
        made = self.app.call("POST", create.path, body)
        assert made.status in {201, 202}, (product.id, body, made)
        if product.id == "payment.bulk-transfers":
            self._paid_out(create.path, made.body["id"])
        return str(made.body["id"])

    def _paid_out(self, path: str, order: str) -> None:
        """Wait until the worker has paid the lines: nothing may change later for other reasons."""
        deadline = time.monotonic() + PAID_OUT_SECONDS
        while self.app.call("GET", f"{path}/{order}").body["state"] != "completed":
            assert time.monotonic() < deadline, f"{order} was not paid out"
            time.sleep(0.1)

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
def partner(platform: Platform) -> Owner:
    """The delivery platform itself, with everything made that can be made."""
    return _owner(platform, platform.demo["apps"][0], tenant=None)


@pytest.fixture(scope="module")
def neighbour(platform: Platform) -> Owner:
    """Another partner of the bank."""
    tills = next(a for a in platform.demo["apps"] if set(a["wires"]) == {"native"})
    return _owner(platform, tills, tenant=None)


@pytest.fixture(scope="module")
def tenants(platform: Platform) -> tuple[Owner, Owner]:
    """Two tenants of the delivery platform."""
    app = platform.demo["apps"][0]
    first, second = (_owner(platform, app, tenant=each) for each in app["tenants"])
    return first, second


def _owner(platform: Platform, app: Mapping[str, Any], tenant: Mapping[str, str] | None) -> Owner:
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
    return who.app.call(operation.method, path, dict(body))


@pytest.mark.parametrize("operation", ITEMS, ids=lambda pair: pair[1].id)
def test_another_partners_item_is_not_found(
    operation: tuple[Product, ProductOperation], partner: Owner, neighbour: Owner, books: Books
) -> None:
    product, op = operation
    item = partner.item(product)
    body = neighbour.body(op.inputs)
    before = books.state()

    assert _refusal(neighbour, op, body, item) == _refusal(neighbour, op, body, _nothing(product))
    assert books.state() == before
    _readable(partner, op, item)


@pytest.mark.parametrize("operation", ITEMS, ids=lambda pair: pair[1].id)
def test_another_tenants_item_is_not_found_and_its_partner_sees_it(
    operation: tuple[Product, ProductOperation],
    tenants: tuple[Owner, Owner],
    partner: Owner,
    books: Books,
) -> None:
    (product, op), (first, second) = operation, tenants
    item, own = first.item(product), partner.item(product)
    body = second.body(op.inputs)
    before = books.state()

    # A token narrows: what is the partner's own is not the tenant's either.
    told = [_refusal(second, op, body, each) for each in (item, own, _nothing(product))]
    assert told[0] == told[1] == told[2]
    assert books.state() == before
    _readable(first, op, item)
    _readable(partner, op, item)


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
    before = books.state()

    for who, order in theirs:
        answer = called(who, operation, who.body(operation.inputs) | {"order": order})

        if operation.word == "list":
            assert (answer.status, answer.body["items"]) == (200, [])
        else:
            assert (answer.status, answer.code) == (404, "order.not_found")
    assert books.state() == before


@pytest.mark.parametrize("operation", NAMING["account"], ids=lambda each: each.id)
def test_an_account_is_read_and_debited_by_its_own_side_only(
    operation: ProductOperation,
    partner: Owner,
    neighbour: Owner,
    tenants: tuple[Owner, Owner],
    books: Books,
) -> None:
    first, second = tenants
    fields = {each.name for each in operation.inputs}
    name = "subject" if "subject" in fields else "payer_account"
    theirs = [
        (neighbour, partner.payer),
        (second, first.payer),
        (second, partner.payer),
        (second, "acc_00000000000000000000000000"),
    ]
    before = books.state()

    for who, account in theirs:
        answer = called(who, operation, who.body(operation.inputs) | {name: account})

        assert (answer.status, answer.code) == (422, "account.not_found"), (who.app.token, answer)
    assert books.state() == before


@pytest.mark.parametrize("operation", NAMING["merchant"], ids=lambda each: each.id)
def test_money_is_collected_for_ones_own_merchants_only(
    operation: ProductOperation,
    partner: Owner,
    neighbour: Owner,
    tenants: tuple[Owner, Owner],
    books: Books,
) -> None:
    first, second = tenants
    theirs = [(neighbour, partner.merchant), (second, first.merchant)]
    before = books.state()

    for who, merchant in theirs:
        answer = called(who, operation, who.body(operation.inputs) | {"merchant": merchant})

        assert (answer.status, answer.code) == (422, "merchant.not_found")
    assert books.state() == before


def test_lists_hold_ones_own_orders_only(
    partner: Owner, neighbour: Owner, tenants: tuple[Owner, Owner]
) -> None:
    first, second = tenants
    lists = [(p, o) for p, o in RUNNABLE if o.word == "list" and p.family != "query"]
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


def _refusal(
    who: Owner, op: ProductOperation, body: Mapping[str, Any], item: str
) -> tuple[str, str]:
    """Code and words of the 404 that an item answers with, whatever its id was."""
    answer = called(who, op, body, item)
    assert answer.status == 404, (op.id, answer)
    return answer.code, str(answer.body["detail"]).replace(item, "it")


def _readable(who: Owner, op: ProductOperation, item: str) -> None:
    if op.method == "GET":
        assert called(who, op, {}, item).status == 200, (op.id, item)


def _nothing(product: Product) -> str:
    """A well-formed id of the product's that names nothing."""
    nobodys = {
        "account.account-balances": "acc_00000000000000000000000000",
        "account.account-transactions": "acc_00000000000000000000000000.1",
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
