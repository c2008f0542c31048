"""What keeps an assembly from running: each broken link is named with the place it is written."""

import copy
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from bankside.catalog import load
from bankside.catalog.solution_definitions import Solution
from bankside.catalog.solutions.assembly import Asker, broken, needed
from bankside.catalog.solutions.conditions import comparison, holds
from bankside.catalog.solutions.links import Broken
from bankside.catalog.solutions.service import check
from bankside.catalog.solutions.values import Missing, ValueInvalid, parse, resolve

Row = dict[str, Any]

LABEL = {"zh": "字段", "en": "A field"}
TEXT = {"zh": "步骤", "en": "A step"}


def assembly() -> Row:
    """Pay, then insure what was paid for: two steps, everything brought."""
    return {
        "id": "pay-and-tell",
        "name": TEXT,
        "description": TEXT,
        "industries": ["I"],
        "scenes": ["online-mall"],
        "inputs": [
            {"name": "payer", "type": "account", "required": True, "label": LABEL},
            {"name": "payee", "type": "account", "required": True, "label": LABEL},
            {"name": "amount", "type": "money", "required": True, "label": LABEL},
            {"name": "note", "type": "text", "required": False, "label": LABEL},
            {"name": "code", "type": "secret", "required": True, "label": LABEL},
        ],
        "steps": [
            {
                "id": "pay",
                "product": "payment.internal-transfers",
                "does": TEXT,
                "after": [],
                "with": {
                    "payer_account": "$input.payer",
                    "payee_account": "$input.payee",
                    "amount": "$input.amount",
                },
                "undo": {
                    "operation": "create",
                    "with": {
                        "payer_account": "$input.payee",
                        "payee_account": "$input.payer",
                        "amount": "$steps.pay.paid",
                    },
                },
            },
            {
                "id": "approve",
                "product": "treasury.payment-approvals",
                "does": TEXT,
                "after": ["pay"],
                "when": ['$steps.pay.paid >= "1.00"'],
                "with": {
                    "payer_account": "$input.payer",
                    "payee_account": "$input.payee",
                    "amount": {"$share": ["$input.amount", 500]},
                    "code": "$input.code",
                },
                "until": ["held"],
                "undo": {"operation": "cancellations"},
            },
        ],
    }


def asker(**other: Any) -> Asker:
    return Asker(**({"runnable": lambda _, __: True} | other))


def faults(row: Row, **other: Any) -> list[Broken]:
    return check(row, load(), asker(**other))


def test_an_assembly_with_everything_brought_has_no_fault() -> None:
    assert faults(assembly()) == []


Change = Callable[[Row], object]
_PAY, _APPROVE = (lambda row: row["steps"][0]), (lambda row: row["steps"][1])


def _bind(step: int, name: str, value: Any) -> Change:
    return lambda row: row["steps"][step]["with"].update({name: value})


def _drop(step: int, name: str) -> Change:
    return lambda row: row["steps"][step]["with"].pop(name)


def _set(step: int, name: str, value: Any) -> Change:
    return lambda row: row["steps"][step].update({name: value})


def _input(number: int, **values: Any) -> Change:
    return lambda row: row["inputs"][number].update(values)


