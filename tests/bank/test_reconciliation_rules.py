"""The comparison of orders, ledger and channel: every planted break is found, and nothing else."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.bank.reconciliation import BreakKind, Found, Record, ReferenceCrowded, Source, rules
from bankside.bank.reconciliation.merging import RECORDS_A_REFERENCE_MAX, by_reference

DAY = date(2026, 3, 2)
ALL = frozenset(Source)
KINDS = st.sampled_from(["payment", "refund", "split", "settlement"])
CURRENCIES = st.sampled_from(["CNY", "USD", "JPY"])


def record(reference: str = "r1", party: str = "a", amount: int | None = 100) -> Record:
    return Record(reference, party, "payment", amount, "CNY", DAY)


def of(
    orders: Iterable[Record], ledger: Iterable[Record], channel: Iterable[Record]
) -> list[Found]:
    sides = {
        Source.ORDERS: list(orders),
        Source.LEDGER: list(ledger),
        Source.CHANNEL: list(channel),
    }
    return rules.breaks_of({each: said for each, said in sides.items() if said}, ALL)


async def _stream(records: Iterable[Record]) -> AsyncIterator[Record]:
    for each in records:
        yield each


def reconciled(sides: dict[Source, list[Record]]) -> list[Found]:
    """The breaks of whole streams, each sorted by reference as the database sorts them."""

    async def merged() -> list[Found]:
        streams = {
            source: _stream(sorted(records, key=lambda each: each.reference))
            for source, records in sides.items()
        }
        found: list[Found] = []
        async for bundle in by_reference(streams):
            found += rules.breaks_of(bundle, ALL)
        return found

    return asyncio.run(merged())


@st.composite
def planted(
    draw: st.DrawFn,
) -> tuple[dict[Source, list[Record]], set[tuple[BreakKind, Source, str, str]]]:
    """Records of three sources that agree but for what was planted: a break a record at most."""
    sides: dict[Source, list[Record]] = {source: [] for source in Source}
    breaks: set[tuple[BreakKind, Source, str, str]] = set()
    for number in range(draw(st.integers(0, 12))):
        reference = f"r{number:02d}"
        kind, currency = draw(KINDS), draw(CURRENCIES)
        for party in ("a", "b", "c")[: draw(st.integers(1, 3))]:
            true = Record(reference, party, kind, draw(st.integers(1, 10**6)), currency, DAY)
            said = {source: [true] for source in Source}
            wrong = draw(st.none() | st.sampled_from(BreakKind))
            side = draw(st.sampled_from(Source))
            if wrong is not None:
                _plant(said, wrong, side)
                breaks.add((wrong, side, reference, party))
            for source, records in said.items():
                sides[source] += records
    return sides, breaks


def _plant(said: dict[Source, list[Record]], wrong: BreakKind, side: Source) -> None:
    (true,) = said[side]
    assert true.amount is not None
    if wrong is BreakKind.LONG:
        for other in set(Source) - {side}:
            said[other] = []
    elif wrong is BreakKind.SHORT:
        said[side] = []
    elif wrong is BreakKind.DUPLICATE:
        said[side] = [true, true]
    elif wrong is BreakKind.AMOUNT:
        said[side] = [true._replace(amount=true.amount + 1)]
    elif wrong is BreakKind.DATE:
        said[side] = [true._replace(on=DAY + timedelta(days=1))]
    else:
        said[side] = [true._replace(status="refused")]


@given(planted())
def test_every_planted_break_is_found_with_its_kind_and_side_and_nothing_else(
    case: tuple[dict[Source, list[Record]], set[tuple[BreakKind, Source, str, str]]],
) -> None:
    sides, breaks = case

    found = reconciled(sides)

    assert {(each.kind, each.side, each.reference, each.party) for each in found} == breaks
    assert len(found) == len(breaks)


@given(planted(), st.randoms(use_true_random=False))
def test_the_order_of_the_input_changes_no_byte_of_the_result(
    case: tuple[dict[Source, list[Record]], set[object]], chance: random.Random
) -> None:
    sides, _ = case
    mixed = {source: chance.sample(records, len(records)) for source, records in sides.items()}

    assert rules.digest(map(rules.line, reconciled(sides))) == rules.digest(
        map(rules.line, reconciled(mixed))
    )


def test_where_no_two_sides_agree_the_books_are_right() -> None:
    found = of([record(amount=100)], [record(amount=200)], [record(amount=300)])

    assert [(each.side, each.found, each.expected) for each in found] == [
        (Source.CHANNEL, 300, 200),
        (Source.ORDERS, 100, 200),
    ] or [(each.side, each.found, each.expected) for each in found] == [
        (Source.ORDERS, 100, 200),
        (Source.CHANNEL, 300, 200),
    ]


def test_a_posting_booked_to_another_account_is_missing_there_and_too_much_here() -> None:
    found = of([record(party="a")], [record(party="b")], [record(party="a")])

    assert {(each.kind, each.side, each.party) for each in found} == {
        (BreakKind.SHORT, Source.LEDGER, "a"),
        (BreakKind.LONG, Source.LEDGER, "b"),
    }


def test_what_was_refused_everywhere_it_is_known_needs_no_counterpart() -> None:
    assert of([], [], [record()._replace(status="refused")]) == []


def test_a_side_that_states_no_amounts_vouches_for_the_whole_posting() -> None:
    blank = record(party="", amount=None)
    parts = [record(party="a", amount=70), record(party="b", amount=30)]

    assert of([blank], parts, parts) == []
    assert [(each.kind, each.side, each.party) for each in of([blank], parts, parts[:1])] == [
        (BreakKind.SHORT, Source.CHANNEL, "b")
    ]
    assert [(each.kind, each.side) for each in of([blank], [], [])] == [
        (BreakKind.LONG, Source.ORDERS)
    ]


def test_a_duplicate_with_another_sum_is_one_duplicate() -> None:
    twice = [record(amount=100), record(amount=99)]

    assert [(each.kind, each.side) for each in of([record()], [record()], twice)] == [
        (BreakKind.DUPLICATE, Source.CHANNEL)
    ]


def test_a_reference_in_thousands_of_records_is_refused() -> None:
    crowd = [record() for _ in range(RECORDS_A_REFERENCE_MAX + 1)]

    with pytest.raises(ReferenceCrowded):
        reconciled({Source.CHANNEL: crowd})
