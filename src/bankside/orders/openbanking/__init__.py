"""Access to customers' accounts by UK Open Banking's resource model: one module a resource family.

Always true: every call stands on a consent that counts at that instant; payments run through the
same desk, engine and ledger as every other order; what a caller may not see is unknown to it.
Source: UK Open Banking Read/Write API 3.1 (accounts, payments, recurring payments, funds).

Public: HANDLERS.
"""

from collections.abc import Awaitable, Callable, Mapping

from bankside.kernel.call import Answer
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking import (
    account_consents,
    accounts,
    funds,
    payees,
    payment_consents,
    payments,
    recurring,
    statements,
    transactions,
)

__all__ = ["HANDLERS"]

# Operation id of `catalog/definitions/open-banking.yaml` -> what carries it out.
HANDLERS: Mapping[str, Callable[[Desk, Ticket], Awaitable[Answer]]] = {
    "open-banking.account-access-consents.create": account_consents.create,
    "open-banking.account-access-consents.query": account_consents.query,
    "open-banking.account-access-consents.revoke": account_consents.revoke,
    "open-banking.accounts.list": accounts.accounts,
    "open-banking.accounts.query": accounts.accounts,
    "open-banking.account-balances.list": accounts.balances,
    "open-banking.balances.list": accounts.balances,
    "open-banking.account-transactions.list": transactions.transactions,
    "open-banking.transactions.list": transactions.transactions,
    "open-banking.account-beneficiaries.list": payees.beneficiaries,
    "open-banking.beneficiaries.list": payees.beneficiaries,
    "open-banking.account-standing-orders.list": payees.standing_orders,
    "open-banking.standing-orders.list": payees.standing_orders,
    "open-banking.account-statements.list": statements.statements,
    "open-banking.statements.list": statements.statements,
    "open-banking.account-party.query": accounts.account_party,
    "open-banking.party.query": accounts.party,
    "open-banking.domestic-payment-consents.create": payment_consents.create,
    "open-banking.domestic-payment-consents.query": payment_consents.query,
    "open-banking.domestic-payment-consents.funds": payment_consents.funds,
    "open-banking.domestic-payments.create": payments.create,
    "open-banking.domestic-payments.query": payments.query,
    "open-banking.domestic-payments.details": payments.details,
    "open-banking.domestic-vrp-consents.create": recurring.create_consent,
    "open-banking.domestic-vrp-consents.query": recurring.query_consent,
    "open-banking.domestic-vrp-consents.revoke": recurring.revoke_consent,
    "open-banking.domestic-vrp-consents.funds": recurring.funds,
    "open-banking.domestic-vrps.create": recurring.create_payment,
    "open-banking.domestic-vrps.query": payments.query_recurring,
    "open-banking.domestic-vrps.details": payments.details,
    "open-banking.funds-confirmation-consents.create": funds.create_consent,
    "open-banking.funds-confirmation-consents.query": funds.query_consent,
    "open-banking.funds-confirmation-consents.revoke": funds.revoke_consent,
    "open-banking.funds-confirmations.create": funds.confirm,
}
