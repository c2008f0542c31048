"""Who takes part in an order: accounts, merchants and payers found in the caller's data space.

Always true: what is not in the data space is refused with the field that named it, and the refusal
is the same whether the thing exists elsewhere or nowhere. Who acts for a tenant reads and debits
the accounts of that tenant's merchants only.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bankside.bank.accounts import (
    Account,
    AccountLocked,
    AccountNotFound,
    House,
    accounts_by_reference,
    house_account,
    is_locked,
    payer_of_token,
    spent,
)
from bankside.bank.accounts import account as find_account
from bankside.bank.merchants import (
    Merchant,
    MerchantNotFound,
    only_merchant,
    receivers,
    tenant_customers,
)
from bankside.bank.merchants import merchant as find_merchant
from bankside.catalog import ProductOperation
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Write
from bankside.kernel.money import Money
from bankside.orders.errors import AccountUnknown, CurrencyRefused, MerchantUnknown, SameAccount
from bankside.orders.inputs import fault
from bankside.orders.model import Order
from bankside.orders.store import Scope

# Fields that name an account to read or to debit; anybody's account may be credited.
_PAYERS = frozenset({"/payer_account", "/drawer_account", "/from_account"})
_HOLDERS = _PAYERS | {"/subject", "?subject"}
# Where pension products name the account whose money stays within pensions.
_PENSION = "/pension_account"
# Roles of the bank's own accounts, by the words definitions use for them.
_HOUSE: Mapping[str, House] = {
    "fee_income": House.FEE_INCOME,
    "held": House.HOLD,
    "batch_clearing": House.BATCH_CLEARING,
    "clearing": House.CLEARING,
    "loan_book": House.LOAN_BOOK,
    "deposits": House.DEPOSITS,
    "interest_expense": House.INTEREST_EXPENSE,
    "interest_income": House.INTEREST_INCOME,
    "interest_receivable": House.INTEREST_RECEIVABLE,
    "pool": House.POOL,
    "valuation": House.VALUATION,
    "position": House.FX_POSITION,
    "nostro": House.NOSTRO,
    "benefits": House.BENEFITS,
    "discounted_bills": House.DISCOUNTED_BILLS,
    "tax_withheld": House.TAX_WITHHELD,
}


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays: the ledger account to debit, its branch, and the rows that spend the code."""

    ledger: str
    branch: str | None
    writes: tuple[Write, ...]


def house(currency: str) -> dict[str, str]:
    """The bank's own ledger accounts of a currency, by role."""
    return {role: house_account(kind, currency) for role, kind in _HOUSE.items()}


async def accounts(
    db: Connection, scope: Scope, named: Mapping[str, str], amount: Money
) -> dict[str, Account]:
    """The accounts that fields name (pointer -> id or number), by what they were named.

    Raises AccountUnknown, AccountLocked for a pension account that would pay and, when one is in
    another currency than ``amount``, CurrencyRefused.
    """
    found = await known(db, scope, named)
    for pointer, reference in named.items():
        if found[reference].currency != amount.currency:
            raise _currency(pointer, found[reference].currency)
    return found


async def known(
    db: Connection,
    scope: Scope,
    named: Mapping[str, str],
    *,
    debited: Collection[str] = frozenset(),
) -> dict[str, Account]:
    """Like ``accounts``, in any currency. Raises AccountUnknown, AccountLocked.

    ``debited`` are further pointers whose accounts have to be the caller's own.
    """
    found = await accounts_by_reference(db, scope.partner, named.values())
    own = await _own(db, scope, [found[named[each]] for each in named if named[each] in found])
    for pointer, reference in named.items():
        if reference not in found or (
            pointer in _HOLDERS | set(debited) and found[reference].id not in own
        ):
            raise AccountUnknown(
                f"there is no account {reference[:40]}",
                errors=[fault(pointer, AccountUnknown.code, "there is no such account")],
            )
        pays = pointer in _PAYERS or (pointer in debited and pointer != _PENSION)
        if pays and is_locked(found[reference]):
            detail = "what is in a pension account leaves it as a pension"
            raise AccountLocked(detail, errors=[fault(pointer, AccountLocked.code, detail)])
    return found


