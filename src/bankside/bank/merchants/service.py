"""Use cases of the merchants slice; each works in the caller's transaction and data space."""

from dataclasses import replace
from datetime import datetime

from bankside.bank import ledger
from bankside.bank.accounts import Account, account, may_receive
from bankside.bank.customers import customer as find_customer
from bankside.bank.ledger import NewAccount
from bankside.bank.merchants import store
from bankside.bank.merchants.errors import (
    MerchantExists,
    MerchantNotFound,
    MerchantTermsInvalid,
    ReceiverCurrencyMismatch,
    ReceiverIsMerchant,
    ReceiversTooMany,
)
from bankside.bank.merchants.model import Merchant, MerchantTerms, Receiver
from bankside.kernel.clock import Clock
from bankside.kernel.db import (
    Connection,
    Write,
)
from bankside.kernel.ids import MerchantId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit

FEE_RATE_BP_MAX = 1_000
SPLIT_SHARE_BP_MAX = 10_000
NAME_LENGTH_MAX = 200
# One list that a person can still check; a platform with more pays them by bulk transfers.
RECEIVERS_MAX = 500
RELATION_LENGTH_MAX = 40


async def register_merchant(
    db: Connection, clock: Clock, partner: str, terms: MerchantTerms
) -> Merchant:
    """A new merchant stands, with an empty ledger account for what is collected for it.

    Raises CustomerNotFound, AccountNotFound, AccountClosed, MerchantTermsInvalid, MerchantExists.
    """
    _check(terms)
    owner = await find_customer(db, partner, terms.customer)
    settlement = await account(db, partner, terms.settlement_account)
    may_receive(settlement)
    merchant_id = terms.id or MerchantId(new_id("merchant", clock))
    drafted = _drafted(partner, settlement, terms, merchant_id=merchant_id, at=clock.now())
    made = replace(drafted, customer=owner.id)
    if not await store.insert(db, made):
        raise MerchantExists(f"there is a merchant {merchant_id} already")
    pending = NewAccount(id=made.pending_ledger_account, partner=partner, currency=made.currency)
    await ledger.carry_out(db, ledger.open_account(pending))
    return made


def drafted_merchant(
    partner: str,
    settlement: Account,
    terms: MerchantTerms,
    *,
    merchant_id: MerchantId,
    at: datetime,
) -> Merchant:
    """The merchant ``registered`` would write, with an account that is opened beside it.

    Raises MerchantTermsInvalid.
    """
    _check(terms)
    return _drafted(partner, settlement, terms, merchant_id=merchant_id, at=at)


def _drafted(
    partner: str,
    settlement: Account,
    terms: MerchantTerms,
    *,
    merchant_id: MerchantId,
    at: datetime,
) -> Merchant:
    return Merchant(
        id=merchant_id,
        partner=partner,
        tenant=terms.tenant,
        customer=settlement.customer,
        name_zh=terms.name_zh,
        name_en=terms.name_en,
        currency=settlement.currency,
        settlement_account=settlement.id,
        settlement_ledger_account=settlement.ledger_account,
        pending_ledger_account=f"{merchant_id}.pending",
        fee_rate_bp=terms.fee_rate_bp,
        split_share_max_bp=terms.split_share_max_bp,
        created_at=at,
    )


def registered(made: Merchant) -> tuple[Write, ...]:
    """The rows of a drafted merchant, to commit with whatever admitted it."""
    pending = NewAccount(
        id=made.pending_ledger_account, partner=made.partner, currency=made.currency
    )
    return (store.inserted(made), ledger.open_account(pending))


def admitted(of: Merchant, target: Account, *, relation: str, at: datetime) -> tuple[Write, ...]:
    """The row that lets an account receive splits of the merchant's payments.

    Raises AccountClosed, ReceiverIsMerchant, ReceiverCurrencyMismatch, MerchantTermsInvalid.
    """
    if not (1 <= len(relation) <= RELATION_LENGTH_MAX and relation.isprintable()):
        raise MerchantTermsInvalid("a relation has 1 to 40 printable characters")
    _admit(of, target)
    made = Receiver(of.id, target.id, target.ledger_account, relation, at)
    return (store.admitted(of.partner, made),)


