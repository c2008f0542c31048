"""Files, further reads and payments to other banks under a consent: its accounts, its payment."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.identity.builders import asks_payment
from tests.orders.little_bank import LittleBank, cny
from tests.orders.test_consented import ENTRIES, Customer

from bankside.bank.accounts import Account
from bankside.identity.consents import (
    PAYMENT_PERMISSIONS,
    Consent,
    ConsentNotActive,
    ConsentNotEnough,
    ConsentUnknown,
    PaymentDiffers,
    PaymentTerms,
    Permission,
    revoke_consent,
)
from bankside.kernel.call import Answer
from bankside.kernel.db import transaction
from bankside.kernel.money import Money
from bankside.orders.consented import NEEDS
from bankside.orders.errors import (
    AccountUnknown,
    KeyReused,
    OrderNotFound,
    TransactionNotFound,
)

STATEMENTS = frozenset({Permission.STATEMENTS_DETAIL}) | ENTRIES
FILES = sorted(each.removesuffix(".content") for each in NEEDS if each.endswith(".content"))
READS = sorted(each for each in NEEDS if each.endswith((".list", ".exports")))
SEND = "payment.interbank-transfers"


@pytest.fixture
async def customer(bank: LittleBank) -> Customer:
    return Customer(bank, await bank.account("100.00"), await bank.account("50.00"))


async def revoke(customer: Customer, given: Consent) -> None:
    bank = customer.bank
    async with transaction(bank.pool) as db:
        await revoke_consent(db, bank.clock, bank.partner, given.id, customer=str(bank.customer))


async def file(customer: Customer, product: str, account: Account, key: str, **who: Any) -> Answer:
    """The order of a file about an account's month."""
    body = {"subject": account.id, "period": "2026-03"}
    return await customer.call(f"{product}.create", body, key=key, **who)


async def asked_of(customer: Customer, operation: str, account: Account, **who: Any) -> Answer:
    """A read of an account that the request names."""
    named = {"subject": account.id}
    if operation.endswith(".list"):
        return await customer.call(operation, query=named, **who)
    return await customer.call(operation, named, key=f"k-{operation}-{account.id}", **who)


def order_id(answer: Answer) -> str:
    assert isinstance(answer.body, Mapping)
    return str(answer.body["id"])


@pytest.mark.parametrize("operation", READS)
async def test_every_read_reaches_the_chosen_account_and_no_other(
    customer: Customer, operation: str
) -> None:
    given = await customer.opens(*NEEDS[operation])

    answer = await asked_of(customer, operation, customer.chosen, consent=given.id)

    assert answer.status == 200
    with pytest.raises(AccountUnknown):
        await asked_of(customer, operation, customer.other, consent=given.id)


@pytest.mark.parametrize("product", ["account.account-transactions", "data.fund-traces"])
async def test_an_entry_of_an_account_that_was_not_chosen_is_unknown(
    customer: Customer, product: str
) -> None:
    given = await customer.opens(*ENTRIES)
    mine, hidden = f"{customer.chosen.id}.1", f"{customer.other.id}.1"

    assert (await customer.call(f"{product}.query", path=mine, consent=given.id)).status == 200
    with pytest.raises(TransactionNotFound):
        await customer.call(f"{product}.query", path=hidden, consent=given.id)


@pytest.mark.parametrize("product", FILES)
async def test_a_file_is_built_read_and_loaded_under_its_consent(
    customer: Customer, product: str
) -> None:
    given = await customer.opens(*STATEMENTS)

    made = await file(customer, product, customer.chosen, "k-1", consent=given.id)
    path = order_id(made)

    for word in ("query", "content"):
        assert (await customer.call(f"{product}.{word}", path=path, consent=given.id)).status == 200
    with pytest.raises(AccountUnknown):
        await file(customer, product, customer.other, "k-2", consent=given.id)


