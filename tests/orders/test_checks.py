"""Checks: real check digits, the bank's own registers and list, and an authority that is acted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank

from bankside.bank.customers import customer
from bankside.bank.registers import is_iban, is_luhn
from bankside.kernel.errors import BanksideError
from bankside.orders import scoring

IDENTITY, CODES = "identity.identity-verifications", "identity.sms-codes"
LISTS, CARDS = "identity.watchlist-screenings", "identity.card-verifications"


async def _number(bank: LittleBank) -> str:
    await bank.account()
    assert bank.customer is not None
    async with bank.pool.acquire() as db:
        found = await customer(db, bank.partner, bank.customer)
    assert found.resident_id is not None
    return found.resident_id


def _wrong_check(number: str) -> str:
    return number[:17] + ("1" if number[17] != "1" else "2")


async def test_the_number_on_file_passes_and_any_other_fails(bank: LittleBank) -> None:
    number = await _number(bank)
    mistyped = _wrong_check(number)
    cases = {
        number: [],
        mistyped: ["resident_id.invalid"],
        "11010519491231002X": ["number.different"],
    }
    for given_number, reasons in cases.items():
        asked = {"subject": bank.customer, "document_no": given_number}
        shown = await bank.shown(f"{IDENTITY}.create", asked)
        check = shown["result"]["verify"]["identity"]
        assert (shown["status"], check["reasons"]) == ("failed" if reasons else "passed", reasons)
        assert (check["source"], check["simulated"]) == ("bank", False)


async def test_a_name_that_is_not_the_holder_s_fails(bank: LittleBank) -> None:
    asked = {"subject": None, "document_no": await _number(bank), "name": "王二"}
    asked["subject"] = bank.customer

    shown = await bank.shown(f"{IDENTITY}.create", asked)

    assert shown["result"]["verify"]["identity"]["reasons"] == ["name.different"]


async def test_our_own_card_is_known_and_another_bank_s_is_acted(bank: LittleBank) -> None:
    account = await bank.account()
    cases = {
        account.number: ("passed", "bank"),
        "6222021234567890123": ("failed", "bank"),
        "4111111111111111": ("failed", "sandbox"),
        "5555555555554444": ("passed", "sandbox"),
    }
    for number, (status, source) in cases.items():
        asked = {"subject": bank.customer, "card_no": number}
        shown = await bank.shown(f"{CARDS}.create", asked)
        check = shown["result"]["verify"]["identity"]
        assert (shown["status"], check["source"]) == (status, source), number
        assert check["simulated"] is (source == "sandbox")


async def test_an_authority_that_does_not_answer_leaves_nothing_behind(bank: LittleBank) -> None:
    await bank.account()

    with pytest.raises(BanksideError) as refused:
        await bank.call(
            "supplychain.trade-checks.create",
            {"subject": bank.customer, "document_no": "PAPER-9999"},
        )

    assert refused.value.code == "verification.unavailable"
    listed = await bank.shown("supplychain.trade-checks.list")
    assert listed["items"] == []


async def test_outside_the_sandbox_nothing_is_acted(bank: LittleBank) -> None:
    await bank.account()
    bank.environment = "live"

    with pytest.raises(BanksideError) as refused:
        await bank.call(
            "supplychain.trade-checks.create", {"subject": bank.customer, "document_no": "PAPER-1"}
        )

    assert refused.value.code == "verification.unavailable"


async def test_a_listed_name_is_found_whatever_its_spelling(bank: LittleBank) -> None:
    for name, status in (("ＳＡＮＤＢＯＸ  Listed-Party", "failed"), ("Begonia Kitchen", "passed")):
        shown = await bank.shown(f"{LISTS}.create", {"name": name})
        assert shown["status"] == status


async def test_a_code_is_right_once_within_three_tries_and_five_minutes(bank: LittleBank) -> None:
    await bank.account()
    asked = {"subject": bank.customer, "mobile": "13800000000"}
    sent = await bank.shown(f"{CODES}.create", asked)
    code = sent["result"]["code"]["sandbox_code"]
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    first = await bank.shown(f"{CODES}.verifications", {"code": wrong}, path=sent["id"])
    second = await bank.shown(f"{CODES}.verifications", {"code": code}, path=sent["id"])

    assert (first["state"], first["status"]) == ("waiting", "failed")
    assert (second["state"], second["status"]) == ("completed", "passed")
    with pytest.raises(BanksideError):
        await bank.call(f"{CODES}.verifications", {"code": code}, path=sent["id"])


async def test_a_code_is_used_by_one_order_only(bank: LittleBank) -> None:
    await bank.account()
    asked = {"subject": bank.customer, "mobile": "13800000000"}
    sent = await bank.shown(f"{CODES}.create", asked)
    consent = {
        "party": bank.customer,
        "purpose": "rating",
        "code_id": sent["id"],
        "code": sent["result"]["code"]["sandbox_code"],
    }
    await bank.call("identity.consents.create", consent)

    with pytest.raises(BanksideError) as refused:
        await bank.call("identity.consents.create", {**consent, "purpose": "other"})

    assert refused.value.code == "verification.code_wrong"


async def test_a_code_cannot_be_tried_out_by_other_orders(bank: LittleBank) -> None:
    await bank.account()
    asked = {"subject": bank.customer, "mobile": "13800000000"}
    sent = await bank.shown(f"{CODES}.create", asked)
    code = sent["result"]["code"]["sandbox_code"]
    consent = {"party": bank.customer, "purpose": "rating", "code_id": sent["id"]}
    for wrong in range(1, 4):
        guess = f"{(int(code) + wrong) % 10**6:06d}"
        with pytest.raises(BanksideError):
            await bank.call("identity.consents.create", {**consent, "code": guess})

    with pytest.raises(BanksideError) as refused:
        await bank.call("identity.consents.create", {**consent, "code": code})

    assert refused.value.extra["reasons"] == ["code.attempts"]


async def test_a_questionnaire_has_its_grade(bank: LittleBank) -> None:
    await bank.account()
    for answers, grade in (([0, 1], "C1"), ([5, 5, 6], "C3"), ([10, 10], "C5")):
        asked = {"subject": bank.customer, "answers": answers}
        shown = await bank.shown("wealth.risk-assessments.create", asked)
        assert shown["result"]["verify"]["risk"]["grade"] == grade


async def test_a_score_needs_a_consent_of_its_subject_for_its_purpose(bank: LittleBank) -> None:
    await bank.account("500.00")
    agreed = {"party": bank.customer, "purpose": "rating", "code": "123456", "until": "2026-03-31"}
    consent = (await bank.shown("identity.consents.create", agreed))["id"]
    asked = {"subject": bank.customer, "consent_id": consent, "purpose": "rating"}

    shown = await bank.shown("data.credit-ratings.create", asked)
    score = shown["result"]["score"]
    assert 300 <= score["score"] <= 850 and score["reasons"] and score["calibrated"] is False
    with pytest.raises(BanksideError) as other:
        await bank.call("data.credit-ratings.create", {**asked, "purpose": "marketing"})
    await bank.call("identity.consents.revoke", {}, path=consent)
    with pytest.raises(BanksideError) as revoked:
        await bank.call("data.credit-ratings.create", asked)

    assert (other.value.code, revoked.value.code) == ("data.consent_missing",) * 2


@given(st.integers(0, 10**18 - 1))
def test_one_wrong_digit_of_a_card_number_is_always_found(number: int) -> None:
    digits = f"{number:018d}"
    (good,) = [digits + str(each) for each in range(10) if is_luhn(digits + str(each))]

    for place in range(19):
        wrong = good[:place] + str((int(good[place]) + 1) % 10) + good[place + 1 :]
        assert not is_luhn(wrong)


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("GB82 WEST 1234 5698 7654 32", True),
        ("DE89370400440532013000", True),
        ("DE89370400440532013001", False),
        ("DE8937040044053201300", False),
        ("", False),
    ],
)
def test_an_iban_has_its_length_and_check_digits(text: str, right: bool) -> None:
    assert is_iban(text) is right


@given(
    st.builds(
        scoring.Facts,
        *(st.integers(0, n) for n in (20, 9_000, 10**12, 10**12, 10**12, 5_000)),
        frozen=st.integers(0, 5),
    )
)
def test_scores_stay_in_their_range_and_frozen_accounts_never_help(facts: scoring.Facts) -> None:
    good, bad = scoring.credit(facts), scoring.fraud(facts)

    assert 300 <= good["score"] <= 850 and 0 <= bad["score"] <= 100
    free = scoring.Facts(
        facts.accounts, facts.age_days, facts.balance, facts.credits, facts.debits, facts.entries
    )
    assert scoring.credit(free)["score"] >= good["score"]
    assert scoring.fraud(free)["score"] <= bad["score"]
