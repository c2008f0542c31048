"""Entries as a consent shows them: its period, its direction, with or without the other side.

Always true: an entry is shown only when it was booked within the consent's period, the caller's
period and a direction the consent has; amounts have no sign, ``CreditDebitIndicator`` says which
side. Pages go account by account, newest first; a cursor is the last entry looked at.
Source: UK Open Banking Account and Transaction API 3.1 (OBTransaction6, filtering and paging).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from bankside.bank.accounts import Account, Transaction
from bankside.bank.accounts import transactions as entries_of
from bankside.identity.consents import Consent, Permission
from bankside.kernel.call import Answer
from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.ids import AccountId
from bankside.orders.desk import Desk, Ticket
from bankside.orders.openbanking.consulting import allowed, kept_accounts, noted, opened
from bankside.orders.openbanking.errors import PermissionMissing
from bankside.orders.openbanking.reading import (
    INVALID,
    SCHEME,
    instant,
    read_query,
    refuse,
    shown_amount,
)
from bankside.orders.openbanking.showing import Shown, done, optional, paged

TRANSACTIONS = (Permission.TRANSACTIONS_BASIC, Permission.TRANSACTIONS_DETAIL)
# A page of 100 entries with details is about 70 kB.
PAGE = 100
# Entries looked at for one answer: a consent that hides most of them still answers quickly.
LOOKED_AT_MAX = 1_000
INFORMATION_MAX = 500
_INDICATOR: Mapping[str, str] = {"CRDT": "Credit", "DBIT": "Debit"}
_DIRECTION: Mapping[str, Permission] = {
    "CRDT": Permission.TRANSACTIONS_CREDITS,
    "DBIT": Permission.TRANSACTIONS_DEBITS,
}


@dataclass(frozen=True, slots=True)
class _Window:
    """From which to which instant entries are shown, both included; None: open."""

    begins: datetime | None
    ends: datetime | None

    def holds(self, at: datetime) -> bool:
        """Whether an entry booked at an instant is shown."""
        return (self.begins is None or at >= self.begins) and (self.ends is None or at <= self.ends)

    def within(self, consent: Consent) -> "_Window":
        """The part of it that the consent allows."""
        begins = [each for each in (self.begins, consent.entries_from) if each]
        ends = [each for each in (self.ends, consent.entries_to) if each]
        return _Window(max(begins, default=None), min(ends, default=None))


async def transactions(desk: Desk, ticket: Ticket) -> Answer:
    """A page of entries of the account in the path, or of all accounts one after another."""
    query = read_query(ticket)
    asked = _Window(
        *(
            instant(query[name], name) if name in query else None
            for name in ("fromBookingDateTime", "toBookingDateTime")
        )
    )
    async with desk.reading() as db:
        found = await opened(desk, db, ticket, TRANSACTIONS)
        if not any(_directions(each, account) for account, each in found.items()):
            raise PermissionMissing("the consent has neither credits nor debits")
        kept = await kept_accounts(db, ticket, found)
        items, after = await _page(db, kept, found, asked, query.get("page"))
        await noted(desk, db, found.values())
    return done(ticket, paged(desk, ticket, {"Transaction": items}, after))


async def _page(
    db: Connection,
    kept: Sequence[Account],
    consents: Mapping[AccountId, Consent],
    asked: _Window,
    cursor: str | None,
) -> tuple[list[Shown], str | None]:
    """Up to PAGE entries beyond the cursor, and the cursor of what follows."""
    first, before = _place(cursor, kept)
    items: list[Shown] = []
    looked_at = 0
    for account in kept[first:]:
        consent = consents[account.id]
        window, directions = asked.within(consent), _directions(consent, account.id)
        if not directions or (window.begins and window.ends and window.begins > window.ends):
            before = None
            continue
        in_detail = allowed(consent, account.id, Permission.TRANSACTIONS_DETAIL)
        while True:
            found = await entries_of(
                db,
                account,
                from_date=_day(window.begins),
                to_date=_day(window.ends),
                cursor=before,
                limit=PAGE,
            )
            for each in found.items:
                looked_at += 1
                if each.credit_debit in directions and window.holds(each.booked_at):
                    items.append(_transaction(account, each, in_detail=in_detail))
                if len(items) == PAGE or looked_at == LOOKED_AT_MAX:
                    return items, _next(account, each, kept)
            before = found.next_cursor
            if before is None:
                break
    return items, None


def _next(account: Account, entry: Transaction, kept: Sequence[Account]) -> str | None:
    """The cursor after an entry; None after the oldest one of the last account."""
    if entry.sequence == 1 and account.id == kept[-1].id:
        return None
    return f"{account.id}.{entry.sequence}"


def _place(cursor: str | None, kept: Sequence[Account]) -> tuple[int, str | None]:
    """Index of the account to go on with and the sequence to go on below. Raises FieldsInvalid."""
    if cursor is None:
        return 0, None
    account, _, sequence = cursor.rpartition(".")
    ids = [each.id for each in kept]
    if account not in ids or not (sequence.isascii() and sequence.isdigit() and len(sequence) < 18):
        refuse([{"pointer": "page", "code": INVALID, "detail": "no page of this list"}])
    return ids.index(AccountId(account)), sequence


def _directions(consent: Consent, account: str) -> frozenset[str]:
    return frozenset(
        side for side, permission in _DIRECTION.items() if allowed(consent, account, permission)
    )


def _day(at: datetime | None) -> date | None:
    return at.astimezone(BANK_ZONE).date() if at else None


def _transaction(account: Account, entry: Transaction, *, in_detail: bool) -> Shown:
    value_at = datetime.combine(entry.value_date, time(), BANK_ZONE)
    basic: Shown = {
        "AccountId": account.id,
        "TransactionId": f"{account.id}.{entry.sequence}",
        "TransactionReference": str(entry.group),
        "CreditDebitIndicator": _INDICATOR[entry.credit_debit],
        "Status": "Booked",
        "TransactionMutability": "Immutable",
        "BookingDateTime": rfc3339(entry.booked_at),
        "ValueDateTime": rfc3339(value_at),
        "Amount": shown_amount(entry.amount),
        "ProprietaryBankTransactionCode": {"Code": entry.kind, "Issuer": "BANKSIDE"},
    }
    if not in_detail:
        return basic
    other = optional(
        SchemeName=SCHEME if entry.counterparty.account.isdigit() else None,
        Identification=entry.counterparty.account,
        Name=entry.counterparty.name_zh,
    )
    side = "DebtorAccount" if entry.credit_debit == "CRDT" else "CreditorAccount"
    after = entry.balance_after
    return (
        basic
        | optional(TransactionInformation=entry.narrative[:INFORMATION_MAX])
        | {
            side: other,
            "Balance": {
                "CreditDebitIndicator": "Credit" if after.minor >= 0 else "Debit",
                "Type": "InterimBooked",
                "Amount": shown_amount(after),
            },
        }
    )
