"""Private pensions: a yearly cap by Beijing's calendar, and money that stays until it may leave."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, AccountLocked, Opening, ProductClass, open_account
from bankside.bank.customers import customer as find_customer
from bankside.kernel.db import transaction
from bankside.orders.errors import (
    FundsInsufficient,
)
from bankside.orders.errors_money import (
    NotAPensionAccount,
    PensionAccountExists,
    PensionCapExceeded,
    ProductCodeUnknown,
)

PAY_IN = "pension.pension-contributions.create"
PAY_OUT = "pension.pension-payouts.create"


async def _pension(bank: LittleBank) -> Account:
    await bank.account()
    assert bank.customer is not None
    async with transaction(bank.pool) as db:
        asked = Opening(customer=bank.customer, product_class=ProductClass.PENSION, currency="CNY")
        return await open_account(db, bank.clock, bank.partner, asked)


async def _papers(bank: LittleBank) -> dict[str, Any]:
    assert bank.customer is not None
    async with bank.pool.acquire() as db:
        found = await find_customer(db, bank.partner, bank.customer)
    assert found.birth_date is not None
    age = bank.clock.now().year - found.birth_date.year
    return {"holder": found.id, "document_no": found.resident_id, "age": age}


async def test_contributions_end_at_the_yearly_cap(bank: LittleBank) -> None:
    payer, pension = await bank.account("30000.00"), await _pension(bank)
    body = {"account": payer.id, "pension_account": pension.id, "amount": cny("8000.00")}
    shown = await bank.shown(PAY_IN, body)

    with pytest.raises(PensionCapExceeded) as refused:
        await bank.call(PAY_IN, body | {"amount": cny("4000.01")})
    await bank.call(PAY_IN, body | {"amount": cny("4000.00")})

    assert shown["result"]["pension"]["left_this_year"] == cny("4000.00")
    assert refused.value.extra["left"] == cny("4000.00")
    assert await bank.balance(pension) == "12000.00"


async def test_the_cap_begins_anew_with_the_year_in_beijing(bank: LittleBank) -> None:
    payer, pension = await bank.account("30000.00"), await _pension(bank)
    body = {"account": payer.id, "pension_account": pension.id, "amount": cny("12000.00")}
    await bank.call(PAY_IN, body)
    new_year = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)  # midnight in Beijing
    bank.clock.advance(new_year - bank.clock.now() - timedelta(seconds=1))

    with pytest.raises(PensionCapExceeded):
        await bank.call(PAY_IN, body | {"amount": cny("0.01")})
    bank.clock.advance(timedelta(seconds=1))
    await bank.call(PAY_IN, body)

    assert await bank.balance(pension) == "24000.00"


async def test_only_a_pension_account_takes_contributions(bank: LittleBank) -> None:
    payer, other = await bank.account("100.00"), await bank.account()
    body = {"account": payer.id, "pension_account": other.id, "amount": cny("10.00")}

    with pytest.raises(NotAPensionAccount):
        await bank.call(PAY_IN, body)

    assert await bank.balance(payer) == "100.00"


async def test_an_uncovered_contribution_uses_nothing_of_the_cap(bank: LittleBank) -> None:
    payer, pension = await bank.account("1.00"), await _pension(bank)
    rich = await bank.account("12000.00")
    body = {"account": payer.id, "pension_account": pension.id, "amount": cny("12000.00")}

    with pytest.raises(FundsInsufficient):
        await bank.call(PAY_IN, body)
    await bank.call(PAY_IN, body | {"account": rich.id})

    assert await bank.balance(pension) == "12000.00"


async def test_a_pension_is_invested_and_redeemed_within_its_account(bank: LittleBank) -> None:
    payer, pension = await bank.account("1000.00"), await _pension(bank)
    body = {
        "account": payer.id,
        "pension_account": pension.id,
        "product_code": "PN-DEPOSIT",
        "amount": cny("1000.00"),
    }
    with pytest.raises(ProductCodeUnknown):
        await bank.call("pension.pension-redemptions.create", body | {"product_code": "FD-BOND"})
    shown = await bank.shown("pension.pension-redemptions.create", body)
    assert await bank.balance(pension) == "0.00"
    bank.clock.advance(timedelta(days=10))

    done = await bank.shown("pension.pension-redemptions.cancellations", {}, path=shown["id"])

    assert done["state"] == "completed"
    assert await bank.balance(payer) == "0.00"
    assert float(await bank.balance(pension)) > 1000


async def test_a_pension_is_paid_once_its_holder_is_old_enough(bank: LittleBank) -> None:
    payer, pension = await bank.account("1000.00"), await _pension(bank)
    papers = await _papers(bank)
    body = {"account": payer.id, "pension_account": pension.id, "amount": cny("1000.00")}
    await bank.call(PAY_IN, body)
    shown = await bank.shown(
        PAY_OUT,
        {
            "holder": papers["holder"],
            "document_no": papers["document_no"],
            "pension_account": pension.id,
            "payee_account": payer.id,
            "amount": cny("600.00"),
        },
    )
    assert shown["state"] == "waiting"

    await bank.orders.expire()
    now = await bank.balance(payer)
    bank.clock.advance(timedelta(days=366 * 61))
    await bank.orders.expire()

    assert now == ("600.00" if papers["age"] > 60 else now)
    assert await bank.balance(payer) == "600.00"
    done = await bank.shown("pension.pension-payouts.query", path=shown["id"])
    assert (done["state"], done["status"]) == ("completed", "paid_out")


async def test_employer_and_employee_pay_into_an_annuity(bank: LittleBank) -> None:
    employer, employee = await bank.account("5000.00"), await bank.account("500.00")
    pension = await _pension(bank)

    shown = await bank.shown(
        "pension.annuity-contributions.create",
        {
            "employer_account": employer.id,
            "employee_account": employee.id,
            "pension_account": pension.id,
            "employer_amount": cny("400.00"),
            "employee_amount": cny("100.00"),
        },
    )

    assert shown["state"] == "completed"
    assert await bank.balance(pension) == "500.00"
    assert (await bank.balance(employer), await bank.balance(employee)) == ("4600.00", "400.00")


async def test_what_is_in_a_pension_account_leaves_it_by_no_transfer(bank: LittleBank) -> None:
    payer, pension = await bank.account("1000.00"), await _pension(bank)
    paid_in = {"account": payer.id, "pension_account": pension.id, "amount": cny("900.00")}
    await bank.call(PAY_IN, paid_in)
    body = {
        "payer_account": pension.id,
        "payee_account": payer.id,
        "amount": cny("1.00"),
    }

    with pytest.raises(AccountLocked) as refused:
        await bank.call("payment.internal-transfers.create", body)

    assert refused.value.errors[0]["pointer"] == "/payer_account"
    assert await bank.balance(pension) == "900.00"


async def test_a_pension_account_is_swept_into_no_other_kind_of_account(bank: LittleBank) -> None:
    opened = await bank.shown(OPEN, await _applied(bank))
    pension = opened["result"]["account"]["id"]
    payer = await bank.account("1000.00")
    paid_in = {"account": payer.id, "pension_account": pension, "amount": cny("900.00")}
    await bank.call(PAY_IN, paid_in)

    with pytest.raises(AccountLocked):
        swept = {"sweep_to": payer.id}
        await bank.call("pension.pension-accounts.closures", swept, path=opened["id"])

    assert await bank.balance(payer) == "100.00"


OPEN = "pension.pension-accounts.create"


async def _applied(bank: LittleBank) -> dict[str, Any]:
    await bank.account()
    papers = await _papers(bank)
    named = {name: papers[name] for name in ("holder", "document_no")}
    return {**named, "mobile": "13800000000"}


async def test_a_person_has_one_pension_account(bank: LittleBank) -> None:
    asked = await _applied(bank)
    first = await bank.shown(OPEN, asked)

    with pytest.raises(PensionAccountExists) as refused:
        await bank.call(OPEN, asked)

    assert refused.value.extra == {"account": first["result"]["account"]["id"]}
    await bank.call("pension.pension-accounts.closures", {}, path=first["id"])
    again = await bank.shown(OPEN, asked)
    assert again["result"]["account"]["id"] != first["result"]["account"]["id"]


async def test_twenty_applications_at_once_open_one_pension_account(bank: LittleBank) -> None:
    asked = await _applied(bank)

    answers = await asyncio.gather(
        *(bank.call(OPEN, asked) for _ in range(20)), return_exceptions=True
    )

    assert sum(not isinstance(each, BaseException) for each in answers) == 1
    refusals = [each for each in answers if isinstance(each, BaseException)]
    assert {type(each) for each in refusals} == {PensionAccountExists}
    async with bank.pool.acquire() as db:
        standing = await db.fetchval(
            "select count(*) from bank.accounts where partner_id = $1"
            " and product_class = 'pension'",
            bank.partner,
        )
    assert standing == 1
