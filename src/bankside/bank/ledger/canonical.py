"""The bytes a batch's hash covers, as ``bank.ledger_post_batch`` makes them and anybody can again.

UTF-8 text, lines parted by LF, fields by ``|``. First the head of the batch; then its transfers
ordered by (group id, leg); behind each accepted transfer its debit entry and its credit entry::

    bankside-ledger-batch/1|ledger|seq|booked at|transfers|entries|prev hash
    T|group|leg|kind|verdict|debit|credit|amount|currency|hold|expires at|request hash|...
        ...|value date|n|narrative
    E|account|version|amount|balance after

``... at`` is microseconds since 1970, ``verdict`` is ``accepted`` or the reason of the refusal,
``n`` the length of the narrative in octets, so that it may contain anything. Hashes are lower case
hexadecimal, SHA-256 (FIPS 180-4). The first batch's prev hash is the hash of the text
``bankside ledger `` followed by the ledger's name.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class TransferLine:
    """One row of ``ledger_transfers``."""

    group: UUID
    leg: int
    kind: str
    verdict: str
    reason: str
    debit: str
    credit: str
    amount: int
    currency: str
    hold: UUID | None
    expires_at: datetime | None
    request_hash: bytes
    value_date: date
    narrative: str

    @property
    def accepted(self) -> bool:
        """Whether it moved money."""
        return self.verdict == "accepted"

    def text(self) -> str:
        """Its line."""
        return (
            f"T|{self.group}|{self.leg}|{self.kind}|{self.reason or self.verdict}|{self.debit}|"
            f"{self.credit}|{self.amount}|{self.currency}|{self.hold or ''}|"
            f"{microseconds(self.expires_at)}|{self.request_hash.hex()}|{self.value_date}|{len(self.narrative.encode())}|"
            f"{self.narrative}"
        )


@dataclass(frozen=True, slots=True)
class EntryLine:
    """One row of ``ledger_entries``."""

    group: UUID
    leg: int
    account: str
    version: int
    amount: int
    balance_after: int

    def text(self) -> str:
        """Its line."""
        return f"E|{self.account}|{self.version}|{self.amount}|{self.balance_after}"


@dataclass(frozen=True, slots=True)
class BatchLine:
    """One row of ``ledger_batches``."""

    ledger: str
    seq: int
    booked_at: datetime
    transfers: int
    entries: int
    prev_hash: bytes
    hash: bytes

    def text(self) -> str:
        """Its line."""
        return (
            f"bankside-ledger-batch/1|{self.ledger}|{self.seq}|{microseconds(self.booked_at)}|{self.transfers}|"
            f"{self.entries}|{self.prev_hash.hex()}"
        )


def microseconds(instant: datetime | None) -> str:
    """Microseconds since 1970, or nothing."""
    return "" if instant is None else str((instant - _EPOCH) // timedelta(microseconds=1))


def first_hash(ledger: str) -> bytes:
    """What stands before the first batch of a ledger."""
    return hashlib.sha256(f"bankside ledger {ledger}".encode()).digest()


def batch_hash(batch: BatchLine, legs: Iterable[tuple[TransferLine, Sequence[EntryLine]]]) -> bytes:
    """The hash of a batch. ``legs``: by (group, leg), each with its debit and credit entry."""
    lines = [batch.text()]
    for transfer, entries in legs:
        lines.append(transfer.text())
        lines += [entry.text() for entry in entries]
    if len(lines) == 1:
        lines.append("")
    return hashlib.sha256("\n".join(lines).encode()).digest()
