"""Family ``query``: balances, transactions and payment statuses, read live, and their exports.

One source per product: the data behind a read is the product's own, so a query product without a
source here answers ``product.not_available``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

from bankside.bank.accounts import (
    Account,
    AccountNotFound,
    Transaction,
    balance,
    masked_number,
    transactions,
)
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.paging import LIMIT_MAX
from bankside.orders import carry, conditions, parties, store
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors import (
    CurrencyRefused,
    OrderNotFound,
    ReportTooLong,
    TransactionNotFound,
    by_code,
)
from bankside.orders.families import drafts, reading
from bankside.orders.inputs import fault, is_number, read_body, read_query
from bankside.orders.model import Order
from bankside.orders.sheets import TRANSACTION_HEAD, cell, csv_bytes, transaction_row

# An export is one answer: its pages are fetched one after another, at most this many.
EXPORT_PAGES_MAX = 50

Asked = Mapping[str, Any]


async def balances_list(desk: Desk, ticket: Ticket) -> Answer:
    """The balance of the account that ``subject`` names, as a list of one."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    async with desk.reading() as db:
        account = await _subject(db, ticket, asked["subject"], "?subject")
        _kept_in(account, asked.get("currency"), "?currency")
        shown = await _balance(db, desk, account)
    return Answer(200, {"items": [shown], "next_cursor": None}, facts=_branch(account))


async def balances_item(desk: Desk, ticket: Ticket) -> Answer:
    """The balance of the account the path names. Raises AccountNotFound."""
    async with desk.reading() as db:
        account = await parties.own_account(db, ticket.scope, carry.path_id(ticket))
        shown = await _balance(db, desk, account)
    return Answer(200, shown, facts=_branch(account))


async def balances_export(desk: Desk, ticket: Ticket) -> Answer:
    """The balance as a CSV file."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    async with desk.reading() as db:
        account = await _subject(db, ticket, form["subject"], "/subject")
        _kept_in(account, form.get("currency"), "/currency")
        money = await balance(db, account)
    head = ("账号 account", "币种 currency", "账面余额 booked", "可用余额 available", "冻结 held")
    row = (
        account.number,
        account.currency,
        str(money.booked),
        str(money.available),
        str(money.held),
    )
    return sheet(head, [row], facts=_branch(account))


async def transactions_list(desk: Desk, ticket: Ticket) -> Answer:
    """A page of the account's entries, newest first."""
    asked = conditions.looked_up(ticket)
    async with desk.reading() as db:
        account = await _subject(db, ticket, asked["subject"], "?subject")
        found = await transactions(
            db,
            account,
            from_date=asked.get("from_date"),
            to_date=asked.get("to_date"),
            cursor=asked.get("cursor"),
            limit=asked.get("limit"),
        )
    items = [shown_transaction(account, each) for each in found.items]
    return Answer(200, {"items": items, "next_cursor": found.next_cursor}, facts=_branch(account))


async def transactions_item(desk: Desk, ticket: Ticket) -> Answer:
    """One entry, by the id that lists give it: ``<account id>.<sequence>``."""
    reference, _, sequence = carry.path_id(ticket).rpartition(".")
    if not (sequence.isascii() and sequence.isdigit() and len(sequence) <= 17):
        raise TransactionNotFound
    async with desk.reading() as db:
        try:
            account = await parties.own_account(db, ticket.scope, reference)
        except AccountNotFound as error:
            raise TransactionNotFound from error
        # The page that begins just below the next sequence shows this one, if it exists.
        page = await transactions(db, account, cursor=str(int(sequence) + 1), limit=1)
    if not page.items or page.items[0].sequence != int(sequence):
        raise TransactionNotFound
    return Answer(200, shown_transaction(account, page.items[0]), facts=_branch(account))


