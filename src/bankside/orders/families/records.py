"""Reads over what orders left behind: papers of an account, policies, pay batches, covers on sale.

Each source is one product's: which orders it shows, as they are shown everywhere.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from bankside.bank.accounts import transactions
from bankside.bank.ledger import transfer
from bankside.bank.registers import COVERS, CoverTerms
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection
from bankside.kernel.errors import NotFound
from bankside.kernel.paging import LIMIT_MAX
from bankside.orders import carry, parties, store
from bankside.orders.answers import Shown, show
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import OrderNotFound, ReportTooLong
from bankside.orders.families import query, reading
from bankside.orders.inputs import read_body, read_query
from bankside.orders.model import Order
from bankside.orders.sheets import cell

OK = 200
EXPORT_ROWS_MAX = 50 * LIMIT_MAX
_HEAD = (
    "编号 id",
    "产品 product",
    "业务单号 reference",
    "状态 status",
    "金额 amount",
    "已付 paid",
    "币种 currency",
    "创建日 created_on",
)
# What money is for, by the kind of its posting.
_CATEGORIES = {
    "batch_line": "income",
    "payment": "purchases",
    "direct_debit": "bills",
    "settlement": "sales",
    "interest": "interest",
    "refund": "refunds",
    "opening": "opening",
}


@dataclass(frozen=True, slots=True)
class Records:
    """One product's reads: the archetypes whose orders it shows, by subject or by holder."""

    families: tuple[str, ...]

    async def listed(self, desk: Desk, ticket: Ticket) -> Answer:
        """A page of the account's orders of these kinds, newest first."""
        asked = read_query(ticket.operation.inputs, ticket.call.query)
        chosen = await self._chosen(desk, ticket, asked, "?subject")
        found = await reading.orders(desk, ticket, chosen)
        body = {"items": [show(each) for each in found.items], "next_cursor": found.next_cursor}
        return Answer(OK, body)

    async def item(self, desk: Desk, ticket: Ticket) -> Answer:
        """One of these orders. Raises OrderNotFound for an order of another kind."""
        async with desk.reading() as db:
            order = await carry.visible(desk, db, ticket, carry.path_id(ticket))
        if order.family not in self.families:
            raise OrderNotFound
        return Answer(OK, show(order), facts=carry.facts(order))

    async def export(self, desk: Desk, ticket: Ticket) -> Answer:
        """The orders as a CSV file, newest first. Raises ReportTooLong."""
        form = read_body(ticket.operation.inputs, ticket.call.body)
        chosen = await self._chosen(desk, ticket, form, "/subject")
        async with desk.reading() as db:
            rows = await store.page(db, ticket.scope, chosen, before="", limit=EXPORT_ROWS_MAX + 1)
        if len(rows) > EXPORT_ROWS_MAX:
            raise ReportTooLong(f"more than {EXPORT_ROWS_MAX} orders")
        return query.sheet(_HEAD, [_row(each) for each in rows])

    async def _chosen(
        self, desk: Desk, ticket: Ticket, asked: query.Asked, pointer: str
    ) -> store.Filter:
        async with desk.reading() as db:
            found = await parties.known(db, ticket.scope, {pointer: asked["subject"]})
        account = found[asked["subject"]]
        since, until = query.between(asked)
        return store.Filter(
            families=self.families,
            product=asked.get("product"),
            status=asked.get("status"),
            about=account.ledger_account,
            since=since,
            until=until,
        )


