"""One operation behind four wires: the wire is a label on the call record and nothing else."""

from collections.abc import Iterator

import pytest
from tests.journeys.books import Books, opened
from tests.journeys.dialects import Dialect, Said, Wish
from tests.journeys.parties import dialects
from tests.journeys.raw import send
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

# What each call of the journey is recorded as; the form wires look orders up by any product.
OPERATIONS = {
    "native": ["scan-payments.create", "scan-payments.query", "merchant-refunds.create"],
    "icbc": ["scan-payments.create", "scan-payments.query", "merchant-refunds.create"],
    "alipay": ["scan-payments.create", "order-lookups.query", "merchant-refunds.create"],
    "alipay3": ["scan-payments.create", "order-lookups.query", "merchant-refunds.create"],
}


@pytest.fixture(scope="module")
def books(platform: Platform) -> Iterator[Books]:
    with opened(platform.home) as found:
        yield found


def test_pay_query_refund_books_the_same_and_is_recorded_once_on_every_wire(
    platform: Platform, books: Books
) -> None:
    app = platform.demo["apps"][0]["app_id"]
    callers = [each for each in dialects(platform.demo) if each.party.app_id == app]
    booked, recorded = {}, {}

    for each in callers:
        paid = _done(platform, each, Wish())
        order = str(paid.content.get("id") or paid.content["trade_no"])
        asked = _done(platform, each, Wish(operation="ask", order=order))
        back = _done(platform, each, Wish(operation="refund", order=order))
        booked[each.name] = books.postings(order)
        recorded[each.name] = (each, order, [paid.request_id, asked.request_id, back.request_id])

    first = next(iter(booked.values()))
    assert [(kind, amount, verdict) for kind, _, _, amount, verdict in first] == [
        ("payment", 100, "accepted"),
        ("refund", 100, "accepted"),
    ]
    assert all(each == first for each in booked.values()), booked
    for dialect, order, ids in recorded.values():
        records = {row["request_id"]: row for row in books.recorded_once(ids)}
        rows = [records[each] for each in ids]
        assert {row["wire"] for row in rows} == {dialect.wire}
        assert {row["outcome"] for row in rows} == {"ok"}
        assert [row["operation"].partition(".")[2] for row in rows] == OPERATIONS[dialect.wire]
        assert [row["order_id"] for row in rows[:2]] == [order, order]


def _done(platform: Platform, dialect: Dialect, wish: Wish) -> Said:
    """A call that succeeds, its answer proven; the id is that of its call record."""
    message = dialect.message(wish)
    heard = send(platform.edge, message)
    said = dialect.read(heard, message)
    assert said.code in {"0", "10000", "200", "201", "202"}, said
    return Said(said.code, heard.headers["x-request-id"], said.content, said.signed_by)