async def transactions_export(desk: Desk, ticket: Ticket) -> Answer:
    """The entries of a period as a CSV file, newest first. Raises ReportTooLong."""
    form = conditions.asked(ticket)
    rows: list[Transaction] = []
    cursor: str | None = None
    async with desk.reading() as db:
        account = await _subject(db, ticket, form["subject"], "/subject")
        for _ in range(EXPORT_PAGES_MAX):
            found = await transactions(
                db,
                account,
                from_date=form.get("from_date"),
                to_date=form.get("to_date"),
                cursor=cursor,
                limit=LIMIT_MAX,
            )
            rows += found.items
            cursor = found.next_cursor
            if cursor is None:
                break
    if cursor is not None:
        raise ReportTooLong(f"more than {EXPORT_PAGES_MAX * LIMIT_MAX} entries")
    return sheet(TRANSACTION_HEAD, [transaction_row(each) for each in rows], facts=_branch(account))


# Payment status words of ISO 20022 (ExternalPaymentTransactionStatus1Code), by our own.
_ISO_STATUS = {
    "waiting": "PDNG",
    "held": "PDNG",
    "paid": "ACSC",
    "captured": "ACSC",
    "settled": "ACSC",
    "completed": "ACSC",
    "refunded": "ACSC",
    "refused": "RJCT",
    "closed": "CANC",
    "released": "CANC",
}
_PAYMENTS = ("transfer", "payout", "collect", "collect_split", "hold_capture", "refund")


async def statuses_list(desk: Desk, ticket: Ticket) -> Answer:
    """A page of payments of all kinds with their ISO 20022 status, newest first."""
    asked = read_query(ticket.operation.inputs, ticket.call.query)
    chosen = await _chosen_payments(desk, ticket, asked, "?subject")
    found = await reading.orders(desk, ticket, chosen)
    items = [_status(each) for each in found.items]
    return Answer(200, {"items": items, "next_cursor": found.next_cursor})


async def statuses_item(desk: Desk, ticket: Ticket) -> Answer:
    """One payment, by our id or by the partner's own number."""
    reference = carry.path_id(ticket)
    async with desk.reading() as db:
        order = await named_order(desk, db, ticket, reference)
    if order.family not in _PAYMENTS:
        raise OrderNotFound
    return Answer(200, _status(order), facts=carry.facts(order))


async def statuses_export(desk: Desk, ticket: Ticket) -> Answer:
    """Payments of a period with their status as a CSV file, newest first. Raises ReportTooLong."""
    form = read_body(ticket.operation.inputs, ticket.call.body)
    chosen = await _chosen_payments(desk, ticket, form, "/subject")
    rows: list[Order] = []
    most = EXPORT_PAGES_MAX * LIMIT_MAX
    async with desk.reading() as db:
        rows = await store.page(db, ticket.scope, chosen, before="", limit=most + 1)
    if len(rows) > most:
        raise ReportTooLong(f"more than {most} payments")
    shown = [_status(each) for each in rows]
    head = (
        "编号 id",
        "产品 product",
        "业务单号 reference",
        "状态 status",
        "ISO 20022",
        "金额 amount",
        "币种 currency",
        "原因 code",
        "创建时间 created_at",
    )
    table = [
        (
            each["id"],
            each["product"],
            cell(each["reference"] or ""),
            each["status"],
            each["iso_status"],
            each["amount"]["amount"],
            each["amount"]["currency"],
            each["code"] or "",
            each["created_at"],
        )
        for each in shown
    ]
    return sheet(head, table)


async def named_order(desk: Desk, db: Connection, ticket: Ticket, reference: str) -> Order:
    """The caller's order with our id, or with the partner's own number of any family."""
    try:
        return await carry.visible(desk, db, ticket, reference)
    except OrderNotFound:
        if not is_number(reference):
            raise
        tenant = ticket.call.caller.tenant
        spaces = [
            drafts.orders_scope(tenant),
            drafts.transfers_scope(tenant),
            drafts.batches_scope(tenant),
        ]
        found = await store.find_by_reference(db, ticket.scope.partner, spaces, reference)
        if found is None:
            raise
        return await desk.explained(db, found)


