"""Proof of the books: everything is recomputed, and the first thing that is wrong is named.

Checked, in this order: the chain from its first batch (no gap, each hash recomputed over all its
transfers and entries), and in each batch every leg's two entries, their versions without a gap,
balance_after = balance before + amount, floors as they were then, time never backwards; then each
account against its last entry; sums of zero per currency; each hold against its transfers, and each
hold account against its holds. Read only, one snapshot, bounded memory (some thousand rows).

A tail that was cut off or re-written in all tables at once shows against a ``Head`` kept elsewhere.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from bankside.bank.ledger import store_verify as store
from bankside.bank.ledger.canonical import (
    BatchLine,
    EntryLine,
    TransferLine,
    batch_hash,
    first_hash,
)
from bankside.bank.ledger.errors import LedgerUnknown
from bankside.bank.ledger.model import MAIN, Head
from bankside.kernel.db import Connection

# Rows of this many transfers, with twice as many entries, are in memory at a time.
CHUNK_TRANSFERS = 4_000
CHUNK_BATCHES = 500
CHUNK_KEYS = 2_000
PROGRESS_BATCHES = 5_000

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """The first wrong thing: ``where`` it stands, what was ``expected`` there and ``found``."""

    where: str
    expected: str
    found: str


@dataclass(slots=True)
class Report:
    """What was checked, and the first fault (None: the books are right).

    ``head`` is the chain's end: keep it elsewhere and give it to the next verification.
    """

    ledger: str
    batches: int = 0
    transfers: int = 0
    refused: int = 0
    entries: int = 0
    accounts: int = 0
    holds: int = 0
    head: Head | None = None
    fault: Fault | None = None

    def text(self) -> str:
        """The report for a person."""
        counts = (
            f"ledger {self.ledger}: {self.batches} batches, {self.transfers} transfers "
            f"({self.refused} refused), {self.entries} entries, {self.accounts} accounts, "
            f"{self.holds} holds"
        )
        if self.fault is not None:
            return (
                f"{counts}\nWRONG at {self.fault.where}\n"
                f"  expected {self.fault.expected}\n  found    {self.fault.found}"
            )
        head = f"{self.head.seq} {self.head.hash}" if self.head is not None else "none"
        return f"{counts}\nright; head {head}"


class _Wrong(Exception):
    def __init__(self, where: str, expected: object, found: object) -> None:
        super().__init__(where)
        self.fault = Fault(where, str(expected), str(found))


async def verify(
    db: Connection,
    ledger: str = MAIN,
    *,
    progress: Progress | None = None,
    known_head: Head | None = None,
) -> Report:
    """Recompute the whole ledger. Raises LedgerUnknown.

    Opens a REPEATABLE READ, READ ONLY transaction, so that it can run beside postings; inside the
    caller's own transaction it sees what that one sees. ``known_head``: this batch must still be in
    the chain with this hash.
    """
    if db.is_in_transaction():
        return await _verify(db, ledger, progress, known_head)
    async with db.transaction(isolation="repeatable_read", readonly=True):
        return await _verify(db, ledger, progress, known_head)


async def _verify(
    db: Connection, ledger: str, progress: Progress | None, known_head: Head | None
) -> Report:
    report = Report(ledger)
    claimed = await store.head(db, ledger)
    if claimed is None:
        raise LedgerUnknown(f"there is no ledger {ledger[:40]}")
    try:
        end = await _verify_chain(db, report, known_head, progress)
        if claimed != end:
            raise _Wrong("head of the chain", _head_text(end), _head_text(claimed))
        await _verify_no_strays(db, ledger, end[0])
        on_hold = await _verify_holds(db, report)
        await _verify_accounts(db, report, on_hold)
        report.head = Head(ledger, end[0], end[1].hex())
    except _Wrong as wrong:
        report.fault = wrong.fault
    return report


def _head_text(head: tuple[int, bytes]) -> str:
    return f"batch {head[0]} {head[1].hex()}"


async def _verify_chain(
    db: Connection, report: Report, known_head: Head | None, progress: Progress | None
) -> tuple[int, bytes]:
    """Check all batches in order; seq and hash of the last one."""
    seq, hash_before = 0, first_hash(report.ledger)
    async for chunk in _chunks(db, report.ledger):
        contents = await _contents(db, report.ledger, chunk)
        for batch in chunk:
            if batch.seq != seq + 1:
                raise _Wrong(f"batch {seq + 1}", "a batch", f"none; the next is {batch.seq}")
            if batch.prev_hash != hash_before:
                raise _Wrong(
                    f"batch {batch.seq}, previous hash", hash_before.hex(), batch.prev_hash.hex()
                )
            _verify_batch(batch, contents[batch.seq], report)
            seq, hash_before = batch.seq, batch.hash
            if known_head is not None and known_head.seq == seq != 0:
                _verify_known(known_head, hash_before)
            if progress is not None and seq % PROGRESS_BATCHES == 0:
                progress(f"batch {seq}, {report.transfers} transfers")
        astray = await store.transfer_without_hold(db, report.ledger, chunk[0].seq, seq)
        if astray is not None:
            where = f"transfer {astray['group_id']} leg {astray['leg']}, hold"
            raise _Wrong(where, "the hold it belongs to", "none")
    if known_head is not None and known_head.seq > seq:
        raise _Wrong(f"batch {known_head.seq}", known_head.hash, "none: the tail was cut off")
    return seq, hash_before


def _verify_known(known: Head, found: bytes) -> None:
    if found.hex() != known.hash:
        raise _Wrong(f"batch {known.seq}, hash kept elsewhere", known.hash, found.hex())


async def _chunks(db: Connection, ledger: str) -> AsyncIterator[list[BatchLine]]:
    """All batches, in lists whose transfers fit into memory together."""
    seq = 0
    while found := await store.batches(db, ledger, seq, CHUNK_BATCHES):
        chunk: list[BatchLine] = []
        transfers = 0
        for batch in found:
            if chunk and transfers + batch.transfers > CHUNK_TRANSFERS:
                yield chunk
                chunk, transfers = [], 0
            chunk.append(batch)
            transfers += batch.transfers
        yield chunk
        seq = found[-1].seq


@dataclass(slots=True)
class _Content:
    """The rows that say they belong to one batch."""

    transfers: list[TransferLine] = field(default_factory=list)
    entries: dict[tuple[UUID, int], list[store.EntryInPlace]] = field(default_factory=dict)


async def _contents(db: Connection, ledger: str, chunk: Sequence[BatchLine]) -> dict[int, _Content]:
    first, last = chunk[0].seq, chunk[-1].seq
    contents = {batch.seq: _Content() for batch in chunk}
    for seq, transfer in await store.transfers(db, ledger, first, last):
        contents.setdefault(seq, _Content()).transfers.append(transfer)
    for entry in await store.entries(db, ledger, first, last):
        content = contents.setdefault(entry.batch, _Content())
        content.entries.setdefault((entry.line.group, entry.line.leg), []).append(entry)
    return contents


def _verify_batch(batch: BatchLine, content: _Content, report: Report) -> None:
    legs: list[tuple[TransferLine, list[EntryLine]]] = []
    for transfer in content.transfers:
        entries = content.entries.pop((transfer.group, transfer.leg), [])
        _verify_leg(transfer, entries)
        legs.append((transfer, [entry.line for entry in entries]))
        report.transfers += 1
        report.refused += not transfer.accepted
        report.entries += len(entries)
    for (group, leg), entries in content.entries.items():
        raise _Wrong(
            _entry_text(entries[0].line),
            "no entry without its transfer",
            f"an entry of group {group} leg {leg} in batch {batch.seq}",
        )
    counted = sum(len(entries) for _, entries in legs)
    if (batch.transfers, batch.entries) != (len(legs), counted):
        raise _Wrong(
            f"batch {batch.seq}, counts",
            f"{batch.transfers} transfers and {batch.entries} entries",
            f"{len(legs)} transfers and {counted} entries",
        )
    recomputed = batch_hash(batch, legs)
    if recomputed != batch.hash:
        raise _Wrong(
            f"batch {batch.seq}, hash (a text, date or id in it was changed)",
            batch.hash.hex(),
            recomputed.hex(),
        )
    report.batches += 1


def _entry_text(entry: EntryLine) -> str:
    return f"entry {entry.account} version {entry.version}"


def _verify_leg(transfer: TransferLine, entries: Sequence[store.EntryInPlace]) -> None:
    name = f"transfer {transfer.group} leg {transfer.leg}"
    wanted = (
        [(transfer.debit, -transfer.amount), (transfer.credit, transfer.amount)]
        if transfer.accepted
        else []
    )
    found = [(entry.line.account, entry.line.amount) for entry in entries]
    for entry in entries:
        _verify_entry(entry, transfer.currency)
    for (account, amount), entry in zip(wanted, entries, strict=False):
        if (entry.line.account, entry.line.amount) != (account, amount):
            raise _Wrong(
                _entry_text(entry.line),
                f"{amount} on {account} ({name})",
                f"{entry.line.amount} on {entry.line.account}",
            )
    if found != wanted:
        missing = [f"{amount} on {account}" for account, amount in wanted[len(found) :]]
        raise _Wrong(f"{name}, entries", missing or "none", found[len(wanted) :] or "none")


def _verify_entry(entry: store.EntryInPlace, currency: str) -> None:
    line = entry.line
    if entry.currency != currency:
        raise _Wrong(_entry_text(line), f"an account in {currency}", f"one in {entry.currency}")
    before = 0 if line.version == 1 else entry.balance_before
    if before is None:
        raise _Wrong(f"entry {line.account} version {line.version - 1}", "an entry", "none")
    if before + line.amount != line.balance_after:
        raise _Wrong(
            f"{_entry_text(line)}, balance after",
            f"{before} + {line.amount} = {before + line.amount}",
            line.balance_after,
        )
    if entry.floor is not None and line.balance_after < entry.floor:
        raise _Wrong(_entry_text(line), f"at least the floor {entry.floor}", line.balance_after)
    if not entry.booked_before:
        raise _Wrong(_entry_text(line), "booked not before the entry before it", "booked earlier")


async def _verify_no_strays(db: Connection, ledger: str, last: int) -> None:
    transfer = await store.stray_transfer(db, ledger, last)
    if transfer is not None:
        raise _Wrong(
            f"transfer {transfer['group_id']} leg {transfer['leg']}",
            f"a batch from 1 to {last}",
            f"batch {transfer['batch']}",
        )
    entry = await store.stray_entry(db, ledger, last)
    if entry is not None:
        raise _Wrong(
            f"entry {entry['account_id']} version {entry['version']}",
            f"a batch from 1 to {last}",
            f"batch {entry['batch']}",
        )


async def _verify_holds(db: Connection, report: Report) -> Counter[str]:
    """Check every hold against its transfers; what is left on each hold account."""
    on_hold: Counter[str] = Counter()
    after = UUID(int=0)
    while rows := await store.holds(db, report.ledger, after, CHUNK_KEYS):
        for row in rows:
            placed = (row["amount"], row["rest"], row["account_id"])
            expected = (row["placed"], row["placed"] - row["drawn"], row["holder"])
            if placed != expected:
                raise _Wrong(f"hold {row['hold_id']} (amount, rest, holder)", expected, placed)
            if row["expires_at"] != row["placed_until"]:
                raise _Wrong(
                    f"hold {row['hold_id']}, expiry", row["placed_until"], row["expires_at"]
                )
            on_hold[row["hold_account_id"]] += row["rest"]
            report.holds += 1
        after = rows[-1]["hold_id"]
    return on_hold


async def _verify_accounts(db: Connection, report: Report, on_hold: Counter[str]) -> None:
    """Check every account against its last entry; all balances of a currency sum to zero."""
    sums: Counter[str] = Counter()
    after = ""
    while rows := await store.accounts(db, report.ledger, after, CHUNK_KEYS):
        for row in rows:
            name = f"account {row['account_id']}"
            if (row["version"], row["balance"]) != (row["last_version"], row["last_balance"]):
                raise _Wrong(
                    f"{name} (version, balance)",
                    (row["last_version"], row["last_balance"]),
                    (row["version"], row["balance"]),
                )
            if row["floor"] != row["floor_on_record"]:
                raise _Wrong(f"{name}, floor", row["floor_on_record"], row["floor"])
            if row["class"] == "hold" and row["balance"] != on_hold[row["account_id"]]:
                raise _Wrong(f"{name}, sum of holds", on_hold[row["account_id"]], row["balance"])
            sums[row["currency"]] += row["balance"]
            report.accounts += 1
        after = rows[-1]["account_id"]
    for currency, total in sums.items():
        if total != 0:
            raise _Wrong(f"sum of all balances in {currency}", 0, total)