async def own_account(db: Connection, scope: Scope, reference: str) -> Account:
    """The account an item route names. Raises AccountNotFound, also for one that is not its own."""
    found = await find_account(db, scope.partner, reference)
    if found.id not in await _own(db, scope, [found]):
        raise AccountNotFound(f"there is no account {reference[:40]}")
    return found


async def known_accounts(
    db: Connection, scope: Scope, references: Iterable[str]
) -> dict[str, Account]:
    """Those of the named accounts that exist in the data space, by what they were named."""
    return await accounts_by_reference(db, scope.partner, references)


def same_currency(entries: Sequence[Mapping[str, Any]], currency: str, pointer: str) -> None:
    """CurrencyRefused unless every entry's ``amount`` is in ``currency``."""
    for index, each in enumerate(entries):
        if each["amount"].currency != currency:
            raise _currency(f"{pointer}/{index}/amount/currency", currency)


async def with_merchant(
    db: Connection, scope: Scope, operation: ProductOperation, body: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The body with the caller's merchant filled in when it has exactly one and names none.

    Its own one: a tenant's, or the partner's without a tenant. Alipay-style callers name their
    seller only when they have several.
    """
    if body.get("merchant") is not None or not any(
        field.name == "merchant" for field in operation.inputs
    ):
        return body
    own = await only_merchant(db, scope.partner, scope.tenant)
    return {**body, "merchant": own.id} if own is not None else body


async def merchant(
    db: Connection, scope: Scope, merchant_id: str, amount: Money | None
) -> Merchant:
    """The merchant that collects ``amount`` (None: in any currency, which is exchanged).

    Raises MerchantUnknown, CurrencyRefused.
    """
    try:
        found = await find_merchant(db, scope.partner, merchant_id, tenant=scope.tenant)
    except MerchantNotFound as error:
        raise MerchantUnknown(
            errors=[fault("/merchant", "merchant.not_found", "there is no such merchant")]
        ) from error
    if amount is not None and found.currency != amount.currency:
        raise _currency("/amount/currency", found.currency)
    return found


async def registered(db: Connection, order: Order) -> frozenset[str]:
    """Accounts that the order's merchant registered as receivers of its splits."""
    found = await receivers(db, order.partner, order.input["merchant"])
    return frozenset(each.account for each in found)


async def payer(
    db: Connection, clock: Clock, token: str, order: Order, *, environment: str
) -> Payer:
    """The account behind a payer's code, when it may pay the order.

    Raises the refusals of payer codes and accounts (``bank.accounts``), CurrencyRefused,
    SameAccount.
    """
    account, code = await payer_of_token(db, clock, order.partner, token, environment=environment)
    if account.currency != order.currency:
        raise _currency("/payer_token", account.currency)
    if account.ledger_account in order.roles.values():
        detail = "the payer is the merchant itself"
        raise SameAccount(detail, errors=[fault("/payer_token", SameAccount.code, detail)])
    writes = spent(clock, order.partner, code, used_for=order.id)
    return Payer(account.ledger_account, account.branch, writes)


async def _own(db: Connection, scope: Scope, found: Sequence[Account]) -> frozenset[str]:
    """Ids of those accounts the caller may read and debit: for a tenant, its merchants' own."""
    if scope.accounts is not None:
        found = [each for each in found if each.id in scope.accounts]
    if scope.tenant is None:
        return frozenset(each.id for each in found)
    customers = await tenant_customers(db, scope.partner, scope.tenant)
    return frozenset(each.id for each in found if each.customer in customers)


def _currency(pointer: str, expected: str) -> CurrencyRefused:
    detail = f"the account is kept in {expected}"
    return CurrencyRefused(detail, errors=[fault(pointer, CurrencyRefused.code, detail)])
