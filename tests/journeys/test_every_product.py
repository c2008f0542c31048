"""Every product of the catalogue through the running edge: well, just badly, and on other wires.

One test a product, made from the catalogue. After each the balances of every currency add up to
zero; at the end the platform proves its whole ledger.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Wish
from tests.journeys.every_operation import EveryAlipay, EveryIcbc
from tests.journeys.native_app import Answered, NativeApp
from tests.journeys.newcomer import Terms, arrives
from tests.journeys.raw import send
from tests.journeys.worlds import Worlds, worlds
from tests.orders.requests import REFUSED_FIRST, World, begins, following, preceding, valid
from tests.platform import Platform

from bankside.catalog import Product, ProductOperation, load
from bankside.kernel.money import Money
from bankside.orders import Orders

pytestmark = pytest.mark.xdist_group("journeys")

PRODUCTS = sorted(load().products)
# Somebody else's background work may change the books between two looks; three times in a row it
# does not, and a call that changes something changes it every time.
_UNBALANCED = """
select currency, sum(balance) from bank.ledger_accounts group by currency having sum(balance) <> 0
"""
# What undoes or ends an order comes after everything else that can be done with it.
_UNDOES, _ENDS = ("refunds",), ("cancellations", "closures", "revoke")
# What one minor unit above the limit is refused as.
TOO_MUCH = REFUSED_FIRST | {"limit.per_transaction_exceeded", "request.invalid"}
# Why a later act cannot follow straight from the first answer.
NOT_NOW = {
    "account.sweep_target_missing": "money is left on the account",
    "bill.already_paid": "it was paid by the act before",
    "contract.not_active": "it was given up",
    "instrument.not_holder": "the sample's payee does not hold it",
    "instrument.state_refused": "it has not matured",
    "order.already_paid": "it was paid at once",
    "order.already_posted": "what moved money is not cancelled",
    "order.closed": "the act before ended it",
    "order.not_found": "it is about a mandate or paper that the sample has not",
    "order.not_paid": "nobody paid it",
    "order.state_refused": "it was done by the act before",
    "payout.nothing_to_retry": "no line failed",
    "payout.total_mismatch": "the sample's total is that of a mandate",
    "pension.condition_unmet": "the sample is too young",
    "pension.account_wrong": "the sample names an ordinary account",
    "policy.cover_refused": "the sample's incident is later",
    "refund.already_posted": "a refund is final",
    "split.receiver_unknown": "the sample's payee is not registered",
    "split.return_exceeds_share": "nothing was shared with it",
    "ticket.not_valid": "it was redeemed by the act before",
    "transfer.already_posted": "a transfer is final",
}
# What a read answers to an id or account that is not its own kind.
NOT_THERE = {"not_found", "order.not_found", "shelf.not_found", "transaction.not_found"}


@dataclass
class Hall:
    """One partner with every product, and how the products answered so far."""

    edge: str
    native: NativeApp
    icbc: EveryIcbc
    alipay: EveryAlipay
    worlds: Worlds
    books: Books
    answered: dict[str, str] = field(default_factory=dict)
    calls: "Counter[str]" = field(default_factory=Counter)

    def call(
        self, operation: ProductOperation, body: Any = None, *, of: str = "", **query: str
    ) -> Answered:
        """One signed call of an operation on the native wire."""
        path = operation.path
        if of:
            path = path[: path.index("{")] + of + path[path.index("}") + 1 :]
        if operation.method in ("GET", "DELETE"):
            body = None
        answer = self.native.call(operation.method, path, body, query=query)
        assert answer.status < 500 or answer.status == 501, (operation.id, answer)
        self.calls["native"] += 1
        return answer

    def changes_nothing(self, operation: ProductOperation, body: Any) -> str:
        """The code of a refusal that left the books as they were."""
        answer = self.books.unchanged_by(lambda: self.call(operation, body))
        assert 400 <= answer.status < 500, (operation.id, body, answer)
        return answer.code


@pytest.fixture(scope="module")
def hall(platform: Platform) -> Iterator[Hall]:
    """An app that subscribed to the whole catalogue, in a data space of its own."""
    newcomer = arrives(platform, Terms(products=PRODUCTS))
    by_wire = {each.wire: each for each in newcomer.dialects}
    with opened(platform.home) as books, worlds(platform.home, newcomer.partner) as made:
        yield Hall(
            platform.edge,
            NativeApp(platform.edge, by_wire["native"]),
            EveryIcbc(by_wire["icbc"].party),
            EveryAlipay(by_wire["alipay"].party),
            made,
            books,
        )


@pytest.mark.parametrize("product_id", PRODUCTS)
def test_a_product_through_the_edge(hall: Hall, product_id: str) -> None:
    product = load().products[product_id]
    built = [each for each in product.all_operations if Orders.runnable(product, each)]
    operation = begins(product)

    assert len(built) == len(product.all_operations)
    if operation is None:
        _is_read(hall, product, _world(hall, product))
    else:
        world = _world(hall, product)
        _refuses_what_is_just_bad(hall, product, operation, world)
        order = _is_begun(hall, product, operation, world)
        _is_followed(hall, product, operation, world, order)
        _is_begun_on_form_wires(hall, product, operation)

    assert hall.books.ask(_UNBALANCED) == []
    hall.answered[product_id] = "available"


def test_all_222_products_answered_and_the_ledger_is_proven(
    hall: Hall, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    if not hall.answered:
        pytest.skip("the products were not asked in this process")

    proof = platform.bankside("ledger", "verify", "--json")

    assert proof.returncode == 0, proof.stderr
    assert sorted(hall.answered) == PRODUCTS
    assert Counter(hall.answered.values()) == {"available": 222}
    with capsys.disabled():
        print(f"\n{len(hall.answered)} of {len(PRODUCTS)} products")
        print(f"calls by wire: {dict(hall.calls)}")


def _world(hall: Hall, product: Product) -> World:
    """Fresh people, and what has to stand before the product's own request."""
    world = hall.worlds.fresh()
    for each in preceding(product):
        asked = load().operations[each.operation]
        made = hall.call(asked, each.body(world), of=each.path(world) or "")
        assert made.status in (200, 201, 202), (each.operation, made)
        world[each.kept_as] = each.found(made.body)
    return world