BROKEN: list[tuple[str, Change, str, str]] = [
    ("a missing input", _drop(0, "amount"), "/steps/0/with/amount", "link.input_missing"),
    ("a field nobody has", _bind(0, "colour", "red"), "/steps/0/with/colour", "link.field_unknown"),
    (
        "an input nobody declared",
        _bind(0, "amount", "$input.sum"),
        "/steps/0/with/amount",
        "link.path_unknown",
    ),
    (
        "a field the answer has not",
        _bind(1, "amount", "$steps.pay.total"),
        "/steps/1/with/amount",
        "link.path_unknown",
    ),
    (
        "a section the product has not",
        _bind(1, "payee_account", "$steps.pay.result.account.id"),
        "/steps/1/with/payee_account",
        "link.path_unknown",
    ),
    (
        "a step that is not over before",
        _bind(0, "amount", "$steps.approve.amount"),
        "/steps/0/with/amount",
        "link.not_before",
    ),
    (
        "another type",
        _bind(0, "amount", "$input.payer"),
        "/steps/0/with/amount",
        "link.type_mismatch",
    ),
    (
        "an optional input in a required field",
        _bind(1, "code", "$input.note"),
        "/steps/1/with/code",
        "link.may_be_empty",
    ),
    (
        "a credential that would be kept",
        _bind(0, "remark", "$input.code"),
        "/steps/0/with/remark",
        "link.type_mismatch",
    ),
    (
        "a credential in the definition",
        _bind(1, "code", "123456"),
        "/steps/1/with/code",
        "link.type_mismatch",
    ),
    (
        "a constant of another form",
        _bind(0, "amount", {"amount": "1,00", "currency": "CNY"}),
        "/steps/0/with/amount",
        "link.type_mismatch",
    ),
    ("no value", _bind(0, "remark", "$nowhere"), "/steps/0/with/remark", "link.value_invalid"),
    (
        "another form",
        _bind(0, "remark", {"$eval": ["1+1"]}),
        "/steps/0/with/remark",
        "link.value_invalid",
    ),
    (
        "another currency",
        _input(2, currency="USD"),
        "/steps/0/with/amount",
        "link.currency_mismatch",
    ),
    (
        "a constant of another currency",
        _bind(0, "amount", {"amount": "1.00", "currency": "USD"}),
        "/steps/0/with/amount",
        "link.currency_mismatch",
    ),
    (
        "a pension account that pays",
        _input(0, kind="pension"),
        "/steps/0/with/payer_account",
        "link.role_mismatch",
    ),
    (
        "one account on both sides",
        _bind(0, "payee_account", "$input.payer"),
        "/steps/0/with/payee_account",
        "link.same_account",
    ),
    ("a circle", _set(0, "after", ["approve"]), "/steps/0/after/0", "step.circle"),
    ("a step nobody has", _set(1, "after", ["play"]), "/steps/1/after/0", "step.after_unknown"),
    ("a step twice", _set(1, "id", "pay"), "/steps/1/id", "step.stands_twice"),
    (
        "a product nobody has",
        _set(0, "product", "payment.teleports"),
        "/steps/0/product",
        "product.unknown",
    ),
    (
        "a call the product has not",
        _set(0, "operation", "refunds"),
        "/steps/0/operation",
        "operation.unknown",
    ),
    (
        "an act without its order",
        _set(1, "operation", "captures"),
        "/steps/1/operation",
        "step.of_missing",
    ),
    (
        "an act on another product's order",
        lambda row: (_set(1, "operation", "captures")(row), _set(1, "of", "pay")(row)),
        "/steps/1/of",
        "step.of_other",
    ),
    ("a state no order has", _set(0, "until", ["happy"]), "/steps/0/until/0", "until.unknown"),
    (
        "a condition that is none",
        _set(1, "when", ["1 == 1"]),
        "/steps/1/when/0",
        "condition.invalid",
    ),
    (
        "a condition on code",
        _set(1, "when", ["$steps.pay.paid > __import__('os')"]),
        "/steps/1/when/0",
        "condition.invalid",
    ),
    (
        "a condition of unlike sides",
        _set(1, "when", ["$steps.pay.paid == true"]),
        "/steps/1/when/0",
        "condition.type_mismatch",
    ),
    (
        "money that nothing gives back",
        lambda row: row["steps"][0].pop("undo"),
        "/steps/0/undo",
        "undo.missing",
    ),
    (
        "an undo that is no call",
        _set(0, "undo", {"operation": "reversals"}),
        "/steps/0/undo/operation",
        "operation.unknown",
    ),
    (
        "an undo without what it needs",
        _set(0, "undo", {"operation": "create", "with": {"amount": "$input.amount"}}),
        "/steps/0/undo/with/payer_account",
        "link.input_missing",
    ),
    (
        "a scope nobody agreed to",
        lambda row: row.update(scopes=["accounts:read"]),
        "/steps/0/product",
        "scope.not_granted",
    ),
    ("no steps", lambda row: row.update(steps=[]), "/steps", "shape"),
    ("another shape", lambda row: row["inputs"][0].pop("type"), "/inputs/0", "shape"),
]


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [each[1:] for each in BROKEN],
    ids=[each[0].replace(" ", "-") for each in BROKEN],
)
def test_an_assembly_is_refused_at_the_link_that_is_broken(
    change: Change, pointer: str, code: str
) -> None:
    row = assembly()
    change(row)

    found = [(each.pointer, each.code) for each in faults(row)]

    assert (pointer, code) in found, [str(each) for each in faults(row)]


def test_the_message_names_the_step_the_field_and_where_it_came_from() -> None:
    row = assembly()
    row["steps"][1]["with"]["amount"] = "$input.payer"

    (fault,) = faults(row)

    assert fault.step == "approve"
    assert "step approve: amount of treasury.payment-approvals.create from $input.payer" in (
        fault.detail
    )


