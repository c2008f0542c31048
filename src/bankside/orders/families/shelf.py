"""Reads of the bank's own shelf: exchange rates, prices, and what can be bought today.

Everything here is the sandbox's until a market is connected, and says so in ``simulated``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bankside.bank import ledger
from bankside.bank.accounts import Account, ProductClass
from bankside.bank.shelf import FUNDS, Fund
from bankside.kernel.call import Answer
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.errors import NotFound
from bankside.kernel.money import Money
from bankside.orders import carry, parties, store
from bankside.orders.answers import Shown, shown_section
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound
from bankside.orders.families import query
from bankside.orders.inputs import read_body, read_query
from bankside.orders.interest import half_even
from bankside.orders.interest.cards import DAYS_TO_PAY, MINIMUM_PERCENT, CardBook, opened
from bankside.orders.preparations import card
from bankside.orders.primitives import card as card_months
from bankside.orders.primitives.deposit import bank_day

OK = 200
_OWN = "CNY"

Rows = Callable[[Desk, Ticket], Sequence[Shown]]


class ShelfItemNotFound(NotFound):
    """There is no such entry on the shelf."""

    code = "shelf.not_found"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A short list that is the same for everybody: all of it is one page."""

    rows: Rows

    async def listed(self, desk: Desk, ticket: Ticket) -> Answer:
        """The entries, all or those of the currency or kind asked for."""
        asked = read_query(ticket.operation.inputs, ticket.call.query)
        return Answer(OK, {"items": self._chosen(desk, ticket, asked), "next_cursor": None})

    async def item(self, desk: Desk, ticket: Ticket) -> Answer:
        """One entry by its id. Raises ShelfItemNotFound."""
        wanted = carry.path_id(ticket)
        for row in self.rows(desk, ticket):
            if row["id"] == wanted:
                return Answer(OK, row)
        raise ShelfItemNotFound

    async def export(self, desk: Desk, ticket: Ticket) -> Answer:
        """The entries as a CSV file."""
        asked = read_body(ticket.operation.inputs, ticket.call.body)
        rows = self._chosen(desk, ticket, asked)
        head = tuple(rows[0]) if rows else ("id",)
        return query.sheet(head, [[str(row[name]) for name in head] for row in rows])

    def _chosen(self, desk: Desk, ticket: Ticket, asked: Mapping[str, Any]) -> list[Shown]:
        wanted = {name: value for name, value in asked.items() if name in ("currency", "kind")}
        rows = self.rows(desk, ticket)
        return [row for row in rows if all(row.get(name) == wanted[name] for name in wanted)]


def rates(desk: Desk, ticket: Ticket) -> list[Shown]:
    """Every currency against the bank's own, both ways: what one unit sold buys."""
    shown = []
    for currency in desk.market.pairs():
        for sell, buy in ((currency, _OWN), (_OWN, currency)):
            rate = desk.market.rate(sell, buy, ticket.at)
            shown.append(
                {
                    "id": f"{sell}-{buy}",
                    "currency": currency,
                    "sell": sell,
                    "buy": buy,
                    "rate": str(rate.rate),
                    "source": rate.source,
                    "simulated": rate.simulated,
                    "as_of": rfc3339(rate.at),
                }
            )
    return shown


def funds(*kinds: str) -> Rows:
    """The funds of some kinds at today's price."""

    def rows(_desk: Desk, ticket: Ticket) -> list[Shown]:
        return [_fund(each, ticket) for each in FUNDS.values() if each.kind in kinds]

    return rows


def _fund(fund: Fund, ticket: Ticket) -> Shown:
    today = bank_day(ticket.at)
    return {
        "id": fund.code,
        "name_zh": fund.name_zh,
        "name_en": fund.name_en,
        "kind": fund.kind,
        "currency": fund.currency,
        "risk_grade": f"C{fund.grade}",
        "minimum": str(fund.minimum),
        "price": str(fund.price(today)),
        "price_date": today.isoformat(),
        "source": "sandbox",
        "simulated": True,
    }


async def schedule(desk: Desk, ticket: Ticket) -> Answer:
    """The lines of a loan: what falls due when, and what was paid of it."""
    read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        order = await carry.of_product(desk, db, ticket)
    if "loan" not in order.book:
        raise OrderNotFound
    loan = shown_section(order, "loan")
    return Answer(
        OK, {**loan, "id": order.id, "lines": loan.get("lines", [])}, facts=carry.facts(order)
    )


async def card_bills(desk: Desk, ticket: Ticket) -> Answer:
    """The bill of a credit card account, as a list of one."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        named = {"?subject": asked["subject"]}
        card = (await parties.known(db, ticket.scope, named))[asked["subject"]]
        shown = await _card_bill(db, ticket, card)
    return Answer(OK, {"items": [shown], "next_cursor": None})


async def card_bill(desk: Desk, ticket: Ticket) -> Answer:
    """The bill of the credit card account the path names."""
    async with desk.reading() as db:
        card = await parties.own_account(db, ticket.scope, carry.path_id(ticket))
        return Answer(OK, await _card_bill(db, ticket, card))


async def card_bill_export(desk: Desk, ticket: Ticket) -> Answer:
    """The bill as a CSV file."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        card = (await parties.known(db, ticket.scope, {"/subject": form["subject"]}))[
            form["subject"]
        ]
        shown = await _card_bill(db, ticket, card)
    row = [each["amount"] if isinstance(each, dict) else str(each or "") for each in shown.values()]
    return query.sheet(tuple(shown), [row])


async def _card_bill(db: Connection, ticket: Ticket, found: Account) -> Shown:
    """The last bill and what is owed now; before the first bill, what it would ask for."""
    if found.product_class is not ProductClass.CREDIT:
        raise ShelfItemNotFound("this is no credit card account")
    money = await ledger.balance(db, found.ledger_account)
    spent = max(-money.booked.minor, 0)
    book = await _card_book(db, ticket, found)
    charges = book.due_minor
    least = half_even(spent * MINIMUM_PERCENT, 100) + charges
    if book.bill is not None:
        least = await card.missing_of(db, book, found.ledger_account, bank_day(ticket.at))

    def shown(minor: int) -> dict[str, str]:
        return Money(minor, found.currency).to_json()

    bill_date = book.bill.bill_date if book.bill else book.next_bill
    return {
        "id": found.id,
        "status": book.status,
        "owed": shown(spent + charges),
        "interest": shown(book.interest_minor),
        "late_fee": shown(book.late_fee_minor),
        "billed": shown(book.bill.balance_minor) if book.bill else None,
        "minimum": shown(least),
        "available": money.available.to_json(),
        "bill_date": bill_date.isoformat(),
        "due_on": (bill_date + timedelta(days=DAYS_TO_PAY)).isoformat(),
    }


async def _card_book(db: Connection, ticket: Ticket, found: Account) -> CardBook:
    """The months of the card with this account; a card no order here opened was never billed."""
    chosen = store.Filter(product="card.credit-cards", subject=found.ledger_account)
    orders = await store.page(db, ticket.scope, chosen, before="", limit=1)
    if orders and card_months.NOUN in orders[0].book:
        return card_months.of(orders[0])
    return opened(bank_day(found.opened_at))
