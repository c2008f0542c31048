"""The comparison: all records of one posting in, its breaks out. Pure.

The odd one out is the side that differs. Where two of three agree, the third has the break; where
no two agree, the books are right and every other side has one. What a source says twice is one
duplicate on that side, and is compared by the record that fits the books. What was refused
everywhere needs no counterpart.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from bankside.bank.reconciliation.model import BreakKind, Found, Record, Source

Sides = Mapping[Source, Sequence[Record]]
# Of sides that all differ, the first of these is believed.
_BELIEVED = (Source.LEDGER, Source.ORDERS, Source.CHANNEL)


def breaks_of(sides: Sides, expected: frozenset[Source]) -> list[Found]:
    """The breaks of one reference, in an order that does not depend on how it was read.

    ``sides``: every record of the reference by source; ``expected``: the sources that have to know
    it. A source with a record that states no amounts agrees with every party of the posting.
    """
    blank = {
        source for source, records in sides.items() if any(each.amount is None for each in records)
    }
    found: list[Found] = []
    by_party: dict[str, dict[Source, list[Record]]] = defaultdict(lambda: defaultdict(list))
    for source, records in sides.items():
        stated = [each for each in records if each.amount is not None]
        if source in blank and not _others(sides, source):
            stated = list(records)
        for record in stated:
            by_party[record.party][source].append(record)
    for party in sorted(by_party):
        agreeing = {source: sides[source] for source in blank if source not in by_party[party]}
        found += _of_party(by_party[party], agreeing, expected)
    return sorted(found, key=line)


def _others(sides: Sides, source: Source) -> bool:
    return any(
        each.amount is not None
        for other, records in sides.items()
        if other != source
        for each in records
    )


def _of_party(stated: Sides, agreeing: Sides, expected: frozenset[Source]) -> list[Found]:
    """The breaks of one party. ``agreeing`` sides state no amounts: only day and outcome count."""
    books = next(stated[each] for each in _BELIEVED if each in stated)[0]
    one = {source: _nearest(records, stated) for source, records in stated.items()}
    found = [
        _break(BreakKind.DUPLICATE, source, one[source], expected=one[source].amount)
        for source, records in stated.items()
        if len(records) > 1
    ]
    blank = {source: records[0] for source, records in agreeing.items()}
    known = {**one, **blank}
    missing = (expected | set(known)) - set(known)
    if missing and any(each.status == "posted" for each in known.values()):
        if len(known) == 1:
            side, record = next(iter(known.items()))
            found.append(_break(BreakKind.LONG, side, record, expected=None))
        else:
            found += [
                _break(BreakKind.SHORT, side, books, expected=books.amount, said=None)
                for side in missing
            ]
    for kind, of, compared in (
        (BreakKind.AMOUNT, _sum, one),
        (BreakKind.DATE, _day, known),
        (BreakKind.STATUS, _outcome, known),
    ):
        found += [
            _break(kind, side, compared[side], expected=books.amount) for side in _odd(compared, of)
        ]
    return found


def _sum(record: Record) -> object:
    return record.amount, record.currency


def _day(record: Record) -> object:
    return record.on


def _outcome(record: Record) -> object:
    return record.kind, record.status


def _odd(records: Mapping[Source, Record], of: Callable[[Record], object]) -> list[Source]:
    """The sides that differ from what most say, or from the books when all differ."""
    said = {source: of(record) for source, record in records.items()}
    values = list(said.values())
    if all(each == values[0] for each in values):
        return []
    believed = next((each for each in values if values.count(each) > 1), None)
    if believed is None:
        believed = next(said[source] for source in _BELIEVED if source in said)
    return [source for source, value in said.items() if value != believed]


def _nearest(records: Sequence[Record], stated: Sides) -> Record:
    """Of what a side says more than once: the record another side agrees with, else the least."""
    if len(records) == 1:
        return records[0]
    ordered = sorted(records, key=_sort)
    others = [each for side in stated.values() if side is not records for each in side]
    for record in ordered:
        if any(_essence(record) == _essence(other) for other in others):
            return record
    return ordered[0]


def _essence(record: Record) -> object:
    return _sum(record), _day(record), _outcome(record)


def _sort(record: Record) -> tuple[int, str, str, str, str]:
    return (
        record.amount or 0,
        record.currency,
        record.on.isoformat(),
        record.kind,
        record.status,
    )


_SAME = object()


def _break(
    kind: BreakKind, side: Source, record: Record, *, expected: int | None, said: object = _SAME
) -> Found:
    return Found(
        kind,
        side,
        record.reference,
        record.party,
        record.kind,
        record.amount if said is _SAME else None,
        expected,
        record.currency,
    )


def line(found: Found) -> str:
    """The break as one line of text: what is hashed, and what it is sorted by."""
    return ",".join(
        (
            found.reference,
            found.party,
            found.kind.value,
            found.side.value,
            found.line_kind,
            "" if found.found is None else str(found.found),
            "" if found.expected is None else str(found.expected),
            found.currency,
        )
    )


def digest(lines: Iterable[str]) -> bytes:
    """SHA-256 over the lines, each ended by a line feed."""
    whole = hashlib.sha256()
    for each in lines:
        whole.update(each.encode() + b"\n")
    return whole.digest()


def may_clear(found: Found) -> bool:
    """Whether the next date may clear the break by itself: the channel knew it earlier or later."""
    return found.side is Source.CHANNEL and found.kind in {BreakKind.LONG, BreakKind.SHORT}


def clears(earlier: Found, now: Found) -> bool:
    """Whether two breaks of neighbouring dates are one record that came at another date."""
    return (
        may_clear(earlier)
        and may_clear(now)
        and earlier.kind is not now.kind
        and (earlier.reference, earlier.party) == (now.reference, now.party)
        and (earlier.found or earlier.expected) == (now.found or now.expected)
        and (earlier.currency, earlier.line_kind) == (now.currency, now.line_kind)
    )
