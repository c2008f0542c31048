"""Terms, reserves and failed payouts: each function in the caller's one transaction.

Always true: a merchant's proceeds stand on book sub-accounts of its partner's supervised account,
which the bank holds and no product debits; what leaves them is a refund, a share, a fee, or a
payout to the merchant itself.
"""

import re
from dataclasses import dataclass, replace
from datetime import date

from bankside.bank.accounts import account
from bankside.bank.clearing import rules, store, store_books, store_payouts
from bankside.bank.clearing.errors import (
    BatchNotFound,
    PayoutNotFound,
    PayoutTransitionRefused,
    ReleaseFourEyesRequired,
    ReserveRefused,
    TermsInvalid,
)
from bankside.bank.clearing.model import (
    BANK,
    Batch,
    Outside,
    Payout,
    PayoutState,
    Terms,
    payout_moved,
)
from bankside.bank.ledger import (
    AccountClass,
    Group,
    Leg,
    NewAccount,
    carry_out,
    group_id,
    open_account,
    post,
    set_floor,
)
from bankside.bank.merchants import merchant as find_merchant
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference
from bankside.kernel.money import MINOR_MAX, Money

NAME_MAX = 64
# A CNAPS code, or a BIC (ISO 9362); an account number has at most 34 characters (ISO 13616).
BANK_CODE = re.compile(r"[0-9]{12}|[A-Z]{6}[A-Z0-9]{2}(?:[A-Z0-9]{3})?")
ACCOUNT_NO = re.compile(r"(?=.*[0-9])[A-Za-z0-9]{5,34}")
HOLDER_MAX = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervised:
    """What stands on a partner's supervised account for one tenant (None: the partner's own).

    Minor units: ``pending`` is paid and not settled, ``available`` settled and not paid out,
    ``reserved`` kept for refunds, ``payable`` on its way to merchants; ``owed`` the bank advanced.
    """

    tenant: str | None
    currency: str
    merchants: int
    pending: int
    available: int
    reserved: int
    payable: int
    owed: int


async def agree(db: Connection, clock: Clock, terms: Terms) -> Terms:
    """The merchant's later orders are cleared net under these terms; agreeing again replaces them.

    Its sub-accounts are open. Orders that stand keep the account they began with. Raises
    MerchantNotFound, TermsInvalid, FloorRefused (more is advanced than the new limit).
    """
    found = await find_merchant(db, terms.partner, terms.merchant)
    _check(terms)
    limit = -terms.advance_max
    opened = [
        NewAccount(id=found.sub_account(part), partner=found.partner, currency=found.currency)
        for part in ("available", "reserved", "payable")
    ]
    advance = NewAccount(
        id=found.sub_account("owed"),
        partner=found.partner,
        currency=found.currency,
        account_class=AccountClass.ASSET,
        floor=limit,
    )
    platform = NewAccount(
        id=platform_reserve(found.partner, found.currency),
        partner=found.partner,
        currency=found.currency,
    )
    await carry_out(db, *map(open_account, (*opened, advance, platform)))
    await carry_out(db, set_floor(advance.id, limit))
    await store.put_terms(db, terms, clock.now())
    return terms


def platform_reserve(partner: str, currency: str) -> str:
    """The partner's reserve for refunds that a merchant's own money does not cover."""
    return f"{partner}.reserve.{currency}"


async def fund_reserve(
    db: Connection, clock: Clock, partner: str, payer: str, amount: Money, *, key: str
) -> str:
    """Money of one of the partner's accounts stands in its reserve; the same key moves it once.

    Raises AccountNotFound, ReserveRefused, TermsInvalid (key).
    """
    if not is_reference(key):
        raise TermsInvalid("a key has 1 to 128 letters, digits and -._:/")
    from_account = await account(db, partner, payer)
    reserve = platform_reserve(partner, amount.currency)
    opened = NewAccount(id=reserve, partner=partner, currency=amount.currency)
    await carry_out(db, open_account(opened))
    leg = Leg(from_account.ledger_account, reserve, amount)
    group = Group(group_id("clearing-reserve", partner, key), (leg,), kind="reserve")
    verdict = (await post(db, [group], at=clock.now()))[0]
    if not verdict.accepted:
        raise ReserveRefused(f"the ledger refuses it: {verdict.reason}")
    return reserve


