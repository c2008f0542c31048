"""Policies: the premium is the quoted one, claims stay within the cover, surrender is pro rata."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account
from bankside.bank.merchants import Merchant
from bankside.bank.registers import COVERS, premium, unearned
from bankside.kernel.errors import BanksideError

POLICIES, CLAIMS = "insurance.insurance-policies", "insurance.insurance-claims"
SURRENDERS, QUOTES = "insurance.policy-surrenders", "insurance.insurance-quotes"
COVER = {
    "product_code": "ACCIDENT-1",
    "cover": cny("10000.00"),
    "from_on": "2026-03-02",
    "to_on": "2027-03-01",
}


async def _policy(
    bank: LittleBank, insurer: Merchant, payer: Account, amount: str = "30.00"
) -> dict[str, Any]:
    asked = {
        "insured": bank.customer,
        "merchant": insurer.id,
        "account": payer.id,
        "amount": cny(amount),
        **COVER,
    }
    return await bank.shown(f"{POLICIES}.create", asked)


async def _sold(bank: LittleBank) -> tuple[str, Merchant, Account]:
    insurer, payer = await bank.merchant(fee_rate_bp=0), await bank.account("100.00")
    policy = await _policy(bank, insurer, payer)
    await bank.orders.end_of_day(bank.clock.now().date())
    return policy["id"], insurer, payer


def _claim(policy: str, amount: str, **more: Any) -> dict[str, Any]:
    return {
        "policy": policy,
        "amount": cny(amount),
        "incident_on": "2026-03-02",
        "document_no": "REPORT-1",
        **more,
    }


async def test_a_policy_is_sold_at_the_quoted_premium_only(bank: LittleBank) -> None:
    insurer, payer = await bank.merchant(), await bank.account("100.00")
    quote = await bank.shown(f"{QUOTES}.create", {"subject": bank.customer, **COVER})
    assert quote["result"]["score"]["premium"] == cny("30.00")

    with pytest.raises(BanksideError) as refused:
        await _policy(bank, insurer, payer, "29.99")
    sold = await _policy(bank, insurer, payer)

    assert refused.value.code == "policy.premium_mismatch"
    assert (sold["status"], await bank.balance(payer)) == ("paid", "70.00")


async def test_a_claim_is_paid_from_the_insurer_to_the_insured(bank: LittleBank) -> None:
    policy, insurer, payer = await _sold(bank)

    claim = await bank.shown(f"{CLAIMS}.create", _claim(policy, "20.00"))
    await bank.orders.resume(claim["id"], partner=bank.partner)

    shown = await bank.shown(f"{CLAIMS}.query", path=claim["id"])
    assert (shown["state"], shown["parent"], shown["paid"]) == ("completed", policy, cny("20.00"))
    assert await bank.money(payer.ledger_account, insurer.settlement_ledger_account) == [
        9_000,
        1_000,
    ]


async def test_claims_together_never_exceed_the_cover(bank: LittleBank) -> None:
    policy, _, _ = await _sold(bank)
    await bank.call(f"{CLAIMS}.create", _claim(policy, "20.00"))
    body = _claim(policy, "9980.01")
    del body["policy"]

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{POLICIES}.claims", body, path=policy)

    assert refused.value.code == "policy.claim_exceeds_cover"


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-03"])
async def test_what_happened_outside_the_period_or_in_the_future_is_not_covered(
    bank: LittleBank, day: str
) -> None:
    policy, _, _ = await _sold(bank)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{CLAIMS}.create", _claim(policy, "1.00", incident_on=day))

    assert refused.value.code == "policy.cover_refused"


async def test_a_surrender_gives_back_the_days_that_are_left(bank: LittleBank) -> None:
    policy, insurer, payer = await _sold(bank)
    bank.clock.advance(timedelta(days=64))

    shown = await bank.shown(f"{SURRENDERS}.create", {"policy": policy})

    # Day 65 of 365 has begun: 300 days of 30.00 are left, 24.66 (half-up).
    assert shown["paid"] == cny("24.66")
    assert await bank.money(payer.ledger_account, insurer.settlement_ledger_account) == [9_466, 534]
    for operation, body in (
        (f"{SURRENDERS}.create", {"policy": policy}),
        (f"{CLAIMS}.create", _claim(policy, "1.00")),
    ):
        with pytest.raises(BanksideError) as refused:
            await bank.call(operation, body)
        assert refused.value.code == "contract.not_active"


async def test_a_retried_claim_is_one_claim(bank: LittleBank) -> None:
    policy, _, _ = await _sold(bank)
    asked = _claim(policy, "5.00", reference="CLAIM-1")

    first = await bank.call(f"{CLAIMS}.create", asked)
    again = await bank.call(f"{CLAIMS}.create", asked)

    assert again.hit and again.body["id"] == first.body["id"]
    shown = await bank.shown(f"{POLICIES}.query", path=policy)
    assert shown["result"]["policy"]["claimed"] == cny("5.00")


@given(st.integers(1, 10**12), st.sampled_from(sorted(COVERS)), st.integers(1, 366))
def test_premiums_grow_with_the_days_and_what_is_unearned_never_exceeds_them(
    cover: int, code: str, days: int
) -> None:
    whole = premium(cover, COVERS[code], days)

    assert whole >= 1 and whole <= premium(cover, COVERS[code], days + 1)
    assert unearned(whole, days, days) == whole and unearned(whole, days, 0) == 0
    assert all(0 <= unearned(whole, days, left) <= whole for left in range(days + 1))