async def _subject(db: Connection, ticket: Ticket, reference: str, pointer: str) -> Account:
    return (await parties.known(db, ticket.scope, {pointer: reference}))[reference]


def _kept_in(account: Account, currency: str | None, pointer: str) -> None:
    """The account is kept in the currency asked for, if any. Raises CurrencyRefused."""
    if currency not in (None, account.currency):
        detail = f"the account is kept in {account.currency}"
        raise CurrencyRefused(detail, errors=[fault(pointer, CurrencyRefused.code, detail)])


async def _balance(db: Connection, desk: Desk, account: Account) -> dict[str, Any]:
    money = await balance(db, account)
    return {
        "id": account.id,
        "number": masked_number(account.number),
        "currency": account.currency,
        "status": account.status.value,
        "booked": money.booked.to_json(),
        "available": money.available.to_json(),
        "held": money.held.to_json(),
        "as_of": rfc3339(desk.clock.now()),
    }


def shown_transaction(account: Account, entry: Transaction) -> dict[str, Any]:
    """An entry as ISO 20022 shows it: an amount without sign, and the side it was booked on."""
    sign = 1 if entry.amount.minor > 0 else -1
    return {
        "id": f"{account.id}.{entry.sequence}",
        "account": account.id,
        "sequence": entry.sequence,
        "booking_date": entry.booking_date.isoformat(),
        "value_date": entry.value_date.isoformat(),
        "booked_at": rfc3339(entry.booked_at),
        "credit_debit": entry.credit_debit,
        "amount": replace(entry.amount, minor=sign * entry.amount.minor).to_json(),
        "balance_after": entry.balance_after.to_json(),
        "counterparty": {
            "account": _masked(entry.counterparty.account),
            "name_zh": entry.counterparty.name_zh,
            "name_en": entry.counterparty.name_en,
        },
        "narrative": entry.narrative or None,
        "kind": entry.kind,
        "group": str(entry.group),
    }


def _status(order: Order) -> dict[str, Any]:
    code = order.output.get("code")
    return {
        "id": order.id,
        "product": order.product,
        "reference": order.reference,
        "status": order.status,
        "iso_status": _ISO_STATUS.get(order.status, "PDNG"),
        "code": code,
        "iso_reason": by_code(code).iso_reason if code else None,
        "amount": order.money(order.amount).to_json(),
        "paid": order.money(order.paid).to_json(),
        "refunded": order.money(order.refunded).to_json(),
        "created_at": rfc3339(order.created_at),
        "updated_at": rfc3339(order.updated_at),
    }


async def _chosen_payments(
    desk: Desk, ticket: Ticket, asked: Mapping[str, Any], pointer: str
) -> store.Filter:
    subject: str | None = None
    if "subject" in asked:
        async with desk.reading() as db:
            found = await _subject(db, ticket, asked["subject"], pointer)
        subject = found.ledger_account
    since, until = between(asked)
    return store.Filter(families=_PAYMENTS, subject=subject, since=since, until=until)


def between(asked: Asked) -> tuple[datetime | None, datetime | None]:
    """The instants of ``from_date`` and ``to_date``, half-open, as a filter takes them."""
    return _midnight(asked.get("from_date")), _midnight(asked.get("to_date"), days=1)


def _midnight(day: date | None, *, days: int = 0) -> datetime | None:
    """The start of a bank day (of the next one with ``days=1``); None leaves the end open."""
    if day is None:
        return None
    return datetime.combine(day, time(), BANK_ZONE) + timedelta(days=days)


def _masked(number: str) -> str:
    return masked_number(number) if number.isdigit() else number


def _branch(account: Account) -> dict[str, str]:
    return {"branch": account.branch} if account.branch else {}


def sheet(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, facts: Mapping[str, str] | None = None
) -> Answer:
    """A CSV file as an answer."""
    return Answer(
        200, csv_bytes(head, rows), content_type="text/csv; charset=utf-8", facts=facts or {}
    )