def _refuses_what_is_just_bad(
    hall: Hall, product: Product, operation: ProductOperation, world: World
) -> None:
    """An unknown field, a required one missing, one minor unit too much."""
    body = valid(product, operation, world)
    # The caller's only merchant is meant where none is named, so that is not what is left out.
    needed = next(
        each
        for each in sorted(operation.inputs, key=lambda each: each.type == "merchant")
        if each.required or each.instead_of
    )
    left = {name: body[name] for name in body if name not in {needed.name, needed.instead_of}}
    assert hall.changes_nothing(operation, body | {"no_such_field": 1}) == "request.invalid"
    assert hall.changes_nothing(operation, left) == "request.invalid"
    most = product.limits.per_transaction_minor if product.limits else None
    asked = body.get("amount")
    if most and isinstance(asked, dict):
        over = Money(most + 1, asked["currency"]).to_json()
        code = hall.changes_nothing(operation, body | {"amount": over})
        assert code in TOO_MUCH, (product.id, code)


def _is_begun(hall: Hall, product: Product, operation: ProductOperation, world: World) -> str:
    answer = hall.call(operation, valid(product, operation, world))
    assert answer.status in (201, 202), answer
    return str(answer.body["id"])


def _is_followed(
    hall: Hall, product: Product, operation: ProductOperation, world: World, order: str
) -> None:
    """Everything else the product offers: reads of the order, lists, then acts on it."""
    others = [
        each
        for each in product.all_operations
        if each is not operation and Orders.runnable(product, each)
    ]
    for each in sorted(others, key=_turn):
        own = each.path.startswith(operation.path + "/{")
        if "{" in each.path and not own:
            continue
        answer = hall.call(
            each,
            following(product, each, world) if each.writes else None,
            of=order if own else "",
            **({} if each.writes or own else _asked(each, world)),
        )
        assert answer.status < 300 or answer.code in NOT_NOW, (each.id, answer)


def _turn(operation: ProductOperation) -> tuple[bool, ...]:
    """Reads first, then acts, then what undoes, then what ends."""
    return (operation.writes, operation.word in _ENDS, operation.word in _UNDOES)


def _asked(operation: ProductOperation, world: World) -> dict[str, str]:
    return {each.name: world["payer"] for each in operation.inputs if each.required}


def _is_read(hall: Hall, product: Product, world: World) -> None:
    """A product that is only read: lists and exports of an account, items of another kind."""
    for each in product.all_operations:
        item = "{" in each.path
        answer = hall.call(
            each,
            following(product, each, world) if each.writes else None,
            of=world["payer"] if item else "",
            **({} if each.writes or item else _asked(each, world)),
        )
        assert answer.status == 200 or answer.code in NOT_THERE, (each.id, answer)


def _is_begun_on_form_wires(hall: Hall, product: Product, operation: ProductOperation) -> None:
    """The same request of other people, in the words of each form dialect."""
    dialects: tuple[tuple[EveryIcbc | EveryAlipay, set[str]], ...] = (
        (hall.icbc, {"0"}),
        (hall.alipay, {"10000", "10003"}),
    )
    for dialect, done in dialects:
        body = valid(product, operation, _world(hall, product))
        content = json.dumps(dialect.spelled(operation.id, body)).encode()
        message = dialect.message(Wish(operation=operation.id, content=content))
        said = dialect.read(send(hall.edge, message), message)
        assert said.code in done, (operation.id, said)
        hall.calls[dialect.wire] += 1