async def refund_funding(
    db: Connection, partner: str, merchant: str, amount: Money
) -> list[tuple[str, int]]:
    """Which accounts fund a refund of money that was settled: (ledger account, minor units).

    In this order: what is available to the merchant, its reserve, the platform's reserve, and an
    advance of the bank up to its limit, which the next clearing takes back first (guide 7.1, 3).
    """
    terms = await store.terms(db, partner, merchant)
    assert terms is not None, "the merchant is cleared net"
    parts = [f"{merchant}.{part}" for part in ("available", "reserved")]
    platform, owed = platform_reserve(partner, amount.currency), f"{merchant}.owed"
    books = await store_books.balances(db, [*parts, platform, owed])
    sources = [(each, books.get(each, 0)) for each in (*parts, platform)]
    return rules.funded(amount.minor, [*sources, (owed, terms.advance_max + books.get(owed, 0))])


async def supervised(db: Connection, partner: str) -> list[Supervised]:
    """The partner's supervised accounts by tenant and currency."""
    rows = await store_books.supervised(db, partner)
    return [
        Supervised(
            tenant=row["tenant_id"],
            currency=row["currency"],
            merchants=row["merchants"],
            pending=row["pending"],
            available=row["available"],
            reserved=row["reserved"],
            payable=row["payable"],
            owed=row["owed"],
        )
        for row in rows
    ]


async def read_batch(db: Connection, on: date, space: str = BANK) -> Batch:
    """The date's batch. Raises BatchNotFound."""
    found = await store.batch(db, on, space)
    if found is None:
        raise BatchNotFound(f"{on} was not cleared")
    return found


async def release(
    db: Connection, clock: Clock, partner: str, on: date, *, merchant: str, by: str
) -> Payout:
    """A failed payout's money is available again, for the next date: two people say so.

    The first call proposes, a call by somebody else approves and posts. Raises PayoutNotFound,
    PayoutTransitionRefused, ReleaseFourEyesRequired.
    """
    found = (
        await store_payouts.payout(db, partner, on, merchant) if is_reference(merchant) else None
    )
    if found is None:
        raise PayoutNotFound(f"{merchant[:40]} has no payout of {on}")
    payout_moved(found.state, PayoutState.RELEASED)
    if not 0 < len(by.strip()) <= NAME_MAX or "\x00" in by:
        raise TermsInvalid(f"a person has a name of at most {NAME_MAX} characters")
    at = clock.now()
    if found.released_by is None:
        after = replace(found, released_by=by, owner=by, moved_at=at)
        await store_payouts.move_payout(db, after, PayoutState.FAILED)
        return after
    if found.released_by == by:
        raise ReleaseFourEyesRequired(f"{by} proposed it; another person approves it")
    after = replace(found, state=PayoutState.RELEASED, moved_at=at)
    await store_payouts.move_payout(db, after, PayoutState.FAILED, approved_by=by)
    leg = Leg(f"{merchant}.payable", f"{merchant}.available", Money(found.amount, found.currency))
    group = Group(group_id("clearing-release", found.key), (leg,), kind="payout_release")
    verdict = (await post(db, [group], at=at))[0]
    if not verdict.accepted:
        raise PayoutTransitionRefused(f"the ledger refuses it: {verdict.reason}")
    return after


def _check(terms: Terms) -> None:
    for name, minor in (("reserve", terms.reserve), ("advance", terms.advance_max)):
        if not 0 <= minor <= MINOR_MAX:
            raise TermsInvalid(f"the {name} is from 0 to {MINOR_MAX} minor units")
    if terms.payout_to is not None:
        _check_outside(terms.payout_to)


def _check_outside(to: Outside) -> None:
    if not BANK_CODE.fullmatch(to.bank):
        raise TermsInvalid("a bank is named by its CNAPS code (12 digits) or BIC (8 or 11)")
    if not ACCOUNT_NO.fullmatch(to.account_no):
        raise TermsInvalid("an account is named by its number, 5 to 34 letters and digits")
    holder = to.account_name
    if not (0 < len(holder.strip()) <= HOLDER_MAX and holder.isprintable()):
        raise TermsInvalid("an account elsewhere has a holder")
