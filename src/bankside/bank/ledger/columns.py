"""A batch as columns: the arguments that ``bank.ledger_post_batch`` takes.

Pure: groups in, lists out. Positions count from 1, as PostgreSQL's arrays do. Each account and each
hold stands once in a batch; legs and groups name it by position, so the long ids travel once and
the function compares integers.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from bankside.bank.ledger.model import Capture, Group, Hold, Release

_TRANSFER, _PLACE, _CAPTURE, _RELEASE = range(4)


@dataclass(slots=True)
class Columns:
    """The columns of one batch, in the order of the SQL function's parameters."""

    groups: list[UUID] = field(default_factory=list)
    first: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    narratives: list[str] = field(default_factory=list)
    hashes: list[bytes] = field(default_factory=list)
    value_dates: list[date] = field(default_factory=list)
    acts: list[int] = field(default_factory=list)
    group_holds: list[int] = field(default_factory=list)
    expires: list[datetime | None] = field(default_factory=list)
    hold_ids: list[UUID] = field(default_factory=list)
    accounts: list[str] = field(default_factory=list)
    leg_groups: list[int] = field(default_factory=list)
    debits: list[int] = field(default_factory=list)
    credits: list[int] = field(default_factory=list)
    amounts: list[int] = field(default_factory=list)
    currencies: list[str] = field(default_factory=list)

    def arguments(self) -> tuple[Any, ...]:
        """All columns, in order."""
        return (
            self.groups,
            self.first,
            self.kinds,
            self.narratives,
            self.hashes,
            self.value_dates,
            self.acts,
            self.group_holds,
            self.expires,
            self.hold_ids,
            self.accounts,
            self.leg_groups,
            self.debits,
            self.credits,
            self.amounts,
            self.currencies,
        )


def columns_of(groups: Sequence[Group], hashes: Sequence[bytes], booking_date: date) -> Columns:
    """The columns of a batch of distinct groups; ``hashes`` are their fingerprints."""
    assert len({group.id for group in groups}) == len(groups)
    columns = Columns()
    accounts = {leg.debit for group in groups for leg in group.legs}
    accounts.update(leg.credit for group in groups for leg in group.legs)
    columns.accounts = sorted(accounts)
    positions = {account: index for index, account in enumerate(columns.accounts, start=1)}
    holds: dict[UUID, int] = {}
    for number, (group, fingerprint) in enumerate(zip(groups, hashes, strict=True), start=1):
        act, hold, expires = _act(group)
        columns.groups.append(group.id)
        columns.first.append(len(columns.leg_groups) + 1)
        columns.kinds.append(group.kind)
        columns.narratives.append(group.narrative)
        columns.hashes.append(fingerprint)
        columns.value_dates.append(group.value_date or booking_date)
        columns.acts.append(act)
        columns.group_holds.append(holds.setdefault(hold, len(holds) + 1) if hold else 0)
        columns.expires.append(expires)
        _add_legs(columns, number, group, positions)
    columns.hold_ids = list(holds)
    return columns


def _add_legs(columns: Columns, number: int, group: Group, positions: dict[str, int]) -> None:
    if not group.legs:
        # A release of all that is left: the database fills this leg from the hold.
        columns.leg_groups.append(number)
        columns.debits.append(0)
        columns.credits.append(0)
        columns.amounts.append(0)
        columns.currencies.append("")
    for leg in group.legs:
        columns.leg_groups.append(number)
        columns.debits.append(positions[leg.debit])
        columns.credits.append(positions[leg.credit])
        columns.amounts.append(leg.amount.minor)
        columns.currencies.append(leg.amount.currency)


def _act(group: Group) -> tuple[int, UUID | None, datetime | None]:
    """The act's number, the hold it is about, and when a placed hold expires."""
    match group.hold:
        case None:
            return _TRANSFER, None, None
        case Hold(expires_at):
            return _PLACE, group.id, expires_at
        case Capture(hold):
            return _CAPTURE, hold, None
        case Release(hold):
            return _RELEASE, hold, None
