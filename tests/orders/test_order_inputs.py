"""Reading requests: typed values out, every fault named, nothing unsafe let through."""

import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.catalog import Input
from bankside.kernel.money import Money
from bankside.orders.errors import InputInvalid
from bankside.orders.inputs import FAULTS_MAX, read_body, read_query

FIELDS = (
    Input("account", "account", True),
    Input("amount", "money", True),
    Input("day", "date", False),
    Input("count", "int", False),
    Input("flag", "bool", False),
    Input("note", "text", False, max=10),
    Input("kind", "text", False, choices=("a", "b")),
    Input("period", "text", False, pattern="^[0-9]{4}$"),
    Input("token", "token", False),
    Input(
        "rows", "list", False, max=3, fields=(Input("no", "int", True), Input("x", "text", False))
    ),
    Input("numbers", "list", False, max=3),
)
GOOD = {"account": "acc_1", "amount": {"amount": "1.20", "currency": "CNY"}}
QUERY = (
    Input("order", "text", False, instead_of="order_no"),
    Input("order_no", "text", False),
    Input("limit", "int", False),
)

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()), max_size=12),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def _faults(body: dict[str, object]) -> dict[str, str]:
    with pytest.raises(InputInvalid) as refused:
        read_body(FIELDS, body)
    return {each["pointer"]: each["code"] for each in refused.value.errors}


def test_declared_fields_come_out_typed() -> None:
    values = read_body(
        FIELDS,
        GOOD
        | {
            "day": "2026-03-02",
            "count": 3,
            "flag": False,
            "note": "好",
            "rows": [{"no": 1}, {"no": 2, "x": "y"}],
            "numbers": [1, 2],
            "kind": None,
        },
    )

    assert values == {
        "account": "acc_1",
        "amount": Money(120, "CNY"),
        "day": date(2026, 3, 2),
        "count": 3,
        "flag": False,
        "note": "好",
        "rows": ({"no": 1}, {"no": 2, "x": "y"}),
        "numbers": (1, 2),
    }


def test_every_fault_is_named_with_its_place() -> None:
    found = _faults(
        {
            "amount": {"amount": "1.234", "currency": "CNY"},
            "day": "2026-02-29",
            "count": 1.0,
            "flag": "yes",
            "note": "x" * 11,
            "kind": "c",
            "period": "20268",
            "token": "码",
            "rows": [{"no": "1"}, {}, 7],
            "numbers": [1, True],
            "odd/~name": 1,
        }
    )

    assert found == {
        "/odd~1~0name": "field.unknown",
        "/account": "field.missing",
        "/amount": "amount.invalid",
        "/day": "field.date",
        "/count": "field.type",
        "/flag": "field.type",
        "/note": "field.length",
        "/kind": "field.choice",
        "/period": "field.pattern",
        "/token": "field.characters",
        "/rows/0/no": "field.type",
        "/rows/1/no": "field.missing",
        "/rows/2": "field.type",
        "/numbers/1": "field.type",
    }


def test_a_refusal_lists_a_bounded_number_of_faults() -> None:
    with pytest.raises(InputInvalid) as refused:
        read_body(FIELDS, {f"x{number}": 1 for number in range(500)})

    assert len(refused.value.errors) == FAULTS_MAX


def test_of_two_alternatives_one_is_needed() -> None:
    assert read_query(QUERY, {"order_no": "T1"}) == {"order_no": "T1"}
    for query, pointer in (({}, "?order"), ({"order": ""}, "?order"), ({"sort": "x"}, "?sort")):
        with pytest.raises(InputInvalid) as refused:
            read_query(QUERY, query)
        assert refused.value.errors[0]["pointer"] == pointer


@given(st.dictionaries(st.sampled_from([each.name for each in FIELDS]) | st.text(), _json))
def test_no_body_is_more_than_refused(body: dict[str, object]) -> None:
    try:
        values = read_body(FIELDS, body)
    except InputInvalid as refused:
        assert refused.errors
        # The refusal itself can be written to the wire.
        json.dumps([dict(each) for each in refused.errors]).encode()
        refused.detail.encode()
    else:
        assert set(values) <= {each.name for each in FIELDS}
        for value in values.values():
            if isinstance(value, str):
                assert "\x00" not in value
                value.encode()


@given(st.dictionaries(st.sampled_from(["order", "order_no", "limit"]) | st.text(), st.text()))
def test_no_query_is_more_than_refused(query: dict[str, str]) -> None:
    try:
        values = read_query(QUERY, query)
    except InputInvalid as refused:
        assert all(each["pointer"].startswith("?") for each in refused.errors)
    else:
        assert "order" in values or "order_no" in values