async def merchant(
    db: Connection, partner: str, merchant_id: str, *, tenant: str | None = None
) -> Merchant:
    """The merchant, or MerchantNotFound (also for another partner's or another tenant's).

    A tenant sees its own merchants and those of the partner itself; the partner sees all.
    """
    found = None
    if is_reference(merchant_id):
        found = await store.find(db, partner, merchant_id, tenant)
    if found is None:
        raise MerchantNotFound(f"there is no merchant {merchant_id[:40]}")
    return found


async def merchants(
    db: Connection,
    partner: str,
    *,
    tenant: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Merchant]:
    """A page of the merchants the tenant (None: the partner) may see, by id."""
    size = checked_limit(limit)
    after = checked_cursor(cursor)
    found = await store.page(db, partner, tenant=tenant, after=after, limit=size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def only_merchant(db: Connection, partner: str, tenant: str | None) -> Merchant | None:
    """The one merchant of exactly this tenant (None: of the partner itself); None for 0 or more."""
    found = await store.owned(db, partner, tenant, limit=2)
    return found[0] if len(found) == 1 else None


async def tenant_customers(db: Connection, partner: str, tenant: str) -> frozenset[str]:
    """The customers behind the tenant's merchants: whose accounts are the tenant's own."""
    return await store.customers(db, partner, tenant)


async def register_receiver(
    db: Connection, clock: Clock, of: Merchant, reference: str, *, relation: str
) -> Receiver:
    """The account may receive splits of the merchant's payments; twice changes nothing.

    Raises AccountNotFound, AccountClosed, ReceiverIsMerchant, ReceiverCurrencyMismatch,
    ReceiversTooMany, MerchantTermsInvalid (relation).
    """
    if not (1 <= len(relation) <= RELATION_LENGTH_MAX and relation.isprintable()):
        raise MerchantTermsInvalid("a relation has 1 to 40 printable characters")
    target = await account(db, of.partner, reference)
    _admit(of, target)
    await store.lock(db, of.partner, of.id)
    present = {each.account: each for each in await store.receivers(db, of.partner, of.id)}
    if target.id in present:
        return present[target.id]
    if len(present) >= RECEIVERS_MAX:
        raise ReceiversTooMany(f"{of.id} has {RECEIVERS_MAX} receivers already")
    made = Receiver(of.id, target.id, target.ledger_account, relation, clock.now())
    await store.insert_receiver(db, of.partner, made)
    return made


async def receivers(db: Connection, partner: str, merchant_id: str) -> list[Receiver]:
    """All receivers of the merchant, oldest first; at most RECEIVERS_MAX."""
    return await store.receivers(db, partner, merchant_id) if is_reference(merchant_id) else []


def _admit(of: Merchant, target: Account) -> None:
    may_receive(target)
    if target.id == of.settlement_account:
        raise ReceiverIsMerchant
    if target.currency != of.currency:
        raise ReceiverCurrencyMismatch(f"{of.id} collects {of.currency}, not {target.currency}")


def _check(terms: MerchantTerms) -> None:
    if terms.fee_rate_bp is not None and not 0 <= terms.fee_rate_bp <= FEE_RATE_BP_MAX:
        raise MerchantTermsInvalid(f"the fee rate is 0 to {FEE_RATE_BP_MAX} basis points")
    if not 0 <= terms.split_share_max_bp <= SPLIT_SHARE_BP_MAX:
        raise MerchantTermsInvalid(f"the split share is 0 to {SPLIT_SHARE_BP_MAX} basis points")
    for name in (terms.name_zh, terms.name_en):
        if not (1 <= len(name.strip()) <= NAME_LENGTH_MAX and name.isprintable()):
            raise MerchantTermsInvalid("a merchant has two names of 1 to 200 characters")
