"""Use cases of the accounts slice: opening, status, look-ups, payment codes.

Every function works in the caller's transaction and inside one data space (``partner``).
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from bankside.bank import ledger
from bankside.bank.accounts import rules, store
from bankside.bank.accounts.errors import (
    AccountExists,
    AccountNotEmpty,
    AccountNotFound,
    PayerTokenTaken,
    PayerTokenUnknown,
)
from bankside.bank.accounts.model import (
    Account,
    AccountStatus,
    Disposition,
    DispositionRole,
    Opening,
    PayerToken,
    Standing,
    moved,
)
from bankside.bank.customers import customer as find_customer
from bankside.bank.ledger import Group, Leg, NewAccount, group_id
from bankside.kernel.clock import BANK_ZONE, Clock, booking_date
from bankside.kernel.db import Connection, Write
from bankside.kernel.ids import AccountId, is_reference, new_id
from bankside.kernel.money import minor_digits
from bankside.kernel.paging import Page, checked_cursor, checked_limit

# A wallet shows a fresh code every minute; the payer stands at the till.
CODE_TTL = timedelta(minutes=1)
# A payment code is two digits that mark it as one and 16 random ones: 53 bits, for a minute.
_CODE_DIGITS = 16
_CODE_MARK = "28"

_IN_LEDGER = {
    AccountStatus.OPEN: ledger.AccountStatus.OPEN,
    AccountStatus.FROZEN: ledger.AccountStatus.BLOCKED,
    AccountStatus.CLOSED: ledger.AccountStatus.CLOSED,
}


async def drafted_account(db: Connection, clock: Clock, partner: str, asked: Opening) -> Account:
    """The account that ``opened`` would open: numbered, and nowhere written yet.

    Raises CustomerNotFound, CurrencyUnknown, AccountNumberInvalid.
    """
    minor_digits(asked.currency)
    owner = await find_customer(db, partner, asked.customer)
    account_id = asked.id or AccountId(new_id("account", clock))
    serial = asked.serial or await store.next_serial(db)
    return Account(
        id=account_id,
        partner=partner,
        number=rules.account_number(asked.product_class, serial),
        customer=owner.id,
        product_class=asked.product_class,
        currency=asked.currency,
        status=AccountStatus.OPEN,
        status_reason="",
        ledger_account=rules.ledger_account(account_id, asked.account_class),
        branch=owner.branch,
        opened_at=clock.now(),
        closed_at=None,
        account_class=asked.account_class,
        bound_ledger_account=asked.bound_ledger_account,
    )


async def open_account(db: Connection, clock: Clock, partner: str, asked: Opening) -> Account:
    """A new account of the customer stands open and empty, in the ledger too.

    Raises CustomerNotFound, CurrencyUnknown, AccountExists, AccountNumberInvalid.
    """
    account = await drafted_account(db, clock, partner, asked)
    if not await store.insert(db, account):
        raise AccountExists
    await ledger.carry_out(db, in_ledger(account))
    power = Disposition(account.id, account.customer, DispositionRole.OWNER, booking_date(clock))
    await store.insert_disposition(db, partner, power)
    return account


def in_ledger(account: Account, *, floor: int | None = 0) -> Write:
    """The write that opens the account in the ledger; again it changes nothing.

    ``floor`` in minor units: below zero it is the limit of a credit account.
    """
    new = NewAccount(
        id=account.ledger_account,
        partner=account.partner,
        currency=account.currency,
        floor=floor,
    )
    return ledger.open_account(new)


def opened(account: Account, *, floor: int | None = 0) -> tuple[Write, ...]:
    """The rows of a drafted account, to commit with whatever opened it."""
    since = account.opened_at.astimezone(BANK_ZONE).date()
    power = Disposition(account.id, account.customer, DispositionRole.OWNER, since)
    return (
        in_ledger(account, floor=floor),
        store.inserted(account),
        store.disposed(account.partner, power),
    )


def moved_to(
    account: Standing, to: AccountStatus, *, reason: str, at: datetime
) -> tuple[Write, ...]:
    """The rows that freeze, unfreeze or close an account, to commit with what asked for it.

    Raises AccountTransitionRefused; carried out, they fail when somebody else moved it meanwhile
    (constraint ONE_MOVER), and LedgerAccountNotEmpty when money came in before it was closed.
    """
    moved(account.status, to)
    status = ledger.set_status(account.ledger_account, _IN_LEDGER[to])
    return (status, store.moved(account, to, reason=reason, at=at))


async def admit_disponent(
    db: Connection, clock: Clock, partner: str, reference: str, customer: str
) -> None:
    """The customer may dispose of the account beside its owner."""
    found = await account(db, partner, reference)
    admitted = await find_customer(db, partner, customer)
    power = Disposition(found.id, admitted.id, DispositionRole.DISPONENT, booking_date(clock))
    await store.insert_disposition(db, partner, power)


async def account(db: Connection, partner: str, reference: str) -> Account:
    """The account with this id or number, or AccountNotFound (also for another data space's)."""
    found = await accounts_by_reference(db, partner, [reference])
    if reference not in found:
        raise AccountNotFound(f"there is no account {reference[:40]}")
    return found[reference]


async def accounts_by_reference(
    db: Connection, partner: str, references: Iterable[str]
) -> dict[str, Account]:
    """The accounts by the id or number they were asked for; an unknown one is left out."""
    asked = [each for each in dict.fromkeys(references) if is_reference(each)]
    found = await store.find(db, partner, asked) if asked else []
    by_reference = {each.id: each for each in found} | {each.number: each for each in found}
    return {each: by_reference[each] for each in asked if each in by_reference}


async def accounts_of(
    db: Connection,
    partner: str,
    *,
    customer: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Account]:
    """A page of the accounts a customer may dispose of, or of all in the data space, by id."""
    size = checked_limit(limit)
    if customer is not None:
        await find_customer(db, partner, customer)
    after = checked_cursor(cursor)
    found = await store.page(db, partner, customer=customer, after=after, limit=size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def dispositions(db: Connection, partner: str, reference: str) -> list[Disposition]:
    """Who may dispose of the account, the owner first."""
    found = await account(db, partner, reference)
    return await store.dispositions(db, partner, found.id)


async def freeze(db: Connection, partner: str, reference: str, *, reason: str) -> Account:
    """The account receives, but pays nothing any more. Raises AccountTransitionRefused."""
    return await _move(db, partner, reference, to=AccountStatus.FROZEN, reason=reason)


async def unfreeze(db: Connection, partner: str, reference: str, *, reason: str) -> Account:
    """The account pays again. Raises AccountTransitionRefused."""
    return await _move(db, partner, reference, to=AccountStatus.OPEN, reason=reason)


async def close(
    db: Connection, clock: Clock, partner: str, reference: str, *, sweep_to: str | None = None
) -> Account:
    """The account is closed for ever; what is left on it goes to ``sweep_to`` first.

    Raises AccountNotEmpty (money without ``sweep_to``, or money on hold), AccountNotFound and
    AccountTransitionRefused.
    """
    found = await _locked(db, partner, reference)
    moved(found.status, AccountStatus.CLOSED)
    if sweep_to is not None:
        await _sweep(db, partner, found, await account(db, partner, sweep_to))
    left = await ledger.balance(db, found.ledger_account)
    if left.booked.minor or left.held.minor:
        raise AccountNotEmpty(f"account {found.number} still holds {left.booked}")
    closed = _IN_LEDGER[AccountStatus.CLOSED]
    await ledger.carry_out(db, ledger.set_status(found.ledger_account, closed))
    await store.set_status(db, found, AccountStatus.CLOSED, reason="closed", at=clock.now())
    return await account(db, partner, found.id)


async def issue_payer_token(db: Connection, clock: Clock, partner: str, reference: str) -> str:
    """A fresh payment code that pays once from the account, within a minute."""
    payer = await account(db, partner, reference)
    rules.may_pay(payer)
    code = _CODE_MARK + str(secrets.randbelow(10**_CODE_DIGITS)).zfill(_CODE_DIGITS)
    hashed = rules.token_hash(partner, code)
    token = PayerToken(hashed, payer.id, False, clock.now() + CODE_TTL, used=False)
    if not await store.insert_token(db, partner, token, at=clock.now()):
        # Two equal codes of 53 random bits: the wallet asks again.
        raise PayerTokenTaken
    return code


async def put_sandbox_token(
    db: Connection, clock: Clock, partner: str, reference: str, *, code: str, until: datetime
) -> None:
    """A chosen payment code pays from the account as often as one likes, in the sandbox only.

    For demos and tests, whose scripts cannot ask a wallet for a fresh code before every payment.
    Putting the same one again changes nothing. Raises PayerTokenTaken.
    """
    payer = await account(db, partner, reference)
    token = PayerToken(rules.token_hash(partner, code), payer.id, True, until, used=False)
    if not await store.insert_token(db, partner, token, at=clock.now()):
        stands = await store.find_token(db, partner, token.hash)
        if stands is None or (stands.account, stands.reusable) != (payer.id, True):
            raise PayerTokenTaken


async def payer_of_token(
    db: Connection, clock: Clock, partner: str, code: str, *, environment: str
) -> tuple[Account, PayerToken]:
    """The account that pays when this code is spent now, and the code's record for ``spent``.

    Raises PayerTokenUnknown, PayerTokenUsed, PayerTokenExpired, PayerTokenReusable, and
    AccountFrozen or AccountClosed for the account behind it.
    """
    token = await store.find_token(db, partner, rules.token_hash(partner, code))
    if token is None:
        raise PayerTokenUnknown
    rules.may_spend(token, at=clock.now(), environment=environment)
    payer = await account(db, partner, token.account)
    rules.may_pay(payer)
    return payer, token


def spent(clock: Clock, partner: str, token: PayerToken, *, used_for: str) -> tuple[Write, ...]:
    """The rows that spend a code in the payment's own transaction (none for a sandbox code).

    Of two payments that race with one code, the second violates the constraint SPENT_ONCE.
    """
    if token.reusable:
        return ()
    return (store.token_spent(partner, token.hash, used_for=used_for, at=clock.now()),)


async def _move(
    db: Connection, partner: str, reference: str, *, to: AccountStatus, reason: str
) -> Account:
    found = await _locked(db, partner, reference)
    moved(found.status, to)
    await ledger.carry_out(db, ledger.set_status(found.ledger_account, _IN_LEDGER[to]))
    await store.set_status(db, found, to, reason=reason, at=None)
    return await account(db, partner, found.id)


async def _locked(db: Connection, partner: str, reference: str) -> Account:
    found = await account(db, partner, reference)
    locked = await store.find_for_update(db, partner, found.id)
    assert locked is not None, "accounts are never deleted"
    return locked


async def _sweep(db: Connection, partner: str, source: Account, target: Account) -> None:
    """All available money of the account moves to another one of the data space."""
    rules.may_receive(target)
    available = (await ledger.balance(db, source.ledger_account)).available
    if not available.minor:
        return
    group = Group(
        id=group_id(partner, "account.close", source.id),
        legs=(Leg(source.ledger_account, target.ledger_account, available),),
        kind="sweep",
        narrative=f"closing of {source.number}",
    )
    (verdict,) = await ledger.post(db, [group])
    if not verdict.accepted:
        raise AccountNotEmpty(f"the money could not be moved: {verdict.reason}")
