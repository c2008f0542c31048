"""Products of the shelf under a customer's consent: which accounts a call may see, asked in use.

Always true: a call that names a consent (signed) or comes with a customer's token reaches exactly
the accounts on which the customer gave every permission the operation needs, at this instant, and
all other accounts are unknown to it; an operation that stands here without permissions does not
exist. A call that names none acts in its partner's own data space, as its contract says.
Source: security guide section 7; issue 3, "the same consents guard the catalogue's products".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bankside.bank.accounts import Account
from bankside.identity.consents import (
    PAYMENT_PERMISSIONS,
    Consent,
    ConsentNotActive,
    ConsentNotEnough,
    ConsentStatus,
    ConsentUnknown,
    PaymentDiffers,
    Permission,
    consent_of_client,
    consents_of_grant,
    consumption,
    record_use,
)
from bankside.kernel.caller import Caller
from bankside.kernel.db import Connection, Write
from bankside.kernel.money import Money
from bankside.orders.desk import Desk, Ticket

USE_NOTED_EVERY = timedelta(minutes=1)
_BALANCES = frozenset({Permission.BALANCES})
# The product shows both sides of the account with all particulars.
_TRANSACTIONS = frozenset(
    {
        Permission.TRANSACTIONS_DETAIL,
        Permission.TRANSACTIONS_CREDITS,
        Permission.TRANSACTIONS_DEBITS,
    }
)
_STATEMENTS = _TRANSACTIONS | {Permission.STATEMENTS_DETAIL}
# Files and reads that are made of an account's entries, by product.
_MADE_OF_ENTRIES = (
    "account.account-transactions",
    "data.categorized-transactions",
    "data.fund-traces",
)
_FILES_OF_ENTRIES = (
    "account.transaction-receipts",
    "data.business-insights",
    "pension.pension-vouchers",
)


def _each(product: str, *words: str) -> tuple[str, ...]:
    return tuple(f"{product}.{word}" for word in words)


# What each operation with access ``either`` needs; a test compares the two lists.
NEEDS: Mapping[str, frozenset[Permission]] = {
    **dict.fromkeys(_each("account.account-balances", "list", "query", "exports"), _BALANCES),
    **{
        operation: _TRANSACTIONS
        for product in _MADE_OF_ENTRIES
        for operation in _each(product, "list", "query", "exports")
    },
    **{
        operation: _TRANSACTIONS
        for product in _FILES_OF_ENTRIES
        for operation in _each(product, "create", "query", "content")
    },
    **dict.fromkeys(_each("account.account-statements", "create", "query", "content"), _STATEMENTS),
    # Reading what became of a payment is part of making it.
    **{
        operation: PAYMENT_PERMISSIONS
        for product in ("payment.internal-transfers", "payment.interbank-transfers")
        for operation in _each(product, "create", "query")
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment as it is asked for, to be compared with what a customer agreed to."""

    payer: Account
    payee: "Payee"
    amount: Money
    remittance_information: str
    end_to_end_id: str

    def is_of(self, consent: Consent) -> bool:
        """Whether this is the payment of the consent, in every field the customer saw."""
        terms = consent.payment
        return (
            terms is not None
            and self.payer.id in consent.accounts
            and terms.creditor_account in self.payee.accounts
            and self.payee.name in {None, terms.creditor_name}
            and terms.amount == self.amount
            and terms.remittance_information == self.remittance_information
            and terms.end_to_end_id == self.end_to_end_id
        )


@dataclass(frozen=True, slots=True)
class Payee:
    """The texts by which a consent may name the account that is paid, and the name beside it.

    ``name`` None: the bank itself knows whose account it is, and nobody has to say.
    """

    accounts: frozenset[str]
    name: str | None = None

    @classmethod
    def here(cls, account: Account) -> "Payee":
        """An account of this bank."""
        return cls(frozenset({f"id {account.id}", f"number {account.number}"}))

    @classmethod
    def elsewhere(cls, *, number: str, bank: str, name: str) -> "Payee":
        """An account at another bank; there the name is checked with the number."""
        return cls(frozenset({f"number {number}, bank {bank}"}), name)


