"""The collector: many callers of one process, one batch in the books and the next one ready.

Always true: a caller is answered after the commit, never before; a group's postings and the writes
that belong to its verdict commit together or not at all; one caller's refusal or broken write
touches no other caller. Everything that waits goes into the next batch at once (no linger), so a
lone caller waits for one commit and a crowd shares one. Behind a crowd's batch a second one is sent
at once: the ledger's lock puts the two in a row, as it does those of two processes, and the second
has nothing to wait for but the first one's commit.
Source: reliability guide, sections 2.3 and 3.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Self
from uuid import UUID

import asyncpg

from bankside.bank.ledger import store
from bankside.bank.ledger.errors import (
    LedgerBusy,
    LedgerUnavailable,
    LedgerUnknown,
    OutcomeUnknown,
    meant,
)
from bankside.bank.ledger.model import MAIN, Group, Verdict
from bankside.bank.ledger.service import BATCH_LEGS_MAX, post_batch
from bankside.kernel.clock import NO_TIME, Clock
from bankside.kernel.db import (
    CONNECTION_LOST,
    POOL_ACQUIRE_SECONDS,
    Connection,
    Pool,
    Write,
    write_all,
)

# Larger batches cost latency; two of these in turn move a third more than one of twice the size.
BATCH_UNITS_MAX = 250
IN_FLIGHT_MAX = 2
# Fewer are not worth a second batch: its commit costs as much as a hundred transfers.
CROWD_UNITS = 100
# Half a minute of work at 1,000 a second; who comes later is told at once to come again.
WAITING_UNITS_MAX = 30_000
# Serialization failures and deadlocks are undone by the database and tried again this often.
RETRIES_MAX = 3
# How often, and how far apart, a fresh connection is asked what became of a commit: together longer
# than a restart of the database takes.
LOOKUP_TRIES_MAX = 8
LOOKUP_PAUSE_SECONDS = 0.5

_RETRIED: tuple[type[Exception], ...] = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
# Not one unit's fault: the database is away, full, too busy, or an account stays locked.
_NOT_NOW: tuple[type[Exception], ...] = (
    *CONNECTION_LOST,
    TimeoutError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
)
_ACCEPTED = Verdict(accepted=True)


@dataclass(slots=True)
class _Unit:
    """One caller's group, the writes of either verdict, and where the caller waits.

    ``ahead``: how far the clock of its data space is ahead of the bank's.
    """

    group: Group | None
    accepted: Sequence[Write]
    refused: Sequence[Write]
    answer: asyncio.Future[Verdict]
    ahead: timedelta = NO_TIME


@dataclass(slots=True)
class _Waiting:
    """Units in order of arrival; a batch never holds one group id twice, nor two clocks' units."""

    units: deque[_Unit] = field(default_factory=deque)

    def take(self) -> list[_Unit]:
        """The next batch. A second unit of a group waits: it is answered as a repeat then."""
        batch: list[_Unit] = []
        ids: set[UUID] = set()
        legs = 0
        while self.units and len(batch) < BATCH_UNITS_MAX and legs < BATCH_LEGS_MAX:
            unit = self.units[0]
            if unit.group is not None and unit.group.id in ids:
                break
            # A batch is booked at one instant.
            if batch and unit.ahead != batch[0].ahead:
                break
            self.units.popleft()
            if unit.answer.cancelled():
                continue  # Its caller went away before anything was posted.
            if unit.group is not None:
                ids.add(unit.group.id)
                legs += len(unit.group.legs)
            batch.append(unit)
        return batch


