"""Payments again and again: within every limit, to one payee, whatever races."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.openbanking.open_bank import (
    OpenBank,
    account_of,
    limits_body,
    recurring_body,
)

from bankside.bank.accounts import Account
from bankside.identity.consents import (
    Alignment,
    ConsentNotActive,
    ConsentUnknown,
    LimitOfConsentExceeded,
    PeriodLimit,
    PeriodType,
)
from bankside.identity.consents.periods import period_at
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders.openbanking.errors import ConsentMismatch, FieldsInvalid, ResourceUnknown


async def agreed(
    ob: OpenBank, payer: Account, payee: Account, *limits: tuple[str, str, str], most: str = "50.00"
) -> tuple[str, str]:
    """A consent the customer said yes to: (consent, grant)."""
    body = limits_body(payee, *limits, most=most)
    made = await ob.data("domestic-vrp-consents.create", body)
    return made["ConsentId"], await ob.say_yes(made["ConsentId"], payer)


async def test_payments_go_on_within_the_limits_and_stop_at_them(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("1000.00"), await ob.bank.account()
    consent, grant = await agreed(
        ob, payer, payee, ("Day", "Calendar", "60.00"), ("Month", "Consent", "100.00")
    )

    async def pay(amount: str) -> Any:
        body = recurring_body(consent, payee, amount)
        return await ob.data("domestic-vrps.create", body, grant=grant)

    first = await pay("50.00")
    with pytest.raises(LimitOfConsentExceeded):
        await pay("50.01")
    with pytest.raises(LimitOfConsentExceeded) as day:
        await pay("10.01")
    await pay("10.00")
    ob.bank.clock.advance(timedelta(days=1))
    await pay("40.00")
    with pytest.raises(LimitOfConsentExceeded) as month:
        await pay("0.01")
    read = await ob.data("domestic-vrps.query", path=first["DomesticVRPId"])
    left = await ob.data("domestic-vrp-consents.query", path=consent)

    assert first["Status"] == "AcceptedSettlementCompleted"
    assert read == first
    assert left["Status"] == "Authorised"
    assert day.value.uk_code == "UK.OBIE.Rules.FailsControlParameters"
    assert "10.00 CNY" in day.value.detail
    assert "0.00 CNY" in month.value.detail
    assert await ob.bank.balance(payee) == "100.00"


async def test_twenty_payments_at_once_never_exceed_the_period(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("1000.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, payee, ("Week", "Calendar", "100.00"), most="15.00")
    # A second process: its own desk, so that nothing but the database keeps order between them.
    beside = await OpenBank.open(ob.bank.pool, ob.bank.books, ob.bank.clock)
    beside.bank.partner, beside.client = ob.bank.partner, ob.client
    beside.bank.customer = ob.bank.customer

    async def one(at: OpenBank, number: int) -> str:
        body = recurring_body(consent, payee, "15.00", number=f"V{number}")
        try:
            answer = await at.call("domestic-vrps.create", body, grant=grant, key=f"k{number}")
        except BanksideError as error:
            return error.code
        return str(answer.status)

    # Monday: the first calendar week is a whole one.
    outcomes = await asyncio.gather(
        *(one(ob if number % 2 else beside, number) for number in range(20))
    )

    assert outcomes.count("201") == 6
    assert set(outcomes) == {"201", "consent.limit_exceeded"}
    assert await ob.bank.balance(payee) == "90.00"


async def test_a_refused_payment_counts_for_nothing(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("5.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))

    with pytest.raises(BanksideError):
        body = recurring_body(consent, payee, "10.00")
        await ob.call("domestic-vrps.create", body, grant=grant)
    body = recurring_body(consent, payee, "5.00")
    paid = await ob.data("domestic-vrps.create", body, grant=grant)

    assert paid["Status"] == "AcceptedSettlementCompleted"


async def test_nobody_else_is_paid_and_nothing_else_said(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee, other = [await ob.bank.account("100.00") for _ in range(3)]
    consent, grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))
    to_other = recurring_body(consent, payee, "1.00")
    to_other["Data"]["Instruction"]["CreditorAccount"] = account_of(other)
    initiated = recurring_body(consent, other, "1.00")
    risky = recurring_body(consent, payee, "1.00") | {"Risk": {}}
    kind = recurring_body(consent, payee, "1.00")
    kind["Data"]["VRPType"] = "UK.OBIE.VRPType.Other"

    for body in (to_other, initiated, risky, kind):
        with pytest.raises(ConsentMismatch):
            await ob.call("domestic-vrps.create", body, grant=grant)

    assert await ob.bank.balance(payer) == "100.00"


async def test_a_consent_given_back_or_taken_back_pays_no_more(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    given, given_grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))
    taken, taken_grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))

    gone = await ob.call("domestic-vrp-consents.revoke", path=given)
    await ob.take_back(taken)

    assert gone.status == 204
    for consent, grant in ((given, given_grant), (taken, taken_grant)):
        with pytest.raises(ConsentNotActive):
            body = recurring_body(consent, payee, "1.00")
            await ob.call("domestic-vrps.create", body, grant=grant)
        assert (await ob.data("domestic-vrp-consents.query", path=consent))["Status"] == "Revoked"


async def test_funds_are_confirmed_without_telling_the_balance(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("20.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))

    async def asked(amount: str, named: str = consent) -> Any:
        money = {"Amount": amount, "Currency": "CNY"}
        body = {"Data": {"ConsentId": named, "Reference": "R", "InstructedAmount": money}}
        told = await ob.data("domestic-vrp-consents.funds", body, grant=grant, path=consent)
        return told["FundsAvailableResult"]["FundsAvailable"]

    assert await asked("20.00") == "Available"
    assert await asked("20.01") == "NotAvailable"
    with pytest.raises(ConsentMismatch):
        await asked("1.00", "cns_other")


async def test_a_consent_is_not_used_before_it_begins(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    body = limits_body(payee, ("Day", "Consent", "10.00"))
    begins = ob.bank.clock.now() + timedelta(days=2)
    body["Data"]["ControlParameters"]["ValidFromDateTime"] = begins.isoformat()
    made = await ob.data("domestic-vrp-consents.create", body)
    grant = await ob.say_yes(made["ConsentId"], payer)
    payment = recurring_body(made["ConsentId"], payee, "1.00")

    with pytest.raises(ConsentNotActive):
        await ob.call("domestic-vrps.create", payment, grant=grant)
    ob.bank.clock.advance(timedelta(days=2))
    paid = await ob.data("domestic-vrps.create", payment, grant=grant)

    assert paid["Status"] == "AcceptedSettlementCompleted"


@pytest.mark.parametrize(
    "limits",
    [
        [("Day", "Calendar", "0.00")],
        [("Day", "Calendar", "1.00"), ("Day", "Calendar", "2.00")],
        [("Hour", "Calendar", "1.00")],
        [],
    ],
)
async def test_limits_that_cannot_be_are_refused(
    open_bank: OpenBank, limits: list[tuple[str, str, str]]
) -> None:
    payee = await open_bank.bank.account()

    with pytest.raises(BanksideError) as refused:
        await open_bank.call("domestic-vrp-consents.create", limits_body(payee, *limits))

    assert refused.value.status == 422
    assert isinstance(refused.value, FieldsInvalid) or refused.value.code == "consent.invalid"


async def test_nobody_sees_anothers_recurring_consent(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, payee, ("Day", "Calendar", "10.00"))
    body = recurring_body(consent, payee, "1.00")
    paid = await ob.data("domestic-vrps.create", body, grant=grant)
    ob.client = ob.neighbour

    for name in ("domestic-vrp-consents.query", "domestic-vrp-consents.revoke"):
        with pytest.raises(ConsentUnknown):
            await ob.call(name, path=consent)
    with pytest.raises(ConsentUnknown):
        await ob.call("domestic-vrps.create", body, grant=grant)
    with pytest.raises(ResourceUnknown):
        await ob.call("domestic-vrps.query", path=paid["DomesticVRPId"])


def begun(text: str) -> datetime:
    """A Beijing morning."""
    return datetime.fromisoformat(f"{text}T09:00:00+08:00")


@pytest.mark.parametrize(
    ("limit", "since", "at", "starts", "ends", "ceiling"),
    [
        ("Day Calendar", "2026-03-02", "2026-03-02", "2026-03-02", "2026-03-03", 3000),
        ("Week Calendar", "2026-03-02", "2026-03-08", "2026-03-02", "2026-03-09", 3000),
        ("Week Consent", "2026-03-04", "2026-03-12", "2026-03-11", "2026-03-18", 3000),
        ("Month Calendar", "2026-03-31", "2026-03-31", "2026-03-01", "2026-04-01", 96),
        ("Month Calendar", "2026-03-31", "2026-04-02", "2026-04-01", "2026-05-01", 3000),
        ("Month Consent", "2026-01-31", "2026-02-28", "2026-02-28", "2026-03-31", 3000),
        ("Month Consent", "2026-01-31", "2026-02-27", "2026-01-31", "2026-02-28", 3000),
        ("Half-year Calendar", "2025-01-01", "2026-07-01", "2026-07-01", "2027-01-01", 3000),
        ("Year Consent", "2024-02-29", "2025-02-28", "2025-02-28", "2026-02-28", 3000),
        ("Fortnight Consent", "2026-03-02", "2026-03-16", "2026-03-16", "2026-03-30", 3000),
    ],
)
def test_periods_are_those_of_the_calendar_or_of_the_consent(
    limit: str, since: str, at: str, starts: str, ends: str, ceiling: int
) -> None:
    period, alignment = limit.split()
    agreed = PeriodLimit(PeriodType(period), Alignment(alignment), Money(3000, "CNY"))

    found = period_at(agreed, begun(since), begun(at))

    assert (found.starts_on, found.ends_on) == (
        date.fromisoformat(starts),
        date.fromisoformat(ends),
    )
    assert found.ceiling == ceiling


@given(
    st.sampled_from(PeriodType),
    st.sampled_from(Alignment),
    st.dates(date(2024, 1, 1), date(2027, 12, 31)),
    st.integers(0, 800),
)
def test_every_day_lies_in_exactly_one_period(
    period: PeriodType, alignment: Alignment, since: date, days: int
) -> None:
    limit = PeriodLimit(period, alignment, Money(100_00, "CNY"))
    start = datetime(since.year, since.month, since.day, 12, tzinfo=UTC)
    at = start + timedelta(days=days)

    found = period_at(limit, start, at)
    before = period_at(limit, start, at - timedelta(days=1))

    day = at.astimezone(UTC).date()
    assert found.starts_on <= day < found.ends_on
    assert before == found or before.ends_on == found.starts_on == day
    assert 0 <= found.ceiling <= 100_00
    assert (found.ceiling == 100_00) == (found.starts_on >= since or alignment != "Calendar")
