"""The settlement file of a date, asked for and downloaded by a partner's call."""

import hashlib

import pytest
from tests.bank.clearing.clearing_world import MONDAY, Platform

from bankside.bank.clearing import BatchNotFound
from bankside.bank.merchants import Merchant
from bankside.orders.errors import PeriodRefused

REPORT = "merchant.merchant-reconciliations"


async def _asked(platform: Platform, merchant: Merchant, form: str, period: str) -> bytes:
    body = {"subject": merchant.settlement_account, "period": period, "format": form}
    report = await platform.bank.shown(f"{REPORT}.create", body)
    answer = await platform.bank.call(f"{REPORT}.content", path=report["id"])
    content = answer.body
    assert isinstance(content, bytes)
    assert hashlib.sha256(content).hexdigest() == report["sha256"]
    return content


async def test_a_merchant_downloads_the_file_of_its_date_and_sees_nobody_else(
    platform: Platform,
) -> None:
    merchant, other = await platform.merchant(), await platform.merchant()
    await platform.sold(merchant, "100.00")
    await platform.sold(other, "55.00")
    await platform.close(MONDAY)

    content = await _asked(platform, merchant, "settlement", "2026-03-02")
    again = await _asked(platform, merchant, "settlement", "2026-03-02")
    fixed = await _asked(platform, merchant, "settlement_fixed", "2026-03-02")

    lines = content.decode().splitlines()
    assert content == again
    assert [line[0] for line in lines] == ["H", "P", "L", "L", "L", "T"]
    assert lines[1].startswith(f"P,{merchant.id},,CNY,net,3,100.00,0.00,0.00,0.00,0.00,1.00,99.00")
    assert lines[-1] == "T,1,3,CNY,99.00,99.00"
    assert other.id.encode() not in content
    assert [line.split()[0] for line in fixed.decode().splitlines()] == [each[0] for each in lines]


async def test_a_settlement_file_is_of_one_cleared_date(platform: Platform) -> None:
    merchant = await platform.merchant()

    with pytest.raises(BatchNotFound):
        await _asked(platform, merchant, "settlement", "2026-03-01")
    with pytest.raises(PeriodRefused):
        await _asked(platform, merchant, "settlement", "2026-02")
