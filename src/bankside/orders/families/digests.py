"""What files over a period say: receipts, a merchant's reconciliation, sums, peers; pure but reads.

Each builder returns rows for one CSV file; the first row is its head. Figures about others are
given for groups of at least ``GROUP_MIN`` only, so that nobody can be told from them.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bankside.bank import ledger
from bankside.bank.accounts import Account, Statement, accounts_of, balance, statement
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.kernel.paging import LIMIT_MAX
from bankside.orders import store
from bankside.orders.errors import ReportTooLong
from bankside.orders.families.query import between
from bankside.orders.sheets import TRANSACTION_HEAD, cell, transaction_row

Rows = Sequence[Sequence[str]]
# JR/T 0223-2021 gives no number; five is the smallest group that official statistics publish.
GROUP_MIN = 5
ORDERS_MAX = 50 * LIMIT_MAX
# A benchmark looks at this many accounts of the data space at most.
ACCOUNTS_MAX = 1_000
_COLLECTED = ("collect", "collect_split", "hold_capture", "bill_pay", "refund")
_BUCKETS = (0, 100_000, 1_000_000, 10_000_000, 100_000_000)


@dataclass(frozen=True, slots=True)
class Asked:
    """Whose file it is, the days it covers, both included, and the kind of orders (None: all)."""

    scope: store.Scope
    account: Account
    first: date
    last: date
    kind: str | None = None


Build = Callable[[Connection, Asked], Awaitable[Rows]]


async def receipts(db: Connection, asked: Asked) -> Rows:
    """One electronic receipt an entry, with the number a bank stamps on it."""
    found = await _statement(db, asked)
    head = ("回单编号 receipt_no", *TRANSACTION_HEAD)
    number = f"{found.account.number}-"
    return [head, *((f"{number}{row.sequence:08d}", *transaction_row(row)) for row in found.rows)]


async def voucher(db: Connection, asked: Asked) -> Rows:
    """What was contributed to the account in the period: the paper a tax declaration needs."""
    found = await _statement(db, asked)
    paid = sum(row.amount.minor for row in found.rows if row.amount.minor > 0)
    return [
        ("项目 item", "内容 content"),
        ("账号 account", found.account.number),
        ("起始日 from", asked.first.isoformat()),
        ("截止日 to", asked.last.isoformat()),
        ("缴存合计 contributed", str(Money(paid, found.account.currency))),
        ("币种 currency", found.account.currency),
        ("笔数 payments", str(sum(row.amount.minor > 0 for row in found.rows))),
    ]


async def reconciliation(db: Connection, asked: Asked) -> Rows:
    """The merchant's orders of the period, a line each, and what they add up to.

    ``net`` is what the merchant has to find on its account: paid less refunded less split less fee.
    """
    since, until = between({"from_date": asked.first, "to_date": asked.last})
    chosen = store.Filter(
        families=(asked.kind,) if asked.kind else _COLLECTED,
        subject=asked.account.ledger_account,
        since=since,
        until=until,
    )
    orders = await store.page(db, asked.scope, chosen, before="", limit=ORDERS_MAX + 1)
    if len(orders) > ORDERS_MAX:
        raise ReportTooLong(f"more than {ORDERS_MAX} orders")
    head = (
        "编号 id",
        "业务单号 reference",
        "类型 kind",
        "状态 status",
        "实付 paid",
        "退款 refunded",
        "分账 split",
        "手续费 fee",
        "已结算 settled",
    )
    rows: list[Sequence[str]] = [head]
    totals: dict[str, int] = defaultdict(int)
    for order in orders:
        figures = (order.paid, order.refunded, order.split, order.fee, order.settled)
        rows.append(
            (
                order.id,
                cell(order.reference or ""),
                order.family,
                order.status,
                *(str(order.money(each)) for each in figures),
            )
        )
        if order.family != "refund":
            for name, each in zip(_FIGURES, figures, strict=True):
                totals[name] += each
    currency = asked.account.currency
    sums = (str(Money(totals[name], currency)) for name in _FIGURES)
    return [*rows, ("合计 total", "", "", str(len(orders)), *sums)]


_FIGURES = ("paid", "refunded", "split", "fee", "settled")


async def insights(db: Connection, asked: Asked) -> Rows:
    """Money in and out of the account by day, and the number of entries."""
    found = await _statement(db, asked)
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in found.rows:
        day = days[row.booking_date]
        day[0 if row.amount.minor > 0 else 1] += abs(row.amount.minor)
        day[2] += 1
    currency = found.account.currency
    head = ("日期 date", "收入 in", "支出 out", "笔数 entries")
    return [
        head,
        *(
            (day.isoformat(), str(Money(came, currency)), str(Money(went, currency)), str(count))
            for day, (came, went, count) in sorted(days.items())
        ),
    ]


async def segments(db: Connection, asked: Asked) -> Rows:
    """How many accounts of the data space hold how much; small groups are not told."""
    counted: dict[int, int] = defaultdict(int)
    for held in await _balances(db, asked):
        counted[max(each for each in _BUCKETS if held >= each)] += 1
    currency = asked.account.currency
    rows: list[Sequence[str]] = [("余额起点 balance_from", "账户数 accounts")]
    for bucket in _BUCKETS:
        told = str(counted[bucket]) if counted[bucket] >= GROUP_MIN else f"<{GROUP_MIN}"
        rows.append((str(Money(bucket, currency)), told))
    return rows


async def benchmark(db: Connection, asked: Asked) -> Rows:
    """Where the account's balance stands among its peers: quartiles of at least five accounts."""
    peers = sorted(await _balances(db, asked))
    currency = asked.account.currency
    head = ("项目 item", "数值 value")
    if len(peers) < GROUP_MIN:
        return [head, ("说明 note", f"fewer than {GROUP_MIN} peers: nothing is told")]
    own = max((await balance(db, asked.account)).booked.minor, 0)
    quartiles = [peers[(len(peers) - 1) * part // 4] for part in (1, 2, 3)]
    below = sum(each < own for each in peers) * 100 // len(peers)
    return [
        head,
        ("同业账户数 peers", str(len(peers))),
        *(
            (f"分位 {25 * n}%", str(Money(each, currency)))
            for n, each in enumerate(quartiles, start=1)
        ),
        ("本户余额 own", str(Money(own, currency))),
        ("高于同业 above_percent", str(below)),
    ]


async def _statement(db: Connection, asked: Asked) -> Statement:
    return await statement(db, asked.account, from_date=asked.first, to_date=asked.last)


async def _balances(db: Connection, asked: Asked) -> list[int]:
    """Booked balances of the data space's accounts in the account's currency, none below zero."""
    found: list[int] = []
    cursor: str | None = None
    for _ in range(ACCOUNTS_MAX // LIMIT_MAX):
        page = await accounts_of(db, asked.scope.partner, cursor=cursor, limit=LIMIT_MAX)
        own = [each for each in page.items if each.currency == asked.account.currency]
        held = await ledger.balances(db, [each.ledger_account for each in own])
        found += [max(held[each.ledger_account].booked.minor, 0) for each in own]
        cursor = page.next_cursor
        if cursor is None:
            break
    return found


BUILDERS: Mapping[str, Build] = {
    "account.transaction-receipts": receipts,
    "pension.pension-vouchers": voucher,
    "merchant.merchant-reconciliations": reconciliation,
    "data.business-insights": insights,
    "engage.customer-segments": segments,
    "data.industry-benchmarks": benchmark,
}