@pytest.mark.parametrize("product", FILES)
async def test_a_file_about_another_account_or_by_another_app_is_unknown(
    customer: Customer, product: str
) -> None:
    given = await customer.opens(*STATEMENTS)
    of_other = order_id(await file(customer, product, customer.other, "k-1"))
    by_other = order_id(await file(customer, product, customer.chosen, "k-2", app="app_other"))

    for path in (of_other, by_other):
        for word in ("query", "content"):
            with pytest.raises(OrderNotFound):
                await customer.call(f"{product}.{word}", path=path, consent=given.id)


@pytest.mark.parametrize("product", FILES)
async def test_a_file_is_closed_to_a_consent_that_lacks_a_permission_or_was_taken_back(
    customer: Customer, product: str
) -> None:
    needs = NEEDS[f"{product}.content"]
    given = await customer.opens(*STATEMENTS)
    path = order_id(await file(customer, product, customer.chosen, "k-1", consent=given.id))

    for missing in needs:
        partly = await customer.opens(*(STATEMENTS - {missing}))
        with pytest.raises(ConsentNotEnough):
            await customer.call(f"{product}.content", path=path, consent=partly.id)
    await revoke(customer, given)
    with pytest.raises(ConsentNotActive):
        await customer.call(f"{product}.content", path=path, consent=given.id)


@pytest.mark.parametrize("operation", sorted(NEEDS))
async def test_no_operation_takes_a_consent_of_the_other_kind(
    customer: Customer, operation: str
) -> None:
    payee = await customer.bank.account()
    pays = NEEDS[operation] == PAYMENT_PERMISSIONS
    given = await (customer.opens(*STATEMENTS) if pays else customer.agrees_to_pay(payee))

    # Whatever the request says: it is refused before it is read.
    with pytest.raises(ConsentNotEnough):
        await customer.call(operation, {}, key="k", path="x", consent=given.id)


@pytest.mark.parametrize("operation", sorted(NEEDS))
@pytest.mark.parametrize("who", [{"app": "app_other"}, {"partner": "prt_other"}], ids=str)
async def test_anothers_consent_opens_no_operation(
    customer: Customer, operation: str, who: dict[str, str]
) -> None:
    payee = await customer.bank.account()
    pays = NEEDS[operation] == PAYMENT_PERMISSIONS
    given = await (customer.agrees_to_pay(payee) if pays else customer.opens(*STATEMENTS))

    with pytest.raises(ConsentUnknown):
        await customer.call(operation, {}, key="k", path="x", consent=given.id, **who)


async def test_a_repeated_key_tells_nothing_of_an_account_whose_consent_was_taken_back(
    customer: Customer,
) -> None:
    who = {"psu": customer.bank.customer, "grant": "grt_1"}
    first = await customer.opens(grant="grt_1")
    bank = customer.bank
    second = Customer(bank, chosen=customer.other, other=customer.chosen)
    await second.opens(grant="grt_1")
    exports, body = "account.account-balances.exports", {"subject": customer.chosen.id}
    assert (await customer.call(exports, body, key="k-1", **who)).status == 200

    await revoke(customer, first)

    # The grant lives on by its second consent; what the first one opened is told no more.
    for key in ("k-1", "k-2"):
        with pytest.raises((AccountUnknown, KeyReused)):
            await customer.call(exports, body, key=key, **who)


async def test_a_repeated_key_tells_nothing_of_one_consent_to_a_call_under_another(
    customer: Customer,
) -> None:
    one = await customer.opens()
    other = await Customer(customer.bank, chosen=customer.other, other=customer.chosen).opens()
    exports, body = "account.account-balances.exports", {"subject": customer.chosen.id}
    assert (await customer.call(exports, body, key="k-1", consent=one.id)).status == 200

    with pytest.raises((AccountUnknown, KeyReused)):
        await customer.call(exports, body, key="k-1", consent=other.id)