def test_a_product_that_does_not_answer_for_the_asker_breaks_the_assembly() -> None:
    row, products = assembly(), ("payment.internal-transfers", "treasury.payment-approvals")
    known = load().products

    offline = faults(row, offline=frozenset({products[1]}))
    alone = faults(row, subscribed=frozenset({products[0]}))
    unbuilt = faults(row, runnable=lambda product, _: product.id != products[0])
    unscoped = faults(row, scopes=known[products[0]].consent_scopes - {"payments:write"})

    assert ("/steps/1/product", "product.offline") in {(e.pointer, e.code) for e in offline}
    assert {(e.pointer, e.code) for e in alone} == {
        ("/steps/1/product", "product.not_subscribed"),
        ("/steps/1/undo/operation", "product.not_subscribed"),
    }
    assert ("/steps/0/product", "product.not_available") in {(e.pointer, e.code) for e in unbuilt}
    assert {e.code for e in unscoped} == {"scope.not_granted"}


def test_all_solutions_of_the_catalogue_are_whole_and_need_what_they_say() -> None:
    catalogue = load()

    for solution in catalogue.solutions.values():
        assert broken(solution, catalogue, asker()) == []
        assert set(needed(solution, catalogue)) >= set(solution.products)
        assert 4 <= len(solution.products) <= 7
        for step in solution.steps:
            assert step.does.zh and step.does.en.isascii()


def test_guide_solutions_have_their_products_in_order() -> None:
    riders, sme = (load().solutions[each] for each in ("platform-riders", "specialised-sme"))

    assert [each.partition(".")[2] for each in riders.products] == [
        *("platform-accounts", "split-orders", "gig-settlements", "rider-covers"),
        *("pension-plans", "cash-flow-loans", "wage-advances"),
    ]
    assert [each.partition(".")[2] for each in sme.products] == [
        *("ip-loans", "warrant-loans", "commercial-drafts", "freight-payments"),
        *("fraud-scores", "credit-ratings", "corporate-investments"),
    ]
    assert _is_a_line(riders) and _is_a_line(sme)


def _is_a_line(solution: Solution) -> bool:
    steps = solution.steps
    return all(later.after == (earlier.id,) for earlier, later in pairwise(steps))


SOURCES = {
    "input": {"amount": {"amount": "10.05", "currency": "CNY"}, "rate": 7, "ok": True},
    "steps": {"rate": {"result": {"score": 640, "grade": "AA"}, "paid": None}},
    "run": {"id": "run_1", "no": "A1", "date": "2026-03-02", "month": "2026-03"},
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$steps.rate.result.score >= 600", True),
        ("$steps.rate.result.score < 600", False),
        ('$steps.rate.result.grade in ["AAA", "AA"]', True),
        ('$steps.rate.result.grade == "A"', False),
        ('$input.amount > "10.04"', True),
        ("$input.amount <= 10", False),
        ("$input.amount >= $input.amount", True),
        ("$input.ok == true", True),
        ("$input.ok == 1", False),
        ("$steps.rate.paid > 0", False),
        ("$steps.rate.nowhere != 1", False),
        ('$run.date >= "2026-03-02"', True),
    ],
)
def test_a_condition_compares_values_and_a_missing_one_never_holds(
    text: str, expected: bool
) -> None:
    assert holds(comparison(text), SOURCES) is expected


def test_amounts_of_two_currencies_do_not_compare() -> None:
    other = copy.deepcopy(SOURCES)
    other["input"]["dollars"] = {"amount": "1.00", "currency": "USD"}  # type: ignore[assignment]

    assert not holds(comparison("$input.amount > $input.dollars"), other)
    assert not holds(comparison("$input.amount != $input.dollars"), other)


def test_values_are_paths_texts_shares_and_constants() -> None:
    def value(raw: Any) -> Any:
        return resolve(parse(raw), SOURCES)

    assert value("$input.amount.amount") == "10.05"
    assert value({"$text": ["$run.no", "-", "$input.rate"]}) == "A1-7"
    # 10 % of 10.05 is 1.005: half-even to the cent.
    assert value({"$share": ["$input.amount", 1000]}) == {"amount": "1.00", "currency": "CNY"}
    assert value([{"no": 1, "of": "$input.rate"}]) == [{"no": 1, "of": 7}]
    with pytest.raises(Missing, match=r"\$steps\.rate\.paid"):
        value("$steps.rate.paid")


@pytest.mark.parametrize(
    "raw",
    [
        "$input",
        "$steps.pay",
        "$input.a.b.c.d.e.f.g.h.i.j",
        "$input.__class__()",
        {"$share": ["$input.amount", 0]},
        {"$share": ["$input.amount", 10_001]},
        {"$share": ["10.00", 5]},
        {"$text": [{"$text": ["a"]}]},
        {"$text": ["a"], "other": 1},
        1.5,
        [[[[[[[[[[1]]]]]]]]]],
    ],
)
def test_what_is_no_value_is_refused(raw: Any) -> None:
    with pytest.raises(ValueInvalid):
        parse(raw)
