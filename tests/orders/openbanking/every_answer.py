"""One call of every operation, with what it was asked and what it answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.orders.openbanking.open_bank import (
    OpenBank,
    a_payment,
    account_of,
    consent_body,
    limits_body,
    payment_body,
    recurring_body,
)

from bankside.bank.beneficiaries import NewBeneficiary, keep_beneficiary
from bankside.bank.standing_orders import NewStandingOrder, set_up
from bankside.kernel.call import Answer
from bankside.kernel.clock import booking_date
from bankside.kernel.db import transaction
from bankside.kernel.money import Money

PERMISSIONS = [
    "ReadAccountsDetail",
    "ReadBalances",
    "ReadBeneficiariesDetail",
    "ReadParty",
    "ReadPartyPSU",
    "ReadStandingOrdersDetail",
    "ReadStatementsDetail",
    "ReadTransactionsCredits",
    "ReadTransactionsDebits",
    "ReadTransactionsDetail",
]


@dataclass(frozen=True, slots=True)
class Said:
    """One call: its operation (without ``open-banking.``), its body and its answer."""

    name: str
    asked: Mapping[str, Any] | None
    answer: Answer


class Recorder:
    """Calls the bank and keeps what was said."""

    def __init__(self, ob: OpenBank) -> None:
        self.ob = ob
        self.said: list[Said] = []

    async def call(self, name: str, body: Mapping[str, Any] | None = None, **more: Any) -> Any:
        answer = await self.ob.call(name, body, **more)
        self.said.append(Said(name, body, answer))
        return answer.body["Data"] if isinstance(answer.body, Mapping) else None


async def every_answer(ob: OpenBank) -> list[Said]:
    """Every operation at least once."""
    told = Recorder(ob)
    payer, payee = await ob.bank.account("500.00"), await ob.bank.account("1.00")
    async with transaction(ob.bank.pool) as db:
        kept = NewBeneficiary(account=payer.id, name="林", creditor_account=payee.number)
        await keep_beneficiary(db, ob.bank.clock, ob.bank.partner, kept)
        day = booking_date(ob.bank.clock)
        order = NewStandingOrder(
            account=payer.id,
            payee_account=payee.number,
            payee_name="林",
            amount=Money(100, "CNY"),
            frequency="EvryDay",
            first_on=day,
            final_on=day + timedelta(days=9),
        )
        await set_up(db, ob.bank.clock, ob.bank.partner, order)
    await _payments(told, payer, payee)
    await _recurring(told, payer, payee)
    await _funds(told, payer)
    await _accounts(told, payer, payee)
    return told.said


async def _payments(told: Recorder, payer: Any, payee: Any) -> None:
    initiation = a_payment(payee)
    authorisation = {"Authorisation": {"AuthorisationType": "Single"}, "ReadRefundAccount": "Yes"}
    made = await told.call(
        "domestic-payment-consents.create", consent_body(initiation, **authorisation)
    )
    consent = made["ConsentId"]
    await told.call("domestic-payment-consents.query", path=consent)
    grant = await told.ob.say_yes(consent, payer)
    await told.call("domestic-payment-consents.funds", grant=grant, path=consent)
    paid = await told.call(
        "domestic-payments.create", payment_body(consent, initiation), grant=grant
    )
    for name in ("domestic-payments.query", "domestic-payments.details"):
        await told.call(name, path=paid["DomesticPaymentId"])
    await told.call("domestic-payment-consents.query", path=consent)


async def _recurring(told: Recorder, payer: Any, payee: Any) -> None:
    made = await told.call(
        "domestic-vrp-consents.create", limits_body(payee, ("Day", "Calendar", "20.00"))
    )
    consent = made["ConsentId"]
    grant = await told.ob.say_yes(consent, payer)
    await told.call("domestic-vrp-consents.query", path=consent)
    money = {"Amount": "1.00", "Currency": "CNY"}
    question = {"Data": {"ConsentId": consent, "Reference": "R", "InstructedAmount": money}}
    await told.call("domestic-vrp-consents.funds", question, grant=grant, path=consent)
    paid = await told.call("domestic-vrps.create", recurring_body(consent, payee, "1"), grant=grant)
    for name in ("domestic-vrps.query", "domestic-vrps.details"):
        await told.call(name, path=paid["DomesticVRPId"])
    await told.call("domestic-vrp-consents.revoke", path=consent)


async def _funds(told: Recorder, payer: Any) -> None:
    body = {"Data": {"DebtorAccount": account_of(payer)}}
    made = await told.call("funds-confirmation-consents.create", body)
    consent = made["ConsentId"]
    grant = await told.ob.say_yes(consent, payer)
    money = {"Amount": "1.00", "Currency": "CNY"}
    question = {"Data": {"ConsentId": consent, "Reference": "R", "InstructedAmount": money}}
    await told.call("funds-confirmations.create", question, grant=grant)
    await told.call("funds-confirmation-consents.query", path=consent)
    await told.call("funds-confirmation-consents.revoke", path=consent)


async def _accounts(told: Recorder, payer: Any, payee: Any) -> None:
    data = {"Permissions": PERMISSIONS, "TransactionFromDateTime": "2020-01-01T00:00:00Z"}
    made = await told.call("account-access-consents.create", {"Data": data, "Risk": {}})
    consent = made["ConsentId"]
    await told.call("account-access-consents.query", path=consent)
    # A month is over, so that there is a statement.
    told.ob.bank.clock.advance(timedelta(days=35))
    made = await told.call("account-access-consents.create", {"Data": data, "Risk": {}})
    consent = made["ConsentId"]
    grant = await told.ob.say_yes(consent, payer, payee)
    for name in (
        "accounts.list",
        "balances.list",
        "transactions.list",
        "beneficiaries.list",
        "standing-orders.list",
        "statements.list",
        "party.query",
    ):
        await told.call(name, grant=grant)
    for name in (
        "accounts.query",
        "account-balances.list",
        "account-transactions.list",
        "account-beneficiaries.list",
        "account-standing-orders.list",
        "account-statements.list",
        "account-party.query",
    ):
        await told.call(name, grant=grant, path=payer.id)
    await told.call("account-access-consents.revoke", path=consent)
