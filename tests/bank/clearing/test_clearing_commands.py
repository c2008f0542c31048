"""`bankside clearing`: terms, a date from its seal to its files, and a failed payout let go."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform, platform_on

from bankside.bank.clearing import Batch, BatchNotFound, BatchTransitionRefused, Whose
from bankside.bank.ledger import Books
from bankside.bank.merchants import MerchantNotFound
from bankside.cli import clearing, people
from bankside.cli.output import DONE, USAGE
from bankside.cli.tree import build
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.money import Money
from bankside.kernel.signing import verifier
from bankside.partners import create_partner, list_platform_keys


@dataclass
class Here:
    """An installation on a database of its own, with one platform."""

    home: Path
    clock: FixedClock
    database: Pool
    platform: Platform
    issuer: str = "https://bank.example"

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        yield self.database

    async def clear_day(self, pool: Pool, day: date | None) -> Batch:
        assert day is not None
        return await self.platform.bank.orders.clear(day)


@pytest.fixture
async def here(tmp_path: Path, clock: FixedClock, fresh_pool: Pool) -> Any:
    async with transaction(fresh_pool) as db:
        partner = await create_partner(db, clock, name_zh="水", name_en="Mizu")
    async with Books(fresh_pool, clock) as books:
        platform = platform_on(fresh_pool, books, clock, partner.id)
        yield Here(tmp_path, clock, fresh_pool, platform)


async def _told(capsys: pytest.CaptureFixture[str], work: Any) -> Any:
    capsys.readouterr()
    assert await work == DONE
    return json.loads(capsys.readouterr().out)


async def test_a_date_is_cleared_shown_and_filed_from_the_terminal(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    platform, partner = here.platform, here.platform.bank.partner
    merchant = await platform.bank.merchant(fee_rate_bp=100)
    asked = clearing.Asked("5.00", "0", ("", "", ""))
    await _told(capsys, clearing.agree(here, partner, merchant.id, asked, as_json=True))
    await platform.sold(merchant, "100.00")
    platform.until(MONDAY, 23, 5)

    ran = await _told(capsys, clearing.run(here, "2026-03-02", as_json=True))
    shown = await _told(capsys, clearing.show(here, "2026-03-02", partner, as_json=True))

    assert (ran["state"], shown["sha256"]) == ("checked", ran["sha256"])
    (position,) = shown["position_lines"]
    assert (position["net"], position["reserved"], position["payout"]) == ("99.00", "5.00", "94.00")
    assert shown["payouts"] == {"prepared": 1}
    assert await clearing.show(here, "2026-03-02", partner, as_json=False) == DONE
    assert "94.00" in capsys.readouterr().out
    (listed,) = [
        each
        for each in await _told(capsys, clearing.show(here, None, None, as_json=True))
        if each["state"] != "open"
    ]
    assert listed["date"] == "2026-03-02"
    (books,) = await _told(capsys, clearing.accounts(here, partner, as_json=True))
    assert (books["reserved"], books["payable"]) == ("5.00", "94.00")


async def test_a_word_that_is_no_date_ends_the_command_before_anything_runs(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        await clearing.run(here, "yesterday", as_json=True)

    assert ended.value.code == USAGE
    assert "'yesterday' is not a date such as 2026-03-02" in capsys.readouterr().err


async def test_a_settlement_file_is_signed_and_the_same_bytes_every_time(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    platform, partner = here.platform, here.platform.bank.partner
    merchant = await platform.merchant()
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    first, second = here.home / "a.csv", here.home / "b.csv"
    whose = Whose(partner=partner, on=MONDAY)

    told = await _told(capsys, clearing.write_file(here, whose, first, form="csv", as_json=True))
    here.clock.advance(timedelta(days=3))
    await platform.sold(merchant, "1.00")
    again = await _told(capsys, clearing.write_file(here, whose, second, form="csv", as_json=True))

    assert first.read_bytes() == second.read_bytes()
    assert (told["sha256"], told["signature"]) == (again["sha256"], again["signature"])
    async with here.database.acquire() as db:
        key = next(each for each in await list_platform_keys(db) if each.id == told["key"])
    check = verifier(key.alg, key.public_der)
    assert check(bytes.fromhex(told["sha256"]), base64.b64decode(told["signature"]))
    fixed = here.home / "a.txt"
    await _told(capsys, clearing.write_file(here, whose, fixed, form="fixed", as_json=True))
    assert len({len(line) for line in fixed.read_text().splitlines() if line[0] == "P"}) == 1


async def test_a_file_of_a_date_that_was_not_cleared_or_of_somebody_else_is_refused(
    here: Here,
) -> None:
    partner, target = here.platform.bank.partner, here.home / "a.csv"
    await here.platform.sold(await here.platform.merchant(), "100.00")
    whose = Whose(partner=partner, on=TUESDAY)
    with pytest.raises(BatchNotFound):
        await clearing.write_file(here, whose, target, form="csv", as_json=True)
    await here.platform.close(MONDAY)
    with pytest.raises(BatchTransitionRefused):
        await clearing.write_file(here, whose, target, form="csv", as_json=True)
    other = Whose(partner=partner, on=MONDAY, merchants=["mch_nobodys"])
    with pytest.raises(MerchantNotFound):
        await clearing.write_file(here, other, target, form="csv", as_json=True)

    assert not list(here.home.glob("a.csv*"))


async def test_two_people_of_the_bank_release_a_failed_payout(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    platform, partner = here.platform, here.platform.bank.partner
    gone = clearing.Asked("0", "0", ("102100099996", "6222020200119001", "海棠"))
    merchant = await platform.bank.merchant()
    await _told(capsys, clearing.agree(here, partner, merchant.id, gone, as_json=True))
    for login in ("li.na", "wang.wei"):
        wish = people.Wish(login, "", ("operator",))
        await people.create(here, people.space_of(None), wish, as_json=True)
    await platform.sold(merchant, "100.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)

    states = []
    for login in ("li.na", "wang.wei"):
        about = (partner, "2026-03-02", merchant.id)
        told = await _told(capsys, clearing.release(here, *about, by=login, as_json=True))
        states.append(told["state"])

    assert states == ["failed", "released"]


async def test_the_platform_pays_into_its_reserve_once(
    here: Here, capsys: pytest.CaptureFixture[str]
) -> None:
    partner = here.platform.bank.partner
    payer = await here.platform.bank.account("50.00")
    amount = Money.parse("20.00", "CNY")

    for _ in range(2):
        work = clearing.reserve(here, partner, payer.id, amount, key="2026-1", as_json=True)
        told = await _told(capsys, work)

    assert await here.platform.bank.money(payer.ledger_account, told["reserve"]) == [3_000, 2_000]


def test_the_branch_has_its_commands() -> None:
    (group,) = [each for each in build().registered_groups if each.name == "clearing"]
    assert group.typer_instance is not None
    names = {each.name for each in group.typer_instance.registered_commands}
    assert names == {"run", "show", "file", "terms", "accounts", "reserve", "release"}
