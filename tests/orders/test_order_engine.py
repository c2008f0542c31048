"""The plan runner by itself: waits, passes over, ends, undoes; no database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.catalog import load
from bankside.orders import engine
from bankside.orders.errors import OrderClosed, OrderNotPaid, OrderStateRefused
from bankside.orders.families.drafts import plan
from bankside.orders.model import Order, PlanStep, State, Terms, is_terminal, moved
from bankside.orders.posting import group_of, hold_of

AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
ROLES = {
    "merchant": "mch",
    "merchant_pending": "pend",
    "fee_income": "fees",
    "held": "hold",
    "payer_account": "payer",
    "payee_account": "payee",
}


def order(product_id: str = "merchant.scan-payments", **changes: object) -> Order:
    """A new order of 100.00 with a valid, boring rest."""
    definition = load().products[product_id]
    facts: dict[str, object] = {
        "partner": "prt_1",
        "id": "ord_1",
        "tenant": None,
        "app": "app_1",
        "product": product_id,
        "family": definition.archetype,
        "plan": plan(definition),
        "scope": "order:",
        "content_hash": b"",
        "subject": "mch",
        "currency": "CNY",
        "amount": 10_000,
        "terms": Terms(fee_rate_bp=38),
        "roles": ROLES,
        "created_at": AT,
        "updated_at": AT,
    }
    return Order(**(facts | changes))  # type: ignore[arg-type]


def test_only_moves_of_the_table_are_made() -> None:
    allowed = {(a, b) for a, b in product(State, State) if _may(a, b)}

    assert (State.WAITING, State.COMPLETED) not in allowed
    assert {a for a, _ in allowed} == {each for each in State if not is_terminal(each)}
    # Every state can be reached, and from each one an end.
    assert {b for _, b in allowed} | {State.CREATED} == set(State)


def _may(state: State, to: State) -> bool:
    try:
        return moved(state, to) is to
    except OrderStateRefused:
        return False


def test_a_payment_that_brings_its_payer_runs_on_to_the_end_of_day() -> None:
    change = engine.run(order(), "collect.create", {"payer": "payer"}, AT)

    assert change.before is None
    assert [each.use for each in change.entries] == ["collect.create", "collect.confirm"]
    assert change.after.waits_for == "collect.settle"
    assert change.events == ("paid",)
    assert [(leg.debit, leg.credit) for leg in change.legs] == [("payer", "pend")]


def test_without_a_payer_it_waits_for_one() -> None:
    change = engine.run(order(), "collect.create", {}, AT)

    assert change.after.waits_for == "collect.confirm"
    assert change.legs == ()
    assert change.events == ("created",)


def test_a_step_is_not_reached_over_a_payment_that_was_not_made() -> None:
    waiting = engine.run(order("merchant.split-orders"), "split.register", {}, AT).after

    for use in ("split.execute", "split.finish"):
        with pytest.raises(OrderNotPaid):
            engine.run(waiting, use, {}, AT)


def test_a_payment_comes_too_late_at_the_very_second_its_time_is_over() -> None:
    waiting = engine.run(order(), "collect.create", {"expires_in_seconds": 60}, AT).after

    with pytest.raises(OrderClosed):
        engine.run(waiting, "collect.confirm", {"payer": "payer"}, AT + timedelta(seconds=60))
    paid = engine.run(waiting, "collect.confirm", {"payer": "payer"}, AT + timedelta(seconds=59))

    assert paid.after.paid == 10_000


def test_compensation_undoes_posted_steps_last_first_and_keeps_the_rest_quiet() -> None:
    steps = (
        PlanStep("a", "transfer.execute", "request", "compensate"),
        PlanStep("b", "notify.send", "next", "continue"),
        PlanStep("c", "collect.settle", "end-of-day", "compensate"),
    )
    waiting = engine.run(
        order("payment.internal-transfers", plan=steps), "transfer.execute", {}, AT
    ).after

    back = engine.compensate(waiting, ["a", "b", "a"], "payment.account_closed", AT)

    assert back.after.state is State.COMPENSATED
    assert [(each.step_id, each.status) for each in back.entries] == [("a", "reversed")]
    assert [(leg.debit, leg.credit, leg.amount.minor) for leg in back.legs] == [
        ("payee", "payer", 10_000),
        ("fees", "payer", 38),
    ]
    assert back.after.waits_for is None
    group = group_of([back], "")
    assert group is not None
    assert group.kind == "reversal"


def test_a_hold_is_undone_by_its_release() -> None:
    held = engine.run(order("merchant.preauthorizations"), "hold.place", {"payer": "p"}, AT).after

    back = engine.compensate(held, ["s1"], "x", AT)
    group = group_of([back], "")

    assert group is not None
    assert group.hold is not None
    assert getattr(group.hold, "hold", None) == hold_of(held)
    assert [(leg.debit, leg.credit) for leg in group.legs] == [("hold", "p")]


@given(st.integers(1, 10**12), st.integers(0, 1_000), st.integers(0, 10**12))
def test_settling_after_any_refund_empties_pending_to_the_last_minor_unit(
    amount: int, rate: int, refund: int
) -> None:
    paid = engine.run(
        order(amount=amount, terms=Terms(fee_rate_bp=rate)), "collect.create", {"payer": "p"}, AT
    ).after
    refund %= amount
    left = replace(paid, refunded=refund, pending=amount - refund)

    done = engine.run(left, "collect.settle", {}, AT)

    assert done.after.pending == 0
    assert sum(leg.amount.minor for leg in done.legs) == amount - refund
    assert done.after.settled + done.after.fee == amount - refund
    assert done.after.state is State.COMPLETED


def test_groups_of_different_revisions_never_share_an_id() -> None:
    paid = engine.run(order(), "collect.create", {"payer": "p"}, AT).after
    ids = set()
    for revision in range(1, 5):
        change = engine.run(replace(paid, revision=revision), "collect.settle", {}, AT)
        group = group_of([change], "")
        assert group is not None
        ids.add(group.id)

    assert len(ids) == 4
