"""What a running platform's database says: the books, the orders, the call records."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import asyncpg

from bankside.kernel.postgres import database

SHIPPED_SECONDS = 20.0
# The worker of the running platform may carry out somebody's due order while a test looks; what
# changes the books by itself changes them each time.
LOOKS = 4

T = TypeVar("T")

# Everything a call could have changed in money, orders and keys; nothing a background job touches.
_STATE = """
select (select count(*) from bank.ledger_transfers), (select count(*) from bank.ledger_entries),
       (select md5(string_agg(account_id || ':' || balance || ':' || version, ',' order by
               account_id)) from bank.ledger_accounts),
       (select count(*) from orders.orders), (select count(*) from orders.journal),
       (select count(*) from orders.idempotency), (select sum(spent) from orders.usage)
"""
_POSTINGS = """
select t.kind, t.debit, t.credit, t.amount, t.verdict
from bank.ledger_transfers t
where t.group_id in (select group_id from orders.journal where order_id = $1)
order by t.batch, t.leg
"""
_RECORDS = """
select request_id, wire, operation, order_id, outcome, status
from kernel.call_records where request_id = any($1::text[])
"""


class Books:
    """Questions over one connection."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._db = self._run(asyncpg.connect(url))

    def state(self) -> tuple[Any, ...]:
        """A value that changes whenever a call changed anything."""
        return tuple(self.ask(_STATE)[0])

    def unchanged_by(self, act: Callable[[], T]) -> T:
        """What ``act`` found, having left the books as they were; it may be done up to four times.

        Raises AssertionError when the books were different after each of them.
        """
        for _ in range(LOOKS):
            before = self.state()
            found = act()
            after = self.state()
            if after == before:
                return found
        raise AssertionError(f"changed the books {LOOKS} times, at last {before} -> {after}")

    def postings(self, order: str) -> list[tuple[Any, ...]]:
        """(kind, debit, credit, minor units, verdict) of an order and its refunds, as booked."""
        return [tuple(row) for row in self.ask(_POSTINGS, order)]

    def records(self, request_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The call records of these calls, once the worker has shipped them all."""
        wanted = list(request_ids)
        deadline = time.monotonic() + SHIPPED_SECONDS
        while True:
            found = [dict(row) for row in self.ask(_RECORDS, wanted)]
            if {row["request_id"] for row in found} >= set(wanted):
                return found
            if time.monotonic() > deadline:
                lost = set(wanted) - {row["request_id"] for row in found}
                raise AssertionError(f"{len(lost)} call records are missing: {sorted(lost)[:5]}")
            time.sleep(0.1)

    def recorded_once(self, request_ids: Iterable[str]) -> list[dict[str, Any]]:
        """The records of these calls, one each, or a failed test."""
        found = self.records(request_ids)
        count = Counter(row["request_id"] for row in found)
        assert not [each for each, times in count.items() if times > 1], count
        return found

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """The rows of a question."""
        rows: list[Any] = self._run(self._db.fetch(sql, *values))
        return rows

    def close(self) -> None:
        """End the connection."""
        self._run(self._db.close())
        self._loop.close()

    def _run(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(work)


@contextmanager
def opened(home: Path) -> Iterator[Books]:
    """The books of the platform that runs on ``home``."""
    with database(home) as url:
        books = Books(url)
        try:
            yield books
        finally:
            books.close()
