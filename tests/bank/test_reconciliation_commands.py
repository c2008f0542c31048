"""`bankside reconcile`: a date from its file to a closed break, by people who exist."""

import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.ledger import Books
from bankside.bank.reconciliation import (
    ChannelFileTruncated,
    FourEyesRequired,
)
from bankside.catalog import load
from bankside.cli import people, reconcile
from bankside.cli.output import DONE
from bankside.cli.tree import build
from bankside.identity.people import PersonUnknown
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.orders import Orders
from bankside.partners import PartnerUnknown, create_partner

DATE = "2026-03-02"


@dataclass
class Here:
    """An installation on a database of its own, with a partner that took one payment."""

    home: Path
    clock: FixedClock
    database: Pool
    partner: str
    issuer: str = "https://bank.example"

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        yield self.database


@pytest.fixture
async def here(tmp_path: Path, clock: FixedClock, fresh_pool: Pool) -> Any:
    async with transaction(fresh_pool) as db:
        partner = await create_partner(db, clock, name_zh="水", name_en="Mizu")
    async with Books(fresh_pool, clock) as books:
        orders = Orders(fresh_pool, books, clock, load())
        bank = LittleBank(fresh_pool, books, clock, orders, partner.id)
        merchant, payer = await bank.merchant(), await bank.account("50.00")
        body = {
            "merchant": merchant.id,
            "order_no": f"S{secrets.token_hex(6)}",
            "amount": cny("50.00"),
            "payer_token": await bank.token(payer),
        }
        await bank.shown("merchant.split-orders.create", body)
    return Here(tmp_path, clock, fresh_pool, partner.id)


async def told(capsys: pytest.CaptureFixture[str], work: Any) -> dict[str, Any]:
    """The JSON a command prints."""
    assert await work == DONE
    return dict(json.loads(capsys.readouterr().out))


async def test_a_date_is_reconciled_and_its_break_settled_by_two_people(
    here: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    for login in ("lin.desk", "wang.desk"):
        wish = people.Wish(login, "", ("operator",))
        await people.create(here, people.space_of(None), wish, as_json=True)
    capsys.readouterr()
    _next_day(here.clock)
    day, file = reconcile.day(here.partner, DATE, "unionpay"), tmp_path / "unionpay.csv"

    written = await told(capsys, reconcile.write_file(here, day, file, as_json=True))
    agreed = file.read_bytes()
    file.write_bytes(agreed.replace(b"50.00", b"49.00"))
    outcome = await told(capsys, reconcile.run(here, day, file, as_json=True))
    found = reconcile.chosen("", DATE, closed=False)
    listed = await told(
        capsys, reconcile.breaks(here, here.partner, found, cursor=None, as_json=True)
    )
    (broken,) = listed["items"]
    name = broken["id"]
    await told(capsys, reconcile.assign(here, here.partner, name, "lin.desk", as_json=True))
    wish = reconcile.Wish(
        "fee the channel kept", "lin.desk", "house.suspense.CNY", "house.nostro.CNY", "1.00"
    )
    await told(capsys, reconcile.adjust(here, here.partner, name, wish, as_json=True))
    with pytest.raises(FourEyesRequired):
        await reconcile.approve(here, here.partner, name, "lin.desk", as_json=True)
    with pytest.raises(PersonUnknown):
        await reconcile.approve(here, here.partner, name, "nobody.desk", as_json=True)
    done = await told(
        capsys, reconcile.approve(here, here.partner, name, "wang.desk", as_json=True)
    )
    closed = await told(capsys, reconcile.close(here, here.partner, name, as_json=True))

    assert (written["lines"], written["value_date"]) == ("1", "2026-03-03")
    assert (outcome["breaks"], outcome["by_kind"]) == (1, {"amount": 1})
    assert (broken["found"], broken["expected"], broken["age"]) == ("49.00", "50.00", 1)
    assert (done["status"], done["posting"] is not None) == ("adjusted", True)
    assert closed["status"] == "closed"


async def test_a_file_that_is_cut_off_or_missing_changes_nothing(
    here: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    _next_day(here.clock)
    day, file = reconcile.day(here.partner, DATE, "unionpay"), tmp_path / "unionpay.csv"
    await reconcile.write_file(here, day, file, as_json=True)
    part = tmp_path / "unionpay.csv.part"
    file.write_bytes(file.read_bytes()[:-3])

    with pytest.raises(ChannelFileTruncated, match="line 3"):
        await reconcile.run(here, day, file, as_json=True)
    with pytest.raises(SystemExit):
        await reconcile.run(here, day, tmp_path / "none.csv", as_json=True)
    with pytest.raises(SystemExit):
        reconcile.day(here.partner, "2026-02-30", "")
    with pytest.raises(PartnerUnknown):
        nobody = reconcile.day("prt_nobody", DATE, "")
        await reconcile.run(here, nobody, None, as_json=True)

    assert await here.database.fetchval("select count(*) from bank.reconciliation_runs") == 0
    assert not part.exists()


def test_the_branch_stands_in_the_command_tree() -> None:
    names = {each.name for each in build().registered_groups}
    assert "reconcile" in names


def _next_day(clock: FixedClock) -> None:
    clock.advance(timedelta(hours=14))
