"""kill -9 at every commit of a date's clearing, on either side of it; then another worker goes on.

Each time the same date is cleared on a copy of the same bank: from its last settlement to the
payouts, some to accounts here, some to another bank. Whoever dies where, the batch has the same
hash, every payout has one key, and nobody is paid twice.
"""

import asyncio
import os
import random
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from tests.bank.clearing.clearing_world import ELSEWHERE, MONDAY, platform_on
from tests.crash.stories import _counting

from bankside.bank import clearing
from bankside.bank.clearing import BatchState, paying, workflow
from bankside.bank.ledger import Books, verify
from bankside.bank.networks import Outcome, Outgoing, SandboxNetwork
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import open_pool

pytestmark = pytest.mark.crash

MORNING = datetime(2026, 3, 2, 2, tzinfo=UTC)
EVENING = datetime(2026, 3, 2, 15, 5, tzinfo=UTC)
NEXT_MORNING = datetime(2026, 3, 3, 1, tzinfo=UTC)
# A kill of a whole process at a moment the test does not know; more with BANKSIDE_KILLS.
RANDOM_KILLS = int(os.environ.get("BANKSIDE_KILLS", "6"))


class Witness(SandboxNetwork):
    """The sandbox's network, and a list on disk of everything it was ever asked to pay."""

    def __init__(self, file: Path) -> None:
        self._file = file

    async def send(self, key: str, payment: Outgoing) -> Outcome:
        with self._file.open("a") as out:
            out.write(f"{key} {payment.amount.minor}\n")
        return await super().send(key, payment)


async def _prepared(url: str) -> None:
    """A platform with payments that are due, split and refunded, for six merchants."""
    pool = await open_pool(url, size=4)
    clock = FixedClock(MORNING)
    async with Books(pool, clock) as books:
        platform = platform_on(pool, books, clock, "prt_crash")
        for number in range(6):
            to = ELSEWHERE if number % 2 else None
            merchant = await platform.merchant(payout_to=to, reserve=100 * number)
            if number > 3:
                await platform.scanned(merchant, f"{10 + number}.00")
                continue
            order = await platform.bank.pay(merchant, f"{10 + number}.00")
            await platform.refund(order, "1.00")
            await platform.finish(order)
    await pool.close()


async def _cleared(url: str, witness: Path) -> str:
    """Clear the date in the evening and in the morning; the state it came to."""
    pool = await open_pool(url, size=4)
    state = ""
    for at in (EVENING, NEXT_MORNING):
        clock = FixedClock(at)
        async with Books(pool, clock) as books:
            orders = platform_on(pool, books, clock, "prt_crash").bank.orders
            orders._desk.network = Witness(witness)
            state = (await orders.clear(MONDAY)).state.value
    await pool.close()
    return state


def _facts(url: str, witness: Path) -> dict[str, Any]:
    """What must not depend on who died where."""
    return {**asyncio.run(_books(url)), "asked": set(witness.read_text().splitlines())}


async def _books(url: str) -> dict[str, Any]:
    db = await asyncpg.connect(url)
    batch = await clearing.read_batch(db, MONDAY)
    rows = await db.fetch(
        "select account_id, balance from bank.ledger_accounts where balance <> 0"
        " order by account_id"
    )
    keys = await db.fetch(
        "select key, amount, state from bank.clearing_payouts order by merchant_id"
    )
    async with db.transaction():
        fault = (await verify(db)).fault
    await db.close()
    return {
        "state": batch.state,
        "hash": batch.hash,
        "balances": [tuple(row) for row in rows],
        "payouts": [tuple(row) for row in keys],
        "fault": fault,
    }


def _forked(
    url: str, witness: Path, kill_at: tuple[int, str] | None, after_s: float = 0
) -> int | None:
    """Clear in a child process that is killed as asked; the commits of one that was not."""
    pid = os.fork()
    if pid == 0:
        try:
            commits = _counting(kill_at)
            if after_s:
                signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
                signal.setitimer(signal.ITIMER_REAL, after_s)
            asyncio.run(_cleared(url, witness))
            os._exit(commits())
        except BaseException:  # noqa: BLE001 - a forked child must end here, whatever happened
            os._exit(255)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return None
    assert os.WEXITSTATUS(status) < 255
    return os.WEXITSTATUS(status)


@contextmanager
def _copy(url: str, number: int) -> Iterator[str]:
    """The same bank again."""
    parts = urlsplit(url)
    name = f"{parts.path[1:]}_{number}"
    copy = urlunsplit(parts._replace(path=f"/{name}"))
    server = urlunsplit(parts._replace(path="/postgres"))
    asyncio.run(_on(server, f'create database "{name}" template "{parts.path[1:]}"'))
    yield copy
    asyncio.run(_on(server, f'drop database "{name}" with (force)'))


async def _on(server: str, sql: str) -> None:
    db = await asyncpg.connect(server)
    await db.execute(sql)
    await db.close()


@pytest.fixture
def bank(fresh_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small chunks, so that a kill falls between them."""
    for module in (workflow, paying):
        monkeypatch.setattr(module, "CHUNK", 2)
    asyncio.run(_prepared(fresh_url))
    return fresh_url


def test_a_kill_at_any_commit_leaves_the_same_batch_and_pays_nobody_twice(
    bank: str, tmp_path: Path
) -> None:
    """One process is killed before its first commit, the next after it, the next two before and
    after their second, and so on: each goes on where the last one died.
    """
    witness = tmp_path / "whole"
    with _copy(bank, 0) as url:
        commits = _forked(url, witness, None) or 0
        whole = _facts(url, witness)
    assert (whole["state"], whole["fault"]) == (BatchState.RECONCILED, None)
    assert len(whole["payouts"]) == 6 and len(whole["asked"]) == 3

    witness = tmp_path / "killed"
    with _copy(bank, 1) as url:
        survivor, at = None, 0
        while survivor is None and at <= commits:
            at += 1
            for side in ("before", "after"):
                survivor = _forked(url, witness, (at, side))
        assert survivor is not None and at > 3
        assert _facts(url, witness) == whole


def test_kills_at_random_moments_leave_the_same_batch(bank: str, tmp_path: Path) -> None:
    chance = random.Random(20260302)
    witness = tmp_path / "whole"
    with _copy(bank, 0) as url:
        asyncio.run(_cleared(url, witness))
        whole = _facts(url, witness)

    witness = tmp_path / "killed"
    witness.touch()
    with _copy(bank, 1) as url:
        for _ in range(RANDOM_KILLS):
            _forked(url, witness, None, after_s=chance.uniform(0.02, 0.6))
        asyncio.run(_cleared(url, witness))
        assert _facts(url, witness) == whole
