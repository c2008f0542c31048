"""Products of the shelf under a customer's consent: exactly its accounts, exactly its payment."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.identity.builders import asks_access, asks_payment, awaiting, yes
from tests.orders.little_bank import LittleBank, cny, operation

from bankside.bank.accounts import Account, AccountNotFound
from bankside.catalog import load
from bankside.identity.assertions import ProofUsed
from bankside.identity.consents import (
    Consent,
    ConsentNotActive,
    ConsentNotEnough,
    ConsentUnknown,
    PaymentDiffers,
    PaymentTerms,
    Permission,
    authorise_consent,
    consent,
    revoke_consent,
)
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.db import transaction
from bankside.kernel.money import Money
from bankside.orders.consented import NEEDS
from bankside.orders.errors import AccountUnknown

BALANCE = "account.account-balances.query"
BALANCES = "account.account-balances.list"
TRANSACTIONS = "account.account-transactions.list"
TRANSFER = "payment.internal-transfers.create"
ENTRIES = frozenset(
    {
        Permission.TRANSACTIONS_DETAIL,
        Permission.TRANSACTIONS_CREDITS,
        Permission.TRANSACTIONS_DEBITS,
    }
)


@dataclass
class Customer:
    """A customer of the little bank with two accounts, and what it agreed to."""

    bank: LittleBank
    chosen: Account
    other: Account

    async def agrees(self, asked: Any, *, grant: str | None = None) -> Consent:
        """A consent on the chosen account."""
        bank = self.bank
        assert bank.customer is not None
        async with transaction(bank.pool) as db:
            waiting, request = await awaiting(db, bank.clock, asked)
            said = replace(yes(request, bank.customer, self.chosen), grant=grant)
            return await authorise_consent(db, bank.clock, bank.partner, waiting.id, said)

    async def opens(self, *permissions: Permission, **more: Any) -> Consent:
        """Access to the chosen account."""
        grant = more.pop("grant", None)
        given = frozenset(permissions or {Permission.BALANCES})
        asked = asks_access(
            self.bank.partner, client=self.bank.caller().app, permissions=given, **more
        )
        return await self.agrees(asked, grant=grant)

    async def agrees_to_pay(self, payee: Account, amount: str = "12.30") -> Consent:
        """One payment from the chosen account."""
        terms = PaymentTerms(
            amount=Money.parse(amount, "CNY"),
            creditor_name="Merchant A",
            creditor_account=f"number {payee.number}",
            remittance_information="Order 7",
        )
        asked = asks_payment(self.bank.partner, client=self.bank.caller().app)
        return await self.agrees(replace(asked, payment=terms))

    async def call(
        self,
        operation_id: str,
        body: Any = None,
        *,
        path: str | None = None,
        key: str | None = None,
        query: Any = None,
        **who: Any,
    ) -> Answer:
        """A call whose caller is changed by ``who``."""
        caller: Caller = msgspec.structs.replace(self.bank.caller(), **who)
        answer = self.bank.orders.handle(
            Call(
                operation=operation(operation_id),
                caller=caller,
                path={"id": path} if path else {},
                query=query or {},
                body=body or {},
                idempotency_key=key,
            )
        )
        return answer if isinstance(answer, Answer) else await answer


@pytest.fixture
async def customer(bank: LittleBank) -> Customer:
    return Customer(bank, await bank.account("100.00"), await bank.account("50.00"))


def test_every_operation_that_takes_a_consent_says_which_permissions_it_needs() -> None:
    either = {each.id for each in load().operations.values() if each.access == "either"}

    assert either == set(NEEDS)


async def test_a_consent_opens_the_account_it_was_given_for(customer: Customer) -> None:
    given = await customer.opens()

    answer = await customer.call(BALANCE, path=customer.chosen.id, consent=given.id)

    assert answer.status == 200


async def test_an_account_the_customer_did_not_choose_is_unknown(customer: Customer) -> None:
    given = await customer.opens()

    with pytest.raises(AccountNotFound):
        await customer.call(BALANCE, path=customer.other.id, consent=given.id)
    with pytest.raises(AccountUnknown):
        await customer.call(BALANCES, query={"subject": customer.other.id}, consent=given.id)


async def test_without_a_consent_an_app_reads_its_partners_own_data_space(
    customer: Customer,
) -> None:
    assert (await customer.call(BALANCE, path=customer.other.id)).status == 200


async def test_a_permission_the_customer_did_not_give_is_missing(customer: Customer) -> None:
    given = await customer.opens(Permission.BALANCES)
    partly = await customer.opens(Permission.TRANSACTIONS_DETAIL, Permission.TRANSACTIONS_CREDITS)
    query = {"subject": customer.chosen.id}

    for each in (given, partly):
        with pytest.raises(ConsentNotEnough):
            await customer.call(TRANSACTIONS, query=query, consent=each.id)
    whole = await customer.opens(*ENTRIES)
    assert (await customer.call(TRANSACTIONS, query=query, consent=whole.id)).status == 200


async def test_a_consent_that_bounds_the_entries_opens_no_unbounded_list(
    customer: Customer,
) -> None:
    since = customer.bank.clock.now() - timedelta(days=30)
    given = await customer.opens(*ENTRIES, entries_from=since)

    with pytest.raises(ConsentNotEnough):
        await customer.call(TRANSACTIONS, query={"subject": customer.chosen.id}, consent=given.id)


async def test_a_revoked_consent_cannot_read_balances(customer: Customer) -> None:
    given = await customer.opens()
    bank = customer.bank
    async with transaction(bank.pool) as db:
        await revoke_consent(db, bank.clock, bank.partner, given.id, customer=str(bank.customer))

    with pytest.raises(ConsentNotActive):
        await customer.call(BALANCE, path=customer.chosen.id, consent=given.id)


async def test_a_consent_counts_until_its_end_and_not_at_it(customer: Customer) -> None:
    given = await customer.opens()
    clock = customer.bank.clock

    clock.advance(given.valid_until - clock.now() - timedelta(microseconds=1))
    assert (await customer.call(BALANCE, path=customer.chosen.id, consent=given.id)).status == 200
    clock.advance(timedelta(microseconds=1))
    with pytest.raises(ConsentNotActive):
        await customer.call(BALANCE, path=customer.chosen.id, consent=given.id)


@pytest.mark.parametrize("who", [{"app": "app_other"}, {"partner": "prt_other"}])
async def test_anothers_consent_is_unknown(customer: Customer, who: dict[str, str]) -> None:
    given = await customer.opens()

    with pytest.raises(ConsentUnknown):
        await customer.call(BALANCE, path=customer.chosen.id, consent=given.id, **who)


async def test_a_customers_token_reaches_what_its_grants_consents_open(
    customer: Customer,
) -> None:
    await customer.opens(grant="grt_1")
    who = {"psu": customer.bank.customer, "grant": "grt_1"}

    answer = await customer.call(BALANCE, path=customer.chosen.id, **who)

    assert answer.status == 200
    with pytest.raises(AccountNotFound):
        await customer.call(BALANCE, path=customer.other.id, **who)
    with pytest.raises(ConsentNotActive):
        await customer.call(BALANCE, path=customer.chosen.id, **who | {"grant": "grt_2"})
    with pytest.raises(ConsentNotActive):
        await customer.call(BALANCE, path=customer.chosen.id, **who | {"psu": "cus_other"})


async def test_use_is_noted_for_the_customer(customer: Customer) -> None:
    given = await customer.opens()

    await customer.call(BALANCE, path=customer.chosen.id, consent=given.id)

    bank = customer.bank
    async with bank.pool.acquire() as db:
        noted = await consent(db, bank.clock, bank.partner, given.id)
    assert noted.last_used_at == bank.clock.now()


def paying(customer: Customer, payee: Account, **change: Any) -> dict[str, Any]:
    """The body of the payment agreed to."""
    return {
        "payer_account": customer.chosen.id,
        "payee_account": payee.id,
        "amount": cny("12.30"),
        "remark": "Order 7",
    } | change


async def test_a_payment_consent_pays_exactly_what_was_agreed_once(customer: Customer) -> None:
    payee = await customer.bank.account()
    given = await customer.agrees_to_pay(payee)
    body = paying(customer, payee)

    first = await customer.call(TRANSFER, body, key="k-1", consent=given.id)
    again = await customer.call(TRANSFER, body, key="k-1", consent=given.id)

    assert (first.status, again.hit) == (201, True)
    assert await customer.bank.balance(payee) == "12.30"
    with pytest.raises(ConsentNotActive):
        await customer.call(TRANSFER, body, key="k-2", consent=given.id)
    assert await customer.bank.balance(payee) == "12.30"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": cny("12.31")},
        {"remark": "Order 8"},
        {"end_to_end_id": "E2E-8"},
    ],
    ids=str,
)
async def test_another_payment_than_the_agreed_one_is_refused(
    customer: Customer, change: dict[str, Any]
) -> None:
    payee = await customer.bank.account()
    given = await customer.agrees_to_pay(payee)

    with pytest.raises(PaymentDiffers):
        await customer.call(TRANSFER, paying(customer, payee, **change), key="k", consent=given.id)
    assert await customer.bank.balance(payee) == "0.00"


async def test_neither_another_payer_nor_another_payee_is_paid_with_a_consent(
    customer: Customer,
) -> None:
    payee, thief = await customer.bank.account(), await customer.bank.account()
    given = await customer.agrees_to_pay(payee)

    with pytest.raises(PaymentDiffers):
        await customer.call(TRANSFER, paying(customer, thief), key="k-1", consent=given.id)
    with pytest.raises(AccountUnknown):
        body = paying(customer, payee, payer_account=customer.other.id)
        await customer.call(TRANSFER, body, key="k-2", consent=given.id)


async def test_of_twenty_payments_with_one_consent_one_is_made(customer: Customer) -> None:
    payee = await customer.bank.account()
    given = await customer.agrees_to_pay(payee)

    async def pay(number: int) -> int:
        # A number of its own for each: the partner's own number must not be what stops them.
        try:
            body = paying(customer, payee)
            answer = await customer.call(TRANSFER, body, key=f"k-{number}", consent=given.id)
        except (ConsentNotActive, PaymentDiffers):
            return 403
        return answer.status

    answers = await asyncio.gather(*(pay(number) for number in range(20)))

    assert answers.count(201) == 1
    assert await customer.bank.balance(payee) == "12.30"


async def test_a_proof_that_moved_money_moves_none_again_even_after_a_restart(
    customer: Customer,
) -> None:
    payee = await customer.bank.account()
    body = paying(customer, payee)

    await customer.call(TRANSFER, body, key="k-1", proof="proof-1")
    with pytest.raises(ProofUsed):
        await customer.call(TRANSFER, body | {"end_to_end_id": "E2E-9"}, key="k-2", proof="proof-1")

    assert await customer.bank.balance(payee) == "12.30"


async def test_a_key_of_one_customer_answers_nothing_to_another(customer: Customer) -> None:
    given = await customer.opens()
    body = {"subject": customer.chosen.id}
    exports = "account.account-balances.exports"

    await customer.call(exports, body, key="k-1", consent=given.id)

    with pytest.raises(ConsentUnknown):
        await customer.call(exports, body, key="k-1", consent="cns_unknown")