class Books:
    """One process's way into a ledger. Use as a context manager, or ``start`` and ``close``."""

    def __init__(self, pool: Pool, clock: Clock, *, ledger: str = MAIN) -> None:
        self._pool = pool
        self._clock = clock
        self._ledger = ledger
        self._waiting = _Waiting()
        self._runners: set[asyncio.Task[None]] = set()
        self._closed = False

    async def start(self) -> None:
        """Make sure that the ledger exists. Raises LedgerUnknown."""
        async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            if not await store.ledger_exists(db, self._ledger):
                raise LedgerUnknown(f"there is no ledger {self._ledger}")

    async def close(self) -> None:
        """Take nothing more, and return when everything taken before is answered."""
        self._closed = True
        while self._runners:
            await asyncio.wait(self._runners)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def commit(
        self,
        group: Group | None,
        *,
        accepted: Sequence[Write] = (),
        refused: Sequence[Write] = (),
        ahead: timedelta = NO_TIME,
    ) -> Verdict:
        """The group's verdict, committed together with the writes that belong to it.

        ``ahead``: the group is booked this much later than now, by the clock of its data space.

        A repeat gets the stored verdict and writes nothing. Without a group only ``accepted`` is
        carried out. Raises what a write of this unit raised (then nothing of the unit happened),
        GroupInvalid, LedgerBusy, LedgerUnavailable (nothing happened), OutcomeUnknown (it may have:
        repeat it with the same id).
        """
        if group is not None:
            group.check()
        if self._closed:
            raise LedgerUnavailable("the books of this process are closing", retry_after=1)
        if len(self._waiting.units) >= WAITING_UNITS_MAX:
            raise LedgerBusy(retry_after=1)
        answer: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._waiting.units.append(_Unit(group, accepted, refused, answer, ahead))
        self._begin()
        return await answer

    def _begin(self) -> None:
        """Start a run, unless as many are under way as the number of waiting units is worth."""
        worth = IN_FLIGHT_MAX if len(self._waiting.units) >= CROWD_UNITS else 1
        if len(self._runners) < worth:
            run = asyncio.create_task(self._run(), name=f"books of {self._ledger}")
            self._runners.add(run)

    async def _run(self) -> None:
        """Batches until nothing waits; the next caller starts the next run."""
        batch: list[_Unit] = []
        try:
            while batch := self._waiting.take():
                self._begin()
                await self._settle(batch)
        finally:
            run = asyncio.current_task()
            assert run is not None
            self._runners.discard(run)
            # Nobody is left here unless this task itself was cancelled: nobody waits for ever.
            _refuse(batch, OutcomeUnknown("the process is stopping"))
            _refuse(list(self._waiting.units), LedgerUnavailable("the process is stopping"))
            self._waiting.units.clear()

    async def _settle(self, units: list[_Unit]) -> None:
        """Answer every unit, in halves when one of them broke the batch for the others."""
        try:
            verdicts = await self._commit_together(units)
        except (LedgerUnavailable, OutcomeUnknown) as error:
            _refuse(units, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to a waiting caller
            if len(units) == 1:
                _refuse(units, _meaning(error))
            else:
                middle = len(units) // 2
                await self._settle(units[:middle])
                await self._settle(units[middle:])
        else:
            for unit, verdict in zip(units, verdicts, strict=True):
                if not unit.answer.done():
                    unit.answer.set_result(verdict)

    async def _commit_together(self, units: list[_Unit]) -> list[Verdict]:
        """All units in one transaction, tried again when the database undid it or lost it."""
        for _ in range(RETRIES_MAX):
            # The database undid it because of somebody else; the same units again may pass.
            with suppress(*_RETRIED):
                return await self._attempt(units)
        return await self._attempt(units)

    async def _attempt(self, units: list[_Unit]) -> list[Verdict]:
        try:
            return await self._commit_once(units)
        except _NOT_NOW as error:
            raise LedgerUnavailable(retry_after=1) from error

    async def _commit_once(self, units: list[_Unit]) -> list[Verdict]:
        async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            transaction = db.transaction()
            await transaction.start()
            try:
                sealed, verdicts = await self._carry_out(db, units)
            except BaseException:
                await _roll_back(transaction)
                raise
            try:
                await transaction.commit()
            except Exception as error:  # noqa: BLE001 - whatever it was, the books are asked
                lost = error
            else:
                return verdicts
        # The answer to COMMIT did not come: only the books know what happened.
        if await self._happened(sealed, lost):
            return verdicts
        raise lost

    async def _carry_out(
        self, db: Connection, units: list[_Unit]
    ) -> tuple[store.Sealed, list[Verdict]]:
        """Post the groups and do the writes of each unit's verdict."""
        groups = [unit.group for unit in units if unit.group is not None]
        # A unit without a group leaves no transfer behind; the batch row proves its commit.
        seal = len(groups) < len(units)
        at = self._clock.now() + units[0].ahead
        sealed, decided = await post_batch(db, groups, at=at, ledger=self._ledger, seal=seal)
        posted = iter(decided)
        verdicts = [_ACCEPTED if unit.group is None else next(posted) for unit in units]
        writes: list[Write] = []
        for unit, verdict in zip(units, verdicts, strict=True):
            if not verdict.repeat:
                writes += unit.accepted if verdict.accepted else unit.refused
        if writes:
            await write_all(db, writes)
        return sealed, verdicts

    async def _happened(self, sealed: store.Sealed, lost: Exception) -> bool:
        """Whether the batch was committed, asked on a fresh connection. Raises OutcomeUnknown."""
        if sealed.batch is None or sealed.hash is None:
            return True  # Only repeats: nothing was to be written.
        for _ in range(LOOKUP_TRIES_MAX):
            try:
                async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db, db.transaction():
                    return await store.was_sealed(db, self._ledger, sealed.batch, sealed.hash)
            except _NOT_NOW:
                await asyncio.sleep(LOOKUP_PAUSE_SECONDS)
        raise OutcomeUnknown(retry_after=5) from lost


async def _roll_back(transaction: asyncpg.transaction.Transaction) -> None:
    # The server undoes by itself what a lost connection leaves open.
    with suppress(*CONNECTION_LOST):
        await transaction.rollback()


def _meaning(error: Exception) -> Exception:
    """What a single unit's caller is told about the error that its own writes made."""
    if isinstance(error, _RETRIED):
        return LedgerUnavailable(retry_after=1)
    refusal = meant(error) if isinstance(error, asyncpg.PostgresError) else None
    return refusal or error


def _refuse(units: list[_Unit], error: Exception) -> None:
    for unit in units:
        if not unit.answer.done():
            unit.answer.set_exception(error)