def is_under_consent(caller: Caller) -> bool:
    """Whether a customer's consent, and nothing else, lets this call in."""
    return caller.consent is not None or caller.psu is not None


async def under_consent(desk: Desk, ticket: Ticket) -> Ticket:
    """The ticket, narrowed to the accounts that consents open to it now.

    Raises ConsentUnknown (also for another client's), ConsentNotActive, ConsentNotEnough.
    """
    needs, now = NEEDS.get(ticket.operation.id), desk.clock.now()
    if needs is None:
        raise ConsentNotEnough("no consent opens this operation")
    async with desk.reading() as db:
        fitting = _fitting(await _consents(desk, db, ticket.call.caller), needs)
        for each in fitting:
            # Noted to the minute: a busy client must not write a row a call.
            if each.last_used_at is None or each.last_used_at + USE_NOTED_EVERY <= now:
                await record_use(db, desk.clock, each.partner, each.id)
    accounts = frozenset(account for each in fitting for account in _opens(each, needs))
    return replace(ticket, accounts=accounts)


async def agreed_payment(
    desk: Desk, db: Connection, ticket: Ticket, payment: Payment
) -> tuple[Write, ...]:
    """The writes that use up the consent to exactly this payment, for the payment's own commit.

    None for a call that names no consent. Raises PaymentDiffers, ConsentNotActive.
    """
    if ticket.accounts is None:
        return ()
    found = await _consents(desk, db, ticket.call.caller)
    agreed = [each for each in found if payment.is_of(each)]
    if not agreed:
        raise PaymentDiffers
    active = [each for each in agreed if each.status is ConsentStatus.AUTHORISED]
    if not active:
        raise ConsentNotActive(f"the consent is {agreed[0].status}")
    return consumption(desk.clock, active[0])


async def _consents(desk: Desk, db: Connection, caller: Caller) -> Sequence[Consent]:
    """The consents the call stands on, whatever their status."""
    if caller.consent is not None:
        found = await consent_of_client(
            db, desk.clock, caller.partner, caller.consent, client=caller.app
        )
        if found.customer is None:
            raise ConsentUnknown
        return (found,)
    if caller.grant is None:
        return ()
    of_grant = await consents_of_grant(db, desk.clock, caller.partner, caller.grant)
    # A grant belongs to one client and one customer; both are asked again where it matters most.
    return tuple(
        each for each in of_grant if each.client == caller.app and each.customer == caller.psu
    )


def _fitting(found: Sequence[Consent], needs: frozenset[Permission]) -> list[Consent]:
    """Those that count now and open at least one account; else the refusal is raised."""
    counts = {ConsentStatus.AUTHORISED}
    if needs == PAYMENT_PERMISSIONS:
        # Its payment was made: a repeat of that call gets the first answer, and no other passes
        # `agreed_payment`.
        counts.add(ConsentStatus.CONSUMED)
    active = [each for each in found if each.status in counts]
    if not active:
        status = found[0].status if found else "missing"
        raise ConsentNotActive(f"the consent is {status}")
    fitting = [each for each in active if _opens(each, needs)]
    if not fitting:
        raise ConsentNotEnough(f"the consent lacks one of {', '.join(sorted(needs))}")
    return fitting


def _opens(consent: Consent, needs: frozenset[Permission]) -> frozenset[str]:
    """The accounts on which every needed permission was given.

    A consent that bounds which entries may be read opens none here: the product's own answers know
    no such bound (`/open-banking` does).
    """
    if consent.entries_from is not None or consent.entries_to is not None:
        return frozenset()
    return frozenset(account for account, given in consent.accounts.items() if needs <= given)
