"""Mandates: what a payer allowed is debited, and not a cent more."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account
from bankside.kernel.errors import BanksideError
from bankside.orders.primitives.mandate import PERIODS, due_date

DEBITS = "payment.direct-debits"


async def _mandate(bank: LittleBank, payer: Account, payee: Account, **terms: Any) -> str:
    asked = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "limit": cny("50.00"),
        **terms,
    }
    return str((await bank.shown(f"{DEBITS}.mandates-create", asked))["id"])


async def test_a_debit_under_a_mandate_moves_its_amount_once(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee)
    asked = {"mandate": mandate, "amount": cny("30.00"), "reference": "D1"}

    first = await bank.call(f"{DEBITS}.create", asked)
    again = await bank.call(f"{DEBITS}.create", asked)

    assert (first.status, again.status, again.hit) == (201, 200, True)
    assert await bank.balance(payee) == "30.00"
    assert await bank.balance(payer) == "69.97"
    shown = await bank.shown(f"{DEBITS}.mandates-query", path=mandate)
    assert shown["result"]["mandate"]["collected"] == cny("30.00")


@pytest.mark.parametrize(
    ("terms", "amounts", "code"),
    [
        ({}, ["50.01"], "mandate.limit_exceeded"),
        ({"per_day": cny("60.00")}, ["50.00", "10.01"], "mandate.limit_exceeded"),
        ({"total": cny("60.00")}, ["50.00", "10.01"], "mandate.limit_exceeded"),
        ({"total": cny("50.00")}, ["50.00", "0.01"], "mandate.not_active"),
    ],
)
async def test_a_debit_above_what_was_allowed_is_refused_and_moves_nothing(
    bank: LittleBank, terms: dict[str, Any], amounts: list[str], code: str
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee, **terms)
    *before, last = [{"mandate": mandate, "amount": cny(each)} for each in amounts]
    for each in before:
        await bank.call(f"{DEBITS}.create", each)
    balance = await bank.balance(payer)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{DEBITS}.create", last)

    assert refused.value.code == code
    assert await bank.balance(payer) == balance


async def test_the_day_s_bound_is_free_again_on_the_next_day(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee, per_day=cny("40.00"))
    asked = {"mandate": mandate, "amount": cny("40.00")}
    await bank.call(f"{DEBITS}.create", asked)
    bank.clock.advance(timedelta(days=1))

    await bank.call(f"{DEBITS}.create", asked)

    assert await bank.balance(payee) == "80.00"


async def test_a_revoked_mandate_is_debited_no_more(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee)
    revoked = await bank.shown(f"{DEBITS}.mandates-revoke", {}, path=mandate)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{DEBITS}.create", {"mandate": mandate, "amount": cny("1.00")})

    assert (revoked["status"], refused.value.code) == ("revoked", "mandate.not_active")
    assert await bank.balance(payer) == "100.00"


async def test_the_clock_debits_each_period_and_passes_over_what_cannot_be_paid(
    bank: LittleBank,
) -> None:
    payer, payee = await bank.account("65.00"), await bank.account()
    mandate = await _mandate(
        bank,
        payer,
        payee,
        amount=cny("30.00"),
        period="monthly",
        first_on="2026-03-31",
        until="2026-06-30",
    )
    for day in (date(2026, 3, 31), date(2026, 4, 30), date(2026, 5, 31), date(2026, 6, 30)):
        now = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
        bank.clock.advance(now - bank.clock.now())
        await bank.orders.expire()
        await bank.orders.expire()

    shown = await bank.shown(f"{DEBITS}.mandates-query", path=mandate)

    assert await bank.balance(payee) == "60.00"
    assert (shown["status"], shown["state"]) == ("expired", "completed")
    assert shown["result"]["mandate"]["count"] == 2


async def test_terms_that_contradict_each_other_are_refused_by_name(bank: LittleBank) -> None:
    payer, payee = await bank.account(), await bank.account()

    with pytest.raises(BanksideError) as refused:
        await _mandate(bank, payer, payee, amount=cny("50.01"), first_on="2026-04-01")

    assert refused.value.code == "mandate.terms_invalid"
    assert {each["pointer"] for each in refused.value.errors} == {"/amount", "/first_on"}


async def test_a_mandate_is_no_debit_and_a_debit_no_mandate(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{DEBITS}.query", path=mandate)

    assert refused.value.code == "order.not_found"


@given(
    st.dates(date(2020, 1, 1), date(2040, 12, 31)),
    st.sampled_from(PERIODS),
    st.integers(0, 200),
)
def test_due_dates_go_forward_and_keep_the_day_of_the_month(
    first: date, period: str, number: int
) -> None:
    due, following = due_date(first, period, number), due_date(first, period, number + 1)

    assert first <= due < following
    if period in {"monthly", "quarterly", "yearly"}:
        assert due.day == first.day or (due + timedelta(days=1)).day == 1


async def test_a_batch_of_debits_has_a_result_a_line_and_pays_once(bank: LittleBank) -> None:
    product = "payment.bulk-direct-debits"
    rich, poor, payee = await bank.account("100.00"), await bank.account(), await bank.account()
    mandates = [
        (
            await bank.shown(
                f"{product}.mandates-create",
                {"payer_account": payer.id, "payee_account": payee.id, "limit": cny("50.00")},
            )
        )["id"]
        for payer in (rich, poor)
    ]
    batch = {
        "batch_no": "2026-03",
        "lines": [
            {"line_no": no, "mandate": mandate, "amount": cny("40.00")}
            for no, mandate in enumerate([*mandates, "ord_nowhere"], start=1)
        ],
        "total": cny("120.00"),
        "count": 3,
    }

    first = await bank.call(f"{product}.create", batch)
    again = await bank.call(f"{product}.create", batch)

    assert isinstance(first.body, dict) and isinstance(again.body, dict)
    assert (again.hit, again.body["id"]) == (True, first.body["id"])
    lines = first.body["result"]["batch"]["lines"]
    assert [(each["state"], each["code"]) for each in lines] == [
        ("confirmed", None),
        ("failed", "payment.funds_insufficient"),
        ("failed", "order.not_found"),
    ]
    assert await bank.balance(payee) == "40.00"
    content = await bank.call(f"{product}.content", path=first.body["id"])
    assert isinstance(content.body, bytes) and b"funds_insufficient" in content.body


async def test_racing_debits_never_take_more_than_the_mandate_allows(bank: LittleBank) -> None:
    payer, payee = await bank.account("500.00"), await bank.account()
    mandate = await _mandate(bank, payer, payee, total=cny("100.00"))
    asked = {"mandate": mandate, "amount": cny("20.00")}

    answers = await asyncio.gather(
        *(bank.call(f"{DEBITS}.create", asked) for _ in range(12)), return_exceptions=True
    )

    refused = [each for each in answers if isinstance(each, BaseException)]
    assert {type(each).__name__ for each in refused} <= {"MandateEnded", "MandateLimitExceeded"}
    assert (len(refused), await bank.balance(payee)) == (7, "100.00")
