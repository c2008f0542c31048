"""kill -9 inside a jump of a sandbox clock, and the same call again: the same books in the end.

A space with a payment to clear, a deposit, a standing order and a business account jumps over two
month ends. One process dies before its first commit, the next one after it, the next two around
their second commit, and so on; each repeats the call under the same idempotency key on the database
that the last one left. Whoever died where, every entry stands once, at its own instant.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from tests.crash.stories import _counting
from tests.crash.test_clearing_survives_kill import _copy
from tests.orders.little_bank import LittleBank, cny
from tests.orders.sandbox.tester import SandboxApp, a_tester

from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import open_pool
from bankside.orders import Orders
from bankside.orders.sandbox import people, routes

pytestmark = pytest.mark.crash

MORNING = datetime(2026, 3, 2, 2, tzinfo=UTC)
TO = "2026-04-30T23:30:00+08:00"
# Processes killed in all: more only repeat what the first ones showed.
KILLS_MAX = 40


async def _with_app(url: str, use: Callable[[SandboxApp], Awaitable[Any]], **known: str) -> Any:
    pool = await open_pool(url, size=4)
    clock = FixedClock(MORNING)
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        bank = LittleBank(pool, books, clock, orders, known.get("partner", "prt_jump"))
        app = (
            SandboxApp(pool, books, clock, orders, known["partner"], app=known["app"])
            if known
            else await a_tester(bank)
        )
        result = await use(app)
    await pool.close()
    return result


async def _prepared(app: SandboxApp) -> dict[str, str]:
    await app.create()
    sold = {
        "merchant": app.merchant_of("kuaican"),
        "order_no": "J1",
        "amount": cny("100.00"),
        "payer_token": app.code_of(),
    }
    order = await app.shown("merchant.split-orders.create", sold)
    await app.call("merchant.split-orders.finishes", {}, path=order["id"])
    deposit = {
        "account": app.account_of("begonia-settlement"),
        "product_code": "TD-3M",
        "amount": cny("50000.00"),
    }
    await app.call("account.term-deposits.create", deposit)
    company = {
        "holder": people.customer_id(app.partner, "kuaican"),
        "document_no": "91110199MADEM00387",
        "mobile": "13800000000",
        "account_kind": "basic",
        "legal_representative": "林晓雨",
        "legal_representative_no": "110199199206149921",
    }
    opened = await app.shown("account.business-accounts.create", company)
    money = {"account": opened["result"]["account"]["id"], "amount": cny("100.00")}
    await app.call("platform.fundings.create", money)
    return {"partner": app.partner, "app": app.app}


async def _jump(app: SandboxApp) -> None:
    answer = await app.call("platform.clock-advances.create", {"to": TO}, key="over-two-months")
    assert isinstance(answer.body, dict) and answer.body["reached"]


async def _books(url: str) -> dict[str, Any]:
    """All that must not depend on who died where."""
    db = await asyncpg.connect(url)
    questions = {
        "entries": "select account_id, version, amount, balance_after, booked_at"
        " from bank.ledger_entries order by account_id, version",
        "batches": "select space, business_date, state, hash from bank.clearing_batches"
        " order by space, business_date",
        "payouts": "select key, amount, state from bank.clearing_payouts order by key",
        "orders": "select product, state, status, wake_at, due_on, book ->> 'upkeep' as upkeep"
        " from orders.orders order by product, created_at, amount",
        "clock": "select ahead_seconds, version from partners.sandboxes",
    }
    facts = {name: [tuple(row) for row in await db.fetch(sql)] for name, sql in questions.items()}
    async with db.transaction():
        facts["fault"] = (await verify(db)).fault
    await db.close()
    return facts


def _forked(url: str, known: dict[str, str], kill_at: tuple[int, str] | None) -> bool:
    """Jump in a child process that is killed as asked; whether it came to its end."""
    pid = os.fork()
    if pid == 0:
        try:
            _counting(kill_at)
            asyncio.run(_with_app(url, _jump, **known))
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a forked child must end here, whatever happened
            os._exit(255)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0
    return True


def test_a_jump_that_is_killed_again_and_again_ends_in_the_same_books(
    fresh_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine is: the call has all the time it needs.
    monkeypatch.setattr(routes, "JUMP_SECONDS", 300.0)
    known = asyncio.run(_with_app(fresh_url, _prepared))
    with _copy(fresh_url, 0) as url:
        assert _forked(url, known, None)
        whole = asyncio.run(_books(url))
    assert whole["fault"] is None
    assert [row[2] for row in whole["batches"]] == ["reconciled"]
    assert len(whole["payouts"]) == 1

    with _copy(fresh_url, 1) as url:
        done, kills = False, 0
        while not done and kills < KILLS_MAX:
            side = "after" if kills % 2 else "before"
            done = _forked(url, known, (kills // 2 + 1, side))
            kills += not done
        if not done:
            assert _forked(url, known, None)
        assert kills > 10
        assert asyncio.run(_books(url)) == whole
