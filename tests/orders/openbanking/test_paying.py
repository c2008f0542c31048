"""One payment a consent: exactly the one agreed to, once, whatever races."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.orders.openbanking.open_bank import (
    OpenBank,
    a_payment,
    account_of,
    consent_body,
    payment_body,
)

from bankside.bank.accounts import Account
from bankside.identity.consents import ConsentNotActive, ConsentStatus, ConsentUnknown
from bankside.kernel.errors import BanksideError
from bankside.orders.errors import FundsInsufficient, KeyMissing, KeyReused, OrderNotFound
from bankside.orders.model import Order, State
from bankside.orders.openbanking.errors import (
    AccountIdentifierUnsupported,
    ConsentMismatch,
    CurrencyUnsupported,
    FieldsInvalid,
    InstrumentUnsupported,
    ResourceUnknown,
)
from bankside.orders.openbanking.showing import payment_status

Json = dict[str, Any]


async def agreed(ob: OpenBank, payer: Account, initiation: Json, **change: Any) -> tuple[str, str]:
    """A consent the customer said yes to: (consent, grant)."""
    made = await ob.data("domestic-payment-consents.create", consent_body(initiation, **change))
    return made["ConsentId"], await ob.say_yes(made["ConsentId"], payer)


async def test_a_payment_moves_what_was_agreed_and_uses_the_consent_up(
    open_bank: OpenBank,
) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    initiation = a_payment(payee)
    consent, grant = await agreed(ob, payer, initiation, ReadRefundAccount="Yes")

    enough = await ob.data("domestic-payment-consents.funds", grant=grant, path=consent)
    paid = await ob.call("domestic-payments.create", payment_body(consent, initiation), grant=grant)
    body: Any = paid.body
    number = body["Data"]["DomesticPaymentId"]
    read = await ob.data("domestic-payments.query", path=number)
    details = await ob.data("domestic-payments.details", path=number)
    left = await ob.data("domestic-payment-consents.query", path=consent)

    assert enough["FundsAvailableResult"]["FundsAvailable"] is True
    assert paid.status == 201
    assert body["Data"]["Status"] == "AcceptedSettlementCompleted"
    assert body["Data"]["Refund"]["Account"]["Identification"] == payer.number
    assert body["Links"]["Self"].endswith(f"/pisp/domestic-payments/{number}")
    assert read == body["Data"]
    assert details["PaymentStatus"][0]["Status"] == "AcceptedSettlementCompleted"
    assert left["Status"] == "Consumed"
    assert [await ob.bank.balance(each) for each in (payer, payee)] == ["89.50", "10.50"]


async def test_zeros_at_the_end_are_nothing_and_a_minor_unit_is_all(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee, "10.5"))

    for amount in ("10.51", "10.49", "105", "1.05"):
        with pytest.raises(ConsentMismatch) as refused:
            body = payment_body(consent, a_payment(payee, amount))
            await ob.call("domestic-payments.create", body, grant=grant)
        assert refused.value.errors[0]["pointer"] == "Data.Initiation.InstructedAmount"
    body = payment_body(consent, a_payment(payee, "10.50000"))
    paid = await ob.data("domestic-payments.create", body, grant=grant)

    assert paid["Status"] == "AcceptedSettlementCompleted"
    assert await ob.bank.balance(payer) == "89.50"


@pytest.mark.parametrize(
    "change",
    [
        {"EndToEndIdentification": "E-2"},
        {"InstructionIdentification": "I-2"},
        {"RemittanceInformation": {"Unstructured": "Order 7"}},
        {"RemittanceInformation": {"Unstructured": "Order 8", "Reference": "R7"}},
        {"InstructedAmount": {"Amount": "10.50", "Currency": "USD"}},
        {"CreditorAccount": "other"},
        {"CreditorAccount": "renamed"},
    ],
)
async def test_a_payment_that_was_not_agreed_to_is_refused(
    open_bank: OpenBank, change: Json
) -> None:
    ob = open_bank
    payer, payee, other = [await ob.bank.account("50.00") for _ in range(3)]
    consent, grant = await agreed(ob, payer, a_payment(payee))
    accounts = {"other": account_of(other), "renamed": account_of(payee, "Somebody else")}
    asked = a_payment(payee, **change)
    if "CreditorAccount" in change:
        asked["CreditorAccount"] = accounts[change["CreditorAccount"]]

    with pytest.raises(ConsentMismatch):
        await ob.call("domestic-payments.create", payment_body(consent, asked), grant=grant)
    with pytest.raises(ConsentMismatch):
        body = payment_body(consent, a_payment(payee), risk={})
        await ob.call("domestic-payments.create", body, grant=grant)

    assert await ob.bank.balance(payer) == "50.00"


async def test_twenty_payments_of_one_consent_make_one(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("1000.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    body = payment_body(consent, a_payment(payee))
    # A second process: its own desk, so that nothing but the database keeps order between them.
    beside = await OpenBank.open(ob.bank.pool, ob.bank.books, ob.bank.clock)
    beside.bank.partner, beside.client = ob.bank.partner, ob.client
    beside.bank.customer = ob.bank.customer

    async def one(at: OpenBank, number: int) -> str:
        try:
            answer = await at.call("domestic-payments.create", body, grant=grant, key=f"k{number}")
        except BanksideError as error:
            return error.code
        return str(answer.status)

    outcomes = await asyncio.gather(
        *(one(ob if number % 2 else beside, number) for number in range(20))
    )

    assert outcomes.count("201") == 1
    assert set(outcomes) - {"201"} == {"consent.not_active"}
    assert await ob.bank.balance(payer) == "989.50"


async def test_the_same_key_gives_the_first_answer_and_pays_once(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    body = payment_body(consent, a_payment(payee))

    first = await ob.call("domestic-payments.create", body, grant=grant, key="one")
    again = await ob.call("domestic-payments.create", body, grant=grant, key="one")

    assert (again.status, again.body, again.hit) == (first.status, first.body, True)
    with pytest.raises(KeyReused):
        other = payment_body(consent, a_payment(payee, "10.51"))
        await ob.call("domestic-payments.create", other, grant=grant, key="one")
    with pytest.raises(KeyReused):
        await ob.call("domestic-payments.create", body, grant=grant, psu="cus_other", key="one")
    with pytest.raises(KeyMissing):
        await ob.call("domestic-payments.create", body, grant=grant, key=None)
    with pytest.raises(ConsentNotActive):
        await ob.call("domestic-payments.create", body, grant=grant, key="two")
    assert await ob.bank.balance(payer) == "89.50"


async def test_a_consent_that_runs_out_before_the_payment_pays_nothing(
    open_bank: OpenBank,
) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    ob.bank.clock.advance(timedelta(hours=24))

    for name in ("domestic-payments.create", "domestic-payment-consents.funds"):
        with pytest.raises(ConsentNotActive):
            body = payment_body(consent, a_payment(payee))
            await ob.call(name, body, grant=grant, path=consent)

    assert (await ob.data("domestic-payment-consents.query", path=consent))["Status"] == "Rejected"
    assert await ob.bank.balance(payer) == "100.00"


async def test_a_consent_taken_back_pays_nothing(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    await ob.take_back(consent)

    with pytest.raises(ConsentNotActive):
        body = payment_body(consent, a_payment(payee))
        await ob.call("domestic-payments.create", body, grant=grant)

    assert await ob.bank.balance(payer) == "100.00"


async def test_revoking_and_paying_at_once_is_one_of_both(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("1000.00"), await ob.bank.account()
    before = 1000_00
    for _ in range(5):
        consent, grant = await agreed(ob, payer, a_payment(payee))
        body = payment_body(consent, a_payment(payee))
        results = await asyncio.gather(
            ob.call("domestic-payments.create", body, grant=grant),
            ob.take_back(consent),
            return_exceptions=True,
        )
        (left,) = await ob.bank.money(payer.ledger_account)
        status = (await ob.consent(consent)).status
        paid = left == before - 10_50
        before = left
        assert sum(isinstance(each, BanksideError) for each in results) == 1
        assert status is (ConsentStatus.CONSUMED if paid else ConsentStatus.REVOKED)


async def test_an_account_without_cover_pays_nothing_and_keeps_the_consent(
    open_bank: OpenBank,
) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("10.49"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    body = payment_body(consent, a_payment(payee))

    enough = await ob.data("domestic-payment-consents.funds", grant=grant, path=consent)
    for _ in range(2):
        with pytest.raises(FundsInsufficient):
            await ob.call("domestic-payments.create", body, grant=grant, key="poor")

    assert enough["FundsAvailableResult"]["FundsAvailable"] is False
    assert (await ob.consent(consent)).status is ConsentStatus.AUTHORISED
    assert await ob.bank.balance(payer) == "10.49"


async def test_only_the_account_the_client_named_can_be_chosen(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, other, payee = [await ob.bank.account("50.00") for _ in range(3)]
    named = {key: value for key, value in account_of(payer).items() if key != "Name"}
    initiation = a_payment(payee, DebtorAccount=named)
    made = await ob.data("domestic-payment-consents.create", consent_body(initiation))

    with pytest.raises(BanksideError) as refused:
        await ob.say_yes(made["ConsentId"], other)
    grant = await ob.say_yes(made["ConsentId"], payer)
    body = payment_body(made["ConsentId"], initiation)
    await ob.call("domestic-payments.create", body, grant=grant)

    assert refused.value.code == "consent.accounts_invalid"
    assert await ob.bank.balance(payer) == "39.50"


async def test_what_this_bank_cannot_pay_is_refused_before_anybody_agrees(
    open_bank: OpenBank,
) -> None:
    ob = open_bank
    payee, dollars = await ob.bank.account(), await ob.bank.account(currency="USD")
    iban = {"SchemeName": "UK.OBIE.IBAN", "Identification": "GB29NWBK60161331926819", "Name": "X"}
    unknown = account_of(payee) | {"Identification": "9001010000000000000"}
    cases: list[tuple[type[BanksideError], Json]] = [
        (AccountIdentifierUnsupported, a_payment(payee, CreditorAccount=iban)),
        (AccountIdentifierUnsupported, a_payment(payee, CreditorAccount=unknown)),
        (CurrencyUnsupported, a_payment(dollars)),
        (InstrumentUnsupported, a_payment(payee, LocalInstrument="UK.OBIE.FPS")),
        (FieldsInvalid, a_payment(payee, "0.00")),
        (FieldsInvalid, a_payment(payee, "10.501")),
        (FieldsInvalid, a_payment(payee, "1e3")),
        (FieldsInvalid, a_payment(payee, "-1.00")),
        (FieldsInvalid, a_payment(payee, EndToEndIdentification="E\u0000")),
        (FieldsInvalid, a_payment(payee, EndToEndIdentification="E" * 36)),
        (FieldsInvalid, a_payment(payee, Surprise=1)),
    ]

    for expected, initiation in cases:
        with pytest.raises(expected) as refused:
            await ob.call("domestic-payment-consents.create", consent_body(initiation))
        assert refused.value.errors[0]["pointer"].startswith("Data.Initiation")
    with pytest.raises(KeyMissing):
        await ob.call("domestic-payment-consents.create", consent_body(a_payment(payee)), key=None)


async def test_a_consent_asked_for_twice_with_one_key_is_one(open_bank: OpenBank) -> None:
    ob = open_bank
    payee = await ob.bank.account()
    body = consent_body(a_payment(payee))

    made = await asyncio.gather(
        *(ob.call("domestic-payment-consents.create", body, key="same") for _ in range(5))
    )

    assert len({str(each.body) for each in made}) == 1
    assert sum(each.hit for each in made) == 4


async def test_nobody_sees_or_uses_anothers_consent_or_payment(open_bank: OpenBank) -> None:
    ob = open_bank
    payer, payee = await ob.bank.account("100.00"), await ob.bank.account()
    consent, grant = await agreed(ob, payer, a_payment(payee))
    second, other_grant = await agreed(ob, payer, a_payment(payee))
    body = payment_body(consent, a_payment(payee))

    for wrong in (other_grant, None, "grt_x"):
        with pytest.raises(ConsentUnknown):
            await ob.call("domestic-payments.create", body, grant=wrong)
    with pytest.raises(ConsentUnknown):
        await ob.call("domestic-payments.create", body, grant=grant, psu="cus_other")
    paid = await ob.data("domestic-payments.create", body, grant=grant)
    with pytest.raises(ResourceUnknown):
        await ob.call("domestic-vrps.query", path=paid["DomesticPaymentId"])
    owner, ob.client = ob.client, ob.neighbour
    with pytest.raises(ConsentUnknown):
        await ob.call("domestic-payment-consents.query", path=second)
    with pytest.raises(ConsentUnknown):
        other = payment_body(second, a_payment(payee))
        await ob.call("domestic-payments.create", other, grant=other_grant)
    for name in ("domestic-payments.query", "domestic-payments.details"):
        with pytest.raises(ResourceUnknown):
            await ob.call(name, path=paid["DomesticPaymentId"])
    ob.client = owner
    ob.bank.partner += "x"
    for name, number in (
        ("domestic-payment-consents.query", second),
        ("domestic-payments.query", paid["DomesticPaymentId"]),
    ):
        with pytest.raises((ConsentUnknown, ResourceUnknown, OrderNotFound)):
            await ob.call(name, path=number)


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (State.COMPLETED, "AcceptedSettlementCompleted"),
        (State.REFUSED, "Rejected"),
        (State.COMPENSATED, "Rejected"),
        (State.RECONCILING, "Pending"),
        (State.RUNNING, "Pending"),
        (State.WAITING, "Pending"),
        (State.COMPENSATING, "Pending"),
    ],
)
def test_only_what_is_known_to_have_failed_is_rejected(state: State, told: str) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    order = Order(
        partner="prt_a",
        id="ord_1",
        tenant=None,
        app="app_1",
        product="open-banking",
        family="transfer",
        state=state,
        plan=(),
        scope="",
        content_hash=b"",
        subject="acc_1",
        currency="CNY",
        amount=1,
        created_at=at,
        updated_at=at,
    )

    assert payment_status(order) == told
