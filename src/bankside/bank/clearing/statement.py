"""Settlement files: a sealed date of a partner, a tenant or a merchant, in two forms.

Always true: the bytes depend on the sealed range of the chain and on the claims, both of which
never change, so a file of a date is the same at every run; SHA-256 is over all of its bytes.

``csv`` (RFC 4180 without quotes, UTF-8, LF), ``fixed`` (the same records, ASCII, every field padded
to the width of ``WIDTHS``, one blank between, LF):

    H,1,<partner>,<tenant>,<merchant>,<business date>,<value date>,<sha-256 of the batch>
    P,<merchant>,<tenant>,<currency>,<net|direct>,<postings>,<paid in>,<captured>,<refunded>,
      <split>,<returned>,<fee>,<settled>,<other>,<carried in>,<net>,<recovered>,<reserved>,<payout>,
      <carried out>,<payout key>
    L,<posting>,<leg>,<merchant>,<in|out|move>,<kind>,<amount>,<currency>
    T,<positions>,<lines>[,<currency>,<net>,<payout> ...]

Amounts are decimal; an empty field says "all" in H and "not yet" or "none" elsewhere.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bankside.bank.clearing import rules, store, store_books
from bankside.bank.clearing.errors import BatchNotFound, BatchTransitionRefused, StatementChanged
from bankside.bank.clearing.model import BatchState, Position, clears
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.money import Money

VERSION = "1"
Form = Literal["csv", "fixed"]
Out = Callable[[bytes], object]
# Columns of each record in the fixed form, in characters; amounts stand to the right.
_AMOUNT = 20
WIDTHS: Mapping[str, Sequence[int]] = {
    "H": (1, 3, 40, 40, 40, 10, 10, 64),
    "P": (1, 40, 40, 3, 6, 9, *(_AMOUNT,) * 14, 40),
    "L": (1, 36, 4, 40, 4, 24, _AMOUNT, 3),
}
# A trailer: T, positions, lines, and three columns a currency.
_TRAILER = (1, 9, 9)
_TRAILER_CURRENCY = (3, _AMOUNT, _AMOUNT)
# Where an amount stands: to the right of its column.
_RIGHT: Mapping[str, frozenset[int]] = {
    "P": frozenset(range(5, 20)),
    "L": frozenset({2, 6}),
    "T": frozenset({1, 2}),
}
_PUBLISHED = frozenset(
    {BatchState.CHECKED, BatchState.SUBMITTED, BatchState.CONFIRMED, BatchState.RECONCILED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """Which date a file shows, and whose: all merchants of a partner or a tenant, or named ones."""

    partner: str
    on: date
    tenant: str | None = None
    merchants: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """What a file was written: records and hash; the hash is hexadecimal."""

    positions: int
    lines: int
    sha256: str
    batch: str


async def write_file(db: Connection, whose: Whose, form: Form, out: Out) -> Written:
    """The settlement file of a date whose payouts were checked.

    Works in one transaction of the caller's (cursors), within its time for a statement: for files
    of whole partners there is ``give_out``. Raises BatchNotFound,
    BatchTransitionRefused.
    """
    on = whose.on
    space = clears(whose.partner)
    batch = await store.batch(db, on, space)
    if batch is None:
        raise BatchNotFound(f"{on} was not cleared")
    if batch.state not in _PUBLISHED:
        raise BatchTransitionRefused(f"the batch of {on} is {batch.state}: it has no file yet")
    assert batch.last_seq is not None and batch.hash is not None
    file = _File(form, out)
    merchants = list(whose.merchants) if whose.merchants is not None else None
    named = merchants[0] if merchants and len(merchants) == 1 else ""
    dates = (on.isoformat(), batch.value_on.isoformat())
    file.write("H", VERSION, whose.partner, whose.tenant or "", named, *dates, batch.hash)
    shown: list[str] = []
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    async for each in store.positions(db, on, space, partner=whose.partner, merchants=merchants):
        if whose.tenant is None or each.tenant == whose.tenant:
            shown.append(each.merchant)
            totals[each.currency][0] += each.net
            totals[each.currency][1] += each.payout or 0
            file.write("P", *_position(each))
    lines = 0
    seqs = (batch.first_seq, batch.last_seq)
    async for row in store_books.lines(db, seqs, whose.partner, shown):
        lines += 1
        amount = str(Money(row["amount"], row["currency"]))
        about = (row["merchant"], row["side"], row["kind"], amount, row["currency"])
        file.write("L", row["reference"], str(row["leg"]), *about)
    sums = [
        text
        for currency, (net, payout) in sorted(totals.items())
        for text in (currency, str(Money(net, currency)), str(Money(payout, currency)))
    ]
    file.write("T", str(len(shown)), str(lines), *sums)
    return Written(len(shown), lines, file.sha256, batch.hash)


def _position(p: Position) -> list[str]:
    figures = (
        *(p.paid_in, p.captured, p.refunded, p.split, p.returned, p.fee, p.settled, p.other),
        *(p.carried_in, p.net, p.recovered, p.kept, p.payout, p.carried_out),
    )
    shown = ("" if each is None else str(Money(each, p.currency)) for each in figures)
    word = "net" if p.netted else "direct"
    key = rules.payout_key(p) if p.payout else ""
    return [p.merchant, p.tenant or "", p.currency, word, str(p.postings), *shown, key]


Sign = Callable[[bytes], tuple[str, bytes]]


@dataclass(frozen=True, slots=True)
class Statement:
    """A file that was given out: its hash, and the bank's signature over that, by which key."""

    written: Written
    key: str
    signature: bytes


async def give_out(
    db: Connection, clock: Clock, whose: Whose, *, form: Form, out: Out, sign: Sign
) -> Statement:
    """The signed settlement file of a date; the same bytes and signature at every later time.

    ``sign`` signs the file's SHA-256 (32 octets) and names its key. Raises what ``write_file``
    does, and StatementChanged when a file that was given out would be another one now.
    """
    await store.patience(db)
    written = await write_file(db, whose, form, out)
    digest = bytes.fromhex(written.sha256)
    names = " ".join(whose.merchants or ())
    about = (whose.partner, whose.on, whose.tenant or "", names, form)
    key, signature = sign(digest)
    kept = await store.keep_statement(db, about, (digest, key, signature, clock.now()))
    if kept["sha256"] != digest:
        raise StatementChanged(f"the file of {whose.on} was given out with another hash")
    return Statement(written, kept["key_id"], kept["signature"])


class _File:
    """Records written one after the other, and the hash of their bytes."""

    def __init__(self, form: Form, out: Out) -> None:
        self._form, self._out = form, out
        self._whole = hashlib.sha256()

    def write(self, *fields: str) -> None:
        content = (",".join(fields) if self._form == "csv" else _padded(fields)).encode() + b"\n"
        self._whole.update(content)
        self._out(content)

    @property
    def sha256(self) -> str:
        return self._whole.hexdigest()


def _padded(fields: Sequence[str]) -> str:
    kind = fields[0]
    if kind == "T":
        widths = (*_TRAILER, *_TRAILER_CURRENCY * ((len(fields) - len(_TRAILER)) // 3))
        right = _RIGHT["T"] | {n for n in range(3, len(fields)) if n % 3 != 0}
    else:
        widths, right = tuple(WIDTHS[kind]), _RIGHT.get(kind, frozenset())
    return " ".join(
        text.rjust(width) if n in right else text.ljust(width)
        for n, (text, width) in enumerate(zip(fields, widths, strict=True))
    )
