"""Telling a story in a child process that is killed at one of its commits, and telling it again."""

import asyncio
import itertools
import os
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from asyncpg.transaction import Transaction
from tests.orders.little_bank import LittleBank

from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import open_pool
from bankside.orders import Orders

# Everything a story needs that has to be the same when it is told again.
Facts = dict[str, str]
Story = Callable[[LittleBank, Facts], Awaitable[None]]


async def prepare(bank: LittleBank) -> Facts:
    merchant = await bank.merchant(fee_rate_bp=100)
    payer, rider = await bank.account("100.00"), await bank.receiver(merchant)
    return {
        "payer": payer.id,
        "rider": rider.id,
        "merchant": merchant.id,
        "settlement": merchant.settlement_ledger_account,
        "pending": merchant.pending_ledger_account,
        "token": await bank.token(payer),
        "customer": payer.customer,
        "dollars": (await bank.account(currency="USD")).id,
    }


async def tell(
    bank: LittleBank, key: str, operation: str, body: Mapping[str, Any], path: str | None = None
) -> str:
    """One call under its fixed key; the order's id."""
    answer = await bank.shown(operation, dict(body), path=path, key=key)
    return str(answer["id"])


def survives(url: str, story: Story, expected: list[int]) -> None:
    """The story ends with ``expected`` balances whole, and killed at each of its commits.

    What payer, rider, settlement account and pending account hold, in minor units.
    """
    partner = f"prt_{secrets.token_hex(8)}"
    facts = asyncio.run(with_bank(url, partner, prepare))
    commits = _told_by_child(url, partner, facts, story, kill_at=None)
    assert commits > 0
    found = asyncio.run(with_bank(url, partner, _balances(facts)))
    assert found == expected, found

    for at in itertools.product(range(1, commits + 1), ("before", "after")):
        partner = f"prt_{secrets.token_hex(8)}"
        facts = asyncio.run(with_bank(url, partner, prepare))
        _told_by_child(url, partner, facts, story, kill_at=at)
        asyncio.run(with_bank(url, partner, lambda bank, facts=facts: story(bank, facts)))
        found = asyncio.run(with_bank(url, partner, _balances(facts)))
        assert found == expected, f"killed {at[1]} commit {at[0]}: {found}"
    asyncio.run(with_bank(url, partner, _proved))


def _balances(facts: Facts) -> Callable[[LittleBank], Awaitable[list[int]]]:
    names = [facts[each] for each in ("payer", "rider", "settlement", "pending")]
    return lambda bank: bank.money(*names)


async def _proved(bank: LittleBank) -> None:
    """The ledger's own proof, and one outbox chain without gaps for every order."""
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None
        gaps = await db.fetchval(
            "select count(*) from (select max(object_seq) as last, count(*) as told"
            " from kernel.outbox group by partner_id, object_id) each where last <> told"
        )
        drifted = await db.fetchval(
            "select count(*) from orders.orders o where revision <> (select count(distinct"
            " revision) from orders.journal j where (j.partner_id, j.order_id) ="
            " (o.partner_id, o.order_id))"
        )
    assert (gaps, drifted) == (0, 0)


async def with_bank(url: str, partner: str, use: Callable[[LittleBank], Awaitable[Any]]) -> Any:
    pool = await open_pool(url, size=4)
    clock = FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
    async with Books(pool, clock) as books:
        bank = LittleBank(pool, books, clock, Orders(pool, books, clock, load()), partner)
        result = await use(bank)
    await pool.close()
    return result


def _told_by_child(
    url: str, partner: str, facts: Facts, story: Story, *, kill_at: tuple[int, str] | None
) -> int:
    """Tell the story in a child process, killed as asked; how many commits a whole one makes."""
    pid = os.fork()
    if pid == 0:
        try:
            commits = _counting(kill_at)
            asyncio.run(with_bank(url, partner, lambda bank: story(bank, facts)))
            os._exit(commits())
        except BaseException:  # noqa: BLE001 - a forked child must end here, whatever happened
            os._exit(255)
    _, status = os.waitpid(pid, 0)
    if kill_at is not None:
        assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        return 0
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) < 255
    return os.WEXITSTATUS(status)


def _counting(kill_at: tuple[int, str] | None) -> Callable[[], int]:
    """Count this process's commits from here on, and kill it at the one asked for."""
    commit = Transaction._Transaction__commit
    count = 0

    async def counted(self: Transaction) -> None:
        nonlocal count
        count += 1
        if kill_at == (count, "before"):
            os.kill(os.getpid(), signal.SIGKILL)
        await commit(self)
        if kill_at == (count, "after"):
            os.kill(os.getpid(), signal.SIGKILL)

    Transaction._Transaction__commit = counted
    return lambda: count
