"""The orders' side of reconciliation: what each posting of a date should be, by the journal.

Always true: the amounts come from orders and their journal, never from the ledger, so that the two
can differ. A posting with a step whose sums the journal does not state (bills, tickets, papers) is
vouched for as a whole: it exists, on that date, of that kind.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from bankside.bank.accounts import in_space
from bankside.bank.reconciliation import KINDS, Record
from bankside.kernel.calendar import business_date
from bankside.kernel.db import Connection, Row
from bankside.kernel.money import Money
from bankside.orders import posting, store_reconciling

_STATED_FAMILIES = frozenset({"collect", "collect_split", "refund"})
_STATED = frozenset(
    {
        "collect.confirm",
        "collect.refund",
        "collect.settle",
        "split.execute",
        "split.finish",
        "split.return",
    }
)
# A change has at most 32 steps of a handful of orders.
ROWS_A_POSTING_MAX = 2_000


async def records(
    db: Connection, partner: str, since: datetime, until: datetime
) -> AsyncIterator[Record]:
    """The records of the partner's postings decided in the hours, sorted by reference and party."""
    rows: list[Row] = []
    async for row in store_reconciling.postings(db, partner, since, until):
        if rows and rows[0]["reference"] != row["reference"]:
            for record in _of_posting(rows, partner):
                yield record
            rows = []
        rows.append(row)
        assert len(rows) <= ROWS_A_POSTING_MAX, "a posting is one change"
    for record in _of_posting(rows, partner):
        yield record


def _of_posting(rows: Sequence[Mapping[str, Any] | Row], partner: str) -> list[Record]:
    """The records of one posting: one a credited account, or one without sums; none if not ours.

    An account of the bank is the one that the partner's data space has for it.
    """
    posted = [row for row in rows if row["use"] in posting.KINDS and row["status"] == "done"]
    if not posted or any(row["status"] == "reversed" for row in rows):
        return []
    kind = posting.KINDS[posted[0]["use"]]
    if kind not in KINDS:
        return []
    first = posted[0]
    order = next((row for row in rows if row["family"] != "refund"), first)["order_id"]
    on = business_date(first["at"])
    if not all(row["use"] in _STATED and row["family"] in _STATED_FAMILIES for row in posted):
        return [Record(first["reference"], "", kind, None, first["currency"], on, "posted", order)]
    sums: dict[str, int] = defaultdict(int)
    for row in posted:
        for account, minor in _credits(row):
            sums[in_space(account, partner)] += minor
    return [
        Record(first["reference"], party, kind, minor, first["currency"], on, "posted", order)
        for party, minor in sorted(sums.items())
        if minor
    ]


def _credits(row: Mapping[str, Any] | Row) -> Iterable[tuple[str, int]]:
    """What the step credits, by account: minor units."""
    roles: Mapping[str, str] = msgspec.json.decode(row["roles"])
    use = row["use"]
    if use == "collect.confirm":
        return [(roles["merchant_pending"], row["amount"])]
    if use == "collect.refund":
        return [(roles["payer"], row["amount"])] if row["family"] == "refund" else []
    if use == "split.execute":
        shares = _amounts(row["output"], row["currency"])
        return shares.items()
    if use == "split.return":
        back = sum(_amounts(row["output"], row["currency"]).values())
        # A share that comes back after the settlement goes on to the merchant at once.
        onward = [(roles["merchant"], back)] if row["settled_before"] else []
        return [(roles["merchant_pending"], back), *onward]
    later = [
        minor
        for output in msgspec.json.decode(row["returned_later"] or "[]")
        for minor in _amounts(output, row["currency"]).values()
    ]
    return [(roles["merchant"], row["settled"] - sum(later)), (roles["fee_income"], row["fee"])]


def _amounts(output: str | Mapping[str, str], currency: str) -> dict[str, int]:
    stated = msgspec.json.decode(output) if isinstance(output, str) else output
    return {account: Money.parse(text, currency).minor for account, text in stated.items()}
