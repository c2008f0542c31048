"""The channel's file of a date: head, lines, trailer; read strictly, written byte for byte alike.

Comma-separated UTF-8 (RFC 4180 without quotes, lines end in LF or CRLF), decimal amounts:

    H,1,<channel>,<partner>,<business date>,<value date>,<kinds with a space between>
    L,<reference>,<party>,<kind>,<amount>,<currency>,<date>,<posted|refused>,<about>
    T,<lines>,<currency>,<total>[,<currency>,<total> ...]

Always true: a file is taken whole or not at all. Lines may come in any order and a line may stand
twice (the comparison says so); a line that is cut off, a count or a total that does not fit refuses
the file with line and column. Totals are of posted lines.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import NoReturn

from bankside.bank.reconciliation.errors import (
    ChannelFileInvalid,
    ChannelFileTotalWrong,
    ChannelFileTruncated,
)
from bankside.bank.reconciliation.model import KINDS, RECEIPT, Record
from bankside.kernel.errors import Invalid
from bankside.kernel.ids import is_reference
from bankside.kernel.money import Money

VERSION = "1"
# More than a million orders of a date with their splits and refunds, in some 100 octets a line.
LINES_MAX = 10_000_000
LINE_OCTETS_MAX = 1_024
CURRENCIES_MAX = 40
_NAME = re.compile(r"[a-z][a-z0-9-]{1,31}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_STATUSES = ("posted", "refused")
_FIELDS = 9


@dataclass(frozen=True, slots=True)
class Head:
    """Whose file it is: channel, partner, business date, value date, and the kinds it covers."""

    channel: str
    partner: str
    on: date
    value_on: date
    kinds: frozenset[str]


@dataclass(slots=True)
class ChannelFile:
    """A file while it is read: its head, then ``records`` once, then what it added up to.

    ``sha256`` is of the bytes and stands after the last record.
    """

    head: Head
    records: Iterator[Record]
    lines: int = 0
    sha256: bytes = b""


def read(lines: Iterable[bytes]) -> ChannelFile:
    """The file whose head is read now and whose records are read as they are asked for.

    Raises ChannelFileInvalid, ChannelFileTruncated, ChannelFileTotalWrong: at the head, or at the
    record where it shows. Nothing of a refused file may be kept.
    """
    whole = hashlib.sha256()
    rows = _rows(lines, whole.update)
    first = next(rows, None)
    if first is None:
        raise ChannelFileTruncated("line 1: the file is empty")
    file = ChannelFile(_head(first[1]), iter(()))
    file.records = _records(rows, file, whole.digest)
    return file


def _rows(lines: Iterable[bytes], seen: Callable[[bytes], None]) -> Iterator[tuple[int, list[str]]]:
    for number, raw in enumerate(lines, start=1):
        seen(raw)
        if number > LINES_MAX + 2:
            _refuse(number, 1, f"a file has at most {LINES_MAX} lines")
        if len(raw) > LINE_OCTETS_MAX:
            _refuse(number, 1, f"a line has at most {LINE_OCTETS_MAX} octets")
        if not raw.endswith(b"\n"):
            raise ChannelFileTruncated(f"line {number}: the line is cut off, no line feed ends it")
        try:
            text = raw.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as error:
            _refuse(number, error.start + 1, "not UTF-8")
        yield number, text.split(",")


def _head(fields: list[str]) -> Head:
    if len(fields) != 7 or fields[:2] != ["H", VERSION]:
        _refuse(1, 1, f"a head is H,{VERSION} and five more fields")
    if not _NAME.fullmatch(fields[2]):
        _refuse(1, 3, f"{fields[2][:40]!r} is no channel's name")
    if not is_reference(fields[3]):
        _refuse(1, 4, f"{fields[3][:40]!r} is no partner")
    kinds = frozenset(fields[6].split())
    if not kinds or not kinds <= KINDS:
        _refuse(1, 7, f"a channel covers some of: {' '.join(sorted(KINDS))}")
    return Head(fields[2], fields[3], _date(1, 5, fields[4]), _date(1, 6, fields[5]), kinds)


def _records(
    rows: Iterator[tuple[int, list[str]]], file: ChannelFile, digest: Callable[[], bytes]
) -> Iterator[Record]:
    totals: dict[str, int] = defaultdict(int)
    for number, fields in rows:
        if fields[0] == "T":
            _trailer(number, fields, file.lines, totals)
            if (extra := next(rows, None)) is not None:
                _refuse(extra[0], 1, "nothing stands below the trailer")
            file.sha256 = digest()
            return
        record = _record(number, fields, file.head)
        file.lines += 1
        if record.status == "posted":
            totals[record.currency] += record.amount or 0
        yield record
    raise ChannelFileTruncated(f"after {file.lines} lines the file ends without its trailer")


def _record(number: int, fields: list[str], head: Head) -> Record:
    if len(fields) != _FIELDS or fields[0] != "L":
        _refuse(number, 1, f"a line is L and {_FIELDS - 1} more fields, a trailer begins with T")
    _, reference, party, kind, amount, currency, on, status, about = fields
    named = ((2, reference), (3, party), *([(9, about)] if about else []))
    for column, text in named:
        if not is_reference(text):
            _refuse(number, column, f"{text[:40]!r} is no reference")
    if kind not in head.kinds and kind != RECEIPT:
        _refuse(number, 4, f"the head does not cover {kind[:40]!r}")
    try:
        money = Money.parse(amount, currency)
    except Invalid as error:
        raise ChannelFileInvalid(f"line {number}, column 5: {error}") from error
    if money.minor == 0:
        _refuse(number, 5, "an amount is above zero")
    if status not in _STATUSES:
        _refuse(number, 8, f"{status[:40]!r} is neither posted nor refused")
    day = _date(number, 7, on)
    return Record(reference, party, kind, money.minor, currency, day, status, about)


def _trailer(number: int, fields: list[str], lines: int, totals: dict[str, int]) -> None:
    if len(fields) < 2 or len(fields) % 2 or len(fields) > 2 + 2 * CURRENCIES_MAX:
        _refuse(number, 1, "a trailer is T, the number of lines, and a total a currency")
    if fields[1] != str(lines):
        raise ChannelFileTruncated(
            f"line {number}, column 2: the trailer says {fields[1][:20]} lines, there are {lines}"
        )
    said = dict(zip(fields[2::2], fields[3::2], strict=True))
    true = {currency: str(Money(minor, currency)) for currency, minor in totals.items()}
    if said != true:
        raise ChannelFileTotalWrong(f"line {number}, column 3: the lines add up to {_shown(true)}")


def _shown(totals: dict[str, str]) -> str:
    return ", ".join(f"{total} {currency}" for currency, total in sorted(totals.items())) or "0"


def _date(number: int, column: int, text: str) -> date:
    # Other spellings of ISO 8601 (20260302, 2026-W10-1) are not the one the format names.
    try:
        day = date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        _refuse(number, column, f"{text[:40]!r} is not a date such as 2026-03-02")
    return day


def _refuse(number: int, column: int, why: str) -> NoReturn:
    raise ChannelFileInvalid(f"line {number}, column {column}: {why}")


def head_line(head: Head) -> str:
    """The first line of a file."""
    facts = (head.channel, head.partner, head.on.isoformat(), head.value_on.isoformat())
    return f"H,{VERSION},{','.join(facts)},{' '.join(sorted(head.kinds))}\n"


def record_line(record: Record) -> str:
    """One line of a file."""
    assert record.amount is not None, "a file states its amounts"
    amount = Money(record.amount, record.currency)
    return (
        f"L,{record.reference},{record.party},{record.kind},{amount},{record.currency},"
        f"{record.on.isoformat()},{record.status},{record.about}\n"
    )


def trailer_line(lines: int, totals: dict[str, int]) -> str:
    """The last line of a file; currencies ascending."""
    sums = "".join(f",{each},{Money(totals[each], each)}" for each in sorted(totals))
    return f"T,{lines}{sums}\n"
