"""Pay: wages line by line, pay for services with its tax withheld, a platform's settlement."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, house_account
from bankside.orders.withholding import withheld

GIG, WAGES = "payroll.gig-settlements", "payroll.salary-payments"
TAX = house_account(House.TAX_WITHHELD, "CNY")


def _batch(payer: Account, payees: list[str], amount: str, total: str) -> dict[str, Any]:
    return {
        "payer_account": payer.id,
        "lines": [
            {"line_no": no, "payee_account": payee, "amount": cny(amount)}
            for no, payee in enumerate(payees, start=1)
        ],
        "total": cny(total),
        "count": len(payees),
        "period": "2026-02",
    }


@pytest.mark.parametrize(
    ("gross", "tax"),
    [
        # Examples worked out by hand from the table.
        (80_000, 0),
        (80_003, 1),
        (400_000, 64_000),
        (400_100, 64_016),
        (2_500_000, 400_000),
        (3_000_000, 520_000),
        (8_000_000, 1_860_000),
    ],
)
def test_the_tax_on_services_is_the_table_s(gross: int, tax: int) -> None:
    assert withheld(gross) == tax


@given(st.integers(0, 10**12))
def test_the_tax_never_falls_and_never_takes_more_than_it_is_on(gross: int) -> None:
    assert 0 <= withheld(gross) <= gross
    assert withheld(gross) <= withheld(gross + 1)


async def test_pay_for_services_reaches_the_worker_less_the_tax(bank: LittleBank) -> None:
    platform, rider = await bank.account("5000.00"), await bank.account()
    (before,) = await bank.money(TAX)
    asked = {**_batch(platform, [rider.id, "acc_gone"], "1000.00", "2000.00"), "platform": "跑跑"}

    order = await bank.shown(f"{GIG}.create", asked)
    await bank.orders.resume(order["id"], partner=bank.partner)

    shown = await bank.shown(f"{GIG}.query", path=order["id"])
    (after,) = await bank.money(TAX)
    # 1,000.00 less the allowance of 800.00 is 200.00, of which 20 % is 40.00; one line failed.
    assert (shown["state"], shown["paid"]) == ("completed", cny("960.00"))
    assert (await bank.balance(rider), after - before) == ("960.00", 4_000)
    fee = 5_000_00 - 1_000_00 - int((await bank.balance(platform)).replace(".", ""))
    assert shown["fee"] == cny(f"{fee / 100:.2f}")
    lines = await bank.shown(f"{GIG}.lines", path=order["id"])
    assert [(each["state"], each["withheld"]) for each in lines["items"]] == [
        ("confirmed", cny("40.00")),
        ("failed", cny("40.00")),
    ]
    assert shown["result"]["invoice"]["net"] == cny("1000.00")


async def test_wages_are_a_batch_with_a_period(bank: LittleBank) -> None:
    employer, worker = await bank.account("100.00"), await bank.account()

    order = await bank.shown(f"{WAGES}.create", _batch(employer, [worker.id], "60.00", "60.00"))
    await bank.orders.resume(order["id"], partner=bank.partner)

    assert await bank.balance(worker) == "60.00"
    listed = await bank.shown("payroll.payroll-batches.list", query={"subject": employer.id})
    assert [each["id"] for each in listed["items"]] == [order["id"]]


async def test_a_settlement_is_paid_out_after_the_end_of_its_day(bank: LittleBank) -> None:
    merchant, platform, home = (
        await bank.merchant(fee_rate_bp=100),
        await bank.account("100.00"),
        await bank.account(),
    )
    asked = {
        "merchant": merchant.id,
        "payer_account": platform.id,
        "payee_account": home.id,
        "amount": cny("80.00"),
    }
    order = await bank.shown("merchant.merchant-settlements.create", asked)
    assert await bank.balance(home) == "0.00"

    await bank.orders.end_of_day(date(2026, 3, 2))

    shown = await bank.shown("merchant.merchant-settlements.query", path=order["id"])
    assert (shown["state"], await bank.balance(home)) == ("completed", "79.20")
    assert await bank.money(
        merchant.settlement_ledger_account, merchant.pending_ledger_account
    ) == [0, 0]
