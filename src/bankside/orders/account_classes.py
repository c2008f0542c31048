"""Classes of personal accounts: how many a person has, and what class II and III ones may move.

Source: PBOC notices 2015-392, 2016-302 and 2018-16. A day and a year are the bank's; money in and
money out count apart; what moves between such an account and the one it is bound to counts for
nothing, nor do interest, refunds and reversals. Lines of bulk payments, which the bank sends after
the batch was taken, are not counted. The balance of a class III account is read before the commit:
of two credits at the very same instant each may fit alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from bankside.bank import ledger
from bankside.bank.accounts import bound_to, limited_class
from bankside.bank.ledger import Group, Leg, Release
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection, Write
from bankside.kernel.money import Money
from bankside.orders import store_keys
from bankside.orders.errors_core import ClassLimitExceeded
from bankside.orders.store_keys import Spending


@dataclass(frozen=True, slots=True)
class Caps:
    """What an account may move a day and a year each way, and hold; minor units of CNY."""

    day: int
    year: int
    balance: int | None = None


CAPS: Final[Mapping[str, Caps]] = {
    "II": Caps(day=1_000_000, year=20_000_000),
    "III": Caps(day=200_000, year=5_000_000, balance=200_000),
}
# How many open accounts of a class one customer has with the bank; other classes: any number.
AT_MOST: Final[Mapping[str, int]] = {"I": 1, "II": 5, "III": 5, "basic": 1}
# Postings that are no payments of the holder's.
_FREE = frozenset({"interest", "refund", "reversal", "opening"})


def touched(group: Group | None) -> tuple[Leg, ...]:
    """The legs of a payment that debit or credit a limited account; mostly there are none."""
    if group is None or group.kind in _FREE or isinstance(group.hold, Release):
        return ()
    return tuple(
        each for each in group.legs if limited_class(each.debit) or limited_class(each.credit)
    )


async def counted(
    db: Connection, partner: str, legs: Sequence[Leg], at: datetime
) -> tuple[Write, ...]:
    """The rows that count what the legs move, to commit with them. Raises ClassLimitExceeded."""
    bound = await bound_to(db, partner, [name for leg in legs for name in (leg.debit, leg.credit)])
    today = at.astimezone(BANK_ZONE).date()
    writes: list[Write] = []
    for leg in legs:
        for own, other, way in ((leg.debit, leg.credit, "out"), (leg.credit, leg.debit, "in")):
            kind = limited_class(own)
            if kind is None or bound.get(own) == other:
                continue
            for spending in _spendings(partner, own, leg.amount, (kind, way), today):
                await _within(db, spending, kind)
                writes.append(store_keys.spent(spending))
        await _fits(db, leg)
    return tuple(writes)


def _spendings(
    partner: str, subject: str, amount: Money, what: tuple[str, str], today: date
) -> tuple[Spending, ...]:
    """A row of the day, and one of the year, which stands on the year's last day."""
    kind, way = what
    caps = CAPS[kind]
    ends = ((today, f"{way}.day", caps.day), (date(today.year, 12, 31), f"{way}.year", caps.year))
    return tuple(
        Spending(
            partner=partner,
            product=f"account.class-{kind}.{name}",
            subject=subject,
            currency=amount.currency,
            day=day,
            minor=amount.minor,
            ceiling=ceiling,
        )
        for day, name, ceiling in ends
    )


async def _within(db: Connection, spending: Spending, kind: str) -> None:
    left = spending.ceiling - await store_keys.spent_today(db, spending)
    if spending.minor > left:
        shown = Money(max(left, 0), spending.currency)
        raise ClassLimitExceeded(
            f"{shown} {shown.currency} are left of what a class {kind} account may move",
            extra={"left": shown.to_json()},
        )


async def _fits(db: Connection, leg: Leg) -> None:
    kind = limited_class(leg.credit)
    most = CAPS[kind].balance if kind else None
    if most is None:
        return
    held = (await ledger.balance(db, leg.credit)).booked.minor
    if held + leg.amount.minor > most:
        shown = Money(most, leg.amount.currency)
        raise ClassLimitExceeded(f"a class {kind} account holds at most {shown} {shown.currency}")