async def agrees_to_send(customer: Customer, **change: Any) -> Consent:
    """One payment from the chosen account to another bank."""
    terms = PaymentTerms(
        amount=Money.parse("12.30", "CNY"),
        creditor_name="海棠小馆",
        creditor_account="number 6217001234567890, bank 102100099996",
        remittance_information="Order 7",
    )
    asked = asks_payment(customer.bank.partner, client=customer.bank.caller().app)
    return await customer.agrees(replace(asked, payment=replace(terms, **change)))


def sending(customer: Customer, **change: Any) -> dict[str, Any]:
    """The body of that payment."""
    return {
        "payer_account": customer.chosen.id,
        "payee_account_no": "6217001234567890",
        "payee_name": "海棠小馆",
        "payee_bank": "102100099996",
        "amount": cny("12.30"),
        "remark": "Order 7",
    } | change


async def test_a_payment_consent_sends_exactly_what_was_agreed_to_another_bank_once(
    customer: Customer,
) -> None:
    given = await agrees_to_send(customer)
    body = sending(customer)

    first = await customer.call(f"{SEND}.create", body, key="k-1", consent=given.id)
    again = await customer.call(f"{SEND}.create", body, key="k-1", consent=given.id)
    seen = await customer.call(f"{SEND}.query", path=order_id(first), consent=given.id)

    assert (first.status, again.hit, order_id(seen)) == (202, True, order_id(first))
    assert await customer.bank.balance(customer.chosen) == "87.70"
    with pytest.raises(ConsentNotActive):
        await customer.call(f"{SEND}.create", body, key="k-2", consent=given.id)
    assert await customer.bank.balance(customer.chosen) == "87.70"


@pytest.mark.parametrize(
    "change",
    [
        {"amount": cny("12.31")},
        {"remark": "Order 8"},
        {"end_to_end_id": "E2E-8"},
        {"payee_account_no": "6217001234567891"},
        {"payee_name": "海棠大馆"},
        {"payee_bank": "103100000026"},
    ],
    ids=str,
)
async def test_no_other_payment_is_sent_to_another_bank(
    customer: Customer, change: dict[str, Any]
) -> None:
    given = await agrees_to_send(customer)

    with pytest.raises(PaymentDiffers):
        await customer.call(
            f"{SEND}.create", sending(customer, **change), key="k", consent=given.id
        )
    assert await customer.bank.balance(customer.chosen) == "100.00"


async def test_a_creditor_without_its_bank_is_paid_in_this_bank_only(customer: Customer) -> None:
    given = await agrees_to_send(customer, creditor_account="number 6217001234567890")

    with pytest.raises(PaymentDiffers):
        await customer.call(f"{SEND}.create", sending(customer), key="k", consent=given.id)


async def test_another_account_than_the_agreed_one_sends_nothing(customer: Customer) -> None:
    given = await agrees_to_send(customer)
    body = sending(customer, payer_account=customer.other.id)

    with pytest.raises(AccountUnknown):
        await customer.call(f"{SEND}.create", body, key="k", consent=given.id)


async def test_a_payment_of_another_account_or_app_is_unknown(customer: Customer) -> None:
    given = await agrees_to_send(customer)
    by_other_app = await customer.call(
        f"{SEND}.create", sending(customer), key="k-1", app="app_other"
    )
    of_other = await customer.call(
        f"{SEND}.create", sending(customer, payer_account=customer.other.id), key="k-2"
    )

    for each in (by_other_app, of_other):
        with pytest.raises(OrderNotFound):
            await customer.call(f"{SEND}.query", path=order_id(each), consent=given.id)


async def test_a_file_stays_closed_after_its_consents_end(customer: Customer) -> None:
    given = await customer.opens(*STATEMENTS)
    product = "account.account-statements"
    made = await file(customer, product, customer.chosen, "k-1", consent=given.id)

    clock = customer.bank.clock
    clock.advance(given.valid_until - clock.now() + timedelta(microseconds=1))

    with pytest.raises(ConsentNotActive):
        await file(customer, product, customer.chosen, "k-1", consent=given.id)
    with pytest.raises(ConsentNotActive):
        await customer.call(f"{product}.content", path=order_id(made), consent=given.id)