async def covers_list(_desk: Desk, ticket: Ticket) -> Answer:
    """The insurance products on sale, by code."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    wanted = asked.get("category", "")
    items = [_cover(each) for each in COVERS.values() if each.code.startswith(wanted.upper())]
    return Answer(OK, {"items": items, "next_cursor": None})


async def covers_item(_desk: Desk, ticket: Ticket) -> Answer:
    """One insurance product by its code. Raises NotFound."""
    terms = COVERS.get(carry.path_id(ticket))
    if terms is None:
        raise NotFound("there is no such insurance product")
    return Answer(OK, _cover(terms))


async def covers_export(_desk: Desk, ticket: Ticket) -> Answer:
    """The insurance products on sale as a CSV file."""
    read_body(ticket.operation.inputs, ticket.call.body)
    head = ("代码 code", "名称 name_zh", "name_en", "年费率 rate_bp", "保额上限 cover_max")
    rows = [
        (each.code, each.name_zh, each.name_en, str(each.rate_bp), str(each.cover_max))
        for each in COVERS.values()
    ]
    return query.sheet(head, rows)


async def categorized_list(desk: Desk, ticket: Ticket) -> Answer:
    """The account's entries, each with what it was for."""
    return _with(await query.transactions_list(desk, ticket), _categorized)


async def categorized_item(desk: Desk, ticket: Ticket) -> Answer:
    """One entry with what it was for."""
    answer = await query.transactions_item(desk, ticket)
    assert isinstance(answer.body, dict)
    return Answer(answer.status, _categorized(answer.body), facts=answer.facts)


async def traces_list(desk: Desk, ticket: Ticket) -> Answer:
    """The account's entries, each with every leg of the posting it belongs to.

    Accounts of others are shown masked; the bank's own by their names in the books.
    """
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        found = await parties.known(db, ticket.scope, {"?subject": asked["subject"]})
        account = found[asked["subject"]]
        page = await transactions(
            db,
            account,
            from_date=asked.get("from_date"),
            to_date=asked.get("to_date"),
            cursor=asked.get("cursor"),
            limit=asked.get("limit"),
        )
        items = [
            {
                **query.shown_transaction(account, entry),
                "legs": await _legs(db, entry.group, account.ledger_account),
            }
            for entry in page.items
        ]
    return Answer(OK, {"items": items, "next_cursor": page.next_cursor})


async def traces_item(desk: Desk, ticket: Ticket) -> Answer:
    """One entry with every leg of its posting."""
    answer = await query.transactions_item(desk, ticket)
    assert isinstance(answer.body, dict)
    async with desk.reading() as db:
        account = await parties.own_account(db, ticket.scope, answer.body["account"])
        legs = await _legs(db, UUID(answer.body["group"]), account.ledger_account)
    return Answer(answer.status, {**answer.body, "legs": legs}, facts=answer.facts)


async def _legs(db: Connection, group: UUID, own: str) -> list[Shown]:
    posted = await transfer(db, group)
    return [
        {
            "from": _named(leg.debit, own),
            "to": _named(leg.credit, own),
            "amount": leg.amount.to_json(),
        }
        for leg in (posted.legs if posted else ())
    ]


def _named(ledger_account: str, own: str) -> str:
    """An account of a leg: the caller's own and the bank's in full, others by their ends."""
    if ledger_account == own or ledger_account.startswith("house."):
        return ledger_account
    return f"{ledger_account[:4]}***{ledger_account[-4:]}"


def _with(answer: Answer, change: Callable[[Shown], Shown]) -> Answer:
    assert isinstance(answer.body, dict)
    items = [change(each) for each in answer.body["items"]]
    return Answer(answer.status, {**answer.body, "items": items}, facts=answer.facts)


def _categorized(entry: Shown) -> Shown:
    sent = entry["credit_debit"] == "DBIT"
    default = "transfers_out" if sent else "transfers_in"
    return {**entry, "category": _CATEGORIES.get(entry["kind"], default)}


def _cover(terms: CoverTerms) -> Shown:
    return {
        "id": terms.code,
        "name_zh": terms.name_zh,
        "name_en": terms.name_en,
        "rate_bp": terms.rate_bp,
        "cover_min": terms.cover_min,
        "cover_max": terms.cover_max,
        "days_max": terms.days_max,
    }


def _row(order: Order) -> Sequence[str]:
    return (
        order.id,
        order.product,
        cell(order.reference or ""),
        order.status,
        str(order.money(order.amount)),
        str(order.money(order.paid)),
        order.currency,
        order.created_at.astimezone(BANK_ZONE).date().isoformat(),
    )
