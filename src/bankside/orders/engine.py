"""Runs the plan of an order: from one step on to the next that has to wait, as one change.

Pure: values in, values out. All steps of one change commit together with their legs as one group,
so a change either happened whole or not at all, and nothing in it ever needs undoing; what an
*earlier* change posted is undone by ``compensate``. Source: catalogue guide, section 5.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from bankside.bank.ledger import Leg
from bankside.kernel.db import Write
from bankside.kernel.errors import Refused
from bankside.orders import store_keys
from bankside.orders.errors import (
    OrderAlreadyPaid,
    OrderClosed,
    OrderNotPaid,
    OrderSettled,
    OrderStateRefused,
)
from bankside.orders.model import Entry, Order, PlanStep, State, is_terminal, moved
from bankside.orders.primitives import PRIMITIVES, Ask, Effect
from bankside.orders.primitives.effect import kept

# A plan has at most this many steps (the longest definition has 9); a change never loops.
STEPS_MAX = 32
# The journal's word for a day on which nothing could be done.
SLEEP = "order.sleep"
_PASSED_OVER = frozenset({"event", "daily", "end-of-day", "due-date", "maturity"})


# Where an order remembers what was counted for it against limits (``store_keys.counted``).
COUNTED = "counted"


@dataclass(frozen=True, slots=True)
class Change:
    """One order before (None: new) and after, what the journal keeps, and the facts to publish."""

    before: Order | None
    after: Order
    entries: tuple[Entry, ...]
    events: tuple[str, ...] = ()
    legs: tuple[Leg, ...] = ()
    hold: Literal["place", "capture", "release"] | None = None
    writes: tuple[Write, ...] = ()


def run(order: Order, use: str, ask: Ask, at: datetime) -> Change:
    """Run the step that is primitive ``use`` and on, up to the next step that waits.

    A following step is run in the same change when it is ``next``, or an ``event`` that has
    already happened (``Primitive.ready``). Raises what the primitives raise, and a refusal when
    the order does not wait at such a step.
    """
    index = entrance(order, use)
    new = order.state is State.CREATED
    now = replace(order, state=moved(order.state, State.RUNNING))
    entries: list[Entry] = []
    effects: list[Effect] = []
    skips: set[str] = set()
    waits = False
    for _ in range(STEPS_MAX):
        step = order.plan[index]
        effect = PRIMITIVES[step.use].run(replace(now, waits_for=step.use), step, ask, at)
        now = effect.order
        effects.append(effect)
        entries.append(_entry(step, effect))
        skips |= effect.skips
        following = _following(order.plan, index + 1, skips)
        waits = following < len(order.plan) and not _runs_on(order.plan[following], ask)
        if effect.stays and (waits or not _has_happened(order.plan, following)):
            waits = True
            break
        index = following
        if waits or index == len(order.plan):
            break
    return Change(
        before=None if new else order,
        after=_rests(now, index, waits=waits, at=at),
        entries=tuple(entries),
        events=_facts(effects),
        legs=tuple(leg for effect in effects for leg in effect.legs),
        hold=next((effect.hold for effect in effects if effect.hold), None),
        writes=tuple(write for effect in effects for write in effect.writes),
    )


def amend(order: Order, step: PlanStep, effect: Effect, at: datetime) -> Change:
    """A change outside the plan: a refund, a returned share, a share of an ordinary payment.

    The order stays where it is, unless it is refunded in full while it waits, or the effect says
    that it ends: then nothing more of its plan runs.
    """
    after = effect.order
    # What is still held has to be released first: an order that ended frees nothing any more.
    refunded = after.status == "refunded" and not after.held
    if not is_terminal(order.state) and (effect.ends or refunded):
        after = _rests(replace(after, state=State.RUNNING), len(order.plan), waits=False, at=at)
    return Change(
        before=order,
        after=replace(after, updated_at=at),
        entries=(_entry(step, effect),),
        events=_facts([effect]),
        legs=effect.legs,
        hold=effect.hold,
        writes=effect.writes,
    )


def again(order: Order, use: str, ask: Ask, at: datetime) -> Change:
    """Run a step of the plan in place: a further drawing, the next day's interest.

    The order stays where it waits. Raises what the primitive raises, and a refusal when the plan
    has no such step or the order has ended.
    """
    step = next((each for each in order.plan if each.use == use), None)
    if step is None or order.state is not State.WAITING:
        raise _why_not(order)
    return amend(order, step, PRIMITIVES[use].run(order, step, ask, at), at)


def run_after(order: Order, step: PlanStep, effect: Effect, use: str, at: datetime) -> Change:
    """A change outside the plan and, in the same commit, the plan's step ``use``."""
    then = run(replace(effect.order, revision=order.revision), use, {}, at)
    return replace(
        then,
        before=order,
        entries=(_entry(step, effect), *then.entries),
        events=(*_facts([effect]), *then.events),
        legs=(*effect.legs, *then.legs),
        writes=(*effect.writes, *then.writes),
    )


def numbered(change: Change, content: bytes) -> Change:
    """The change with the content its partner's number now stands for."""
    entries = tuple(
        replace(entry, content_hash=content) if entry.reference else entry
        for entry in change.entries
    )
    return replace(change, entries=entries)


def close(order: Order, at: datetime, *, why: str) -> Change:
    """Ends an order that nobody has paid; its number stays used."""
    if order.paid or order.held:
        raise OrderAlreadyPaid
    if is_terminal(order.state):
        raise OrderClosed(f"the order is {order.status}")
    after = replace(
        order,
        state=moved(moved(order.state, State.RUNNING), State.EXPIRED),
        status="closed",
        waits_for=None,
        wake_at=None,
        updated_at=at,
    )
    entry = Entry("close", "order.close", output={"why": why})
    return Change(order, after, (entry,), ("closed",), writes=_uncounted(order))


def refused(order: Order, use: str, group: UUID, at: datetime) -> Change:
    """The outcome when the ledger says no to ``group``, a change of ``order``.

    A new order ends as refused and keeps its number. An order that already stood stays as it was:
    the journal says what was tried.
    """
    why = {"group": str(group)}
    entry = Entry(use, use, status="refused", output=why)
    if order.state is not State.CREATED:
        return Change(order, replace(order, updated_at=at), (entry,))
    after = replace(
        order,
        state=moved(moved(order.state, State.RUNNING), State.REFUSED),
        status="refused",
        output={**order.output, **why},
        updated_at=at,
    )
    return Change(None, after, (entry,), ("refused",))


def compensate(order: Order, done: Iterable[str], code: str, at: datetime) -> Change:
    """Undo what earlier changes posted, last step first, as new legs in one change.

    ``done``: step ids with a journal row, oldest first. The order ends as compensated; its key and
    number stay used, so that a retry gets this outcome and never pays again.
    """
    steps = {step.id: step for step in order.plan}
    now = replace(order, state=moved(moved(order.state, State.RUNNING), State.COMPENSATING))
    entries: list[Entry] = []
    legs: list[Leg] = []
    writes: list[Write] = []
    hold: Literal["place", "capture", "release"] | None = None
    for step_id in reversed(list(dict.fromkeys(done))):
        step = steps.get(step_id)
        reverse = PRIMITIVES[step.use].reverse if step and step.use in PRIMITIVES else None
        if step is None or reverse is None:
            continue
        effect = reverse(now, step, at)
        now = effect.order
        legs += effect.legs
        writes += effect.writes
        hold = effect.hold or hold
        entries.append(Entry(step.id, step.use, status="reversed", output={"code": code}))
    writes += _uncounted(order)
    after = replace(
        now,
        state=moved(now.state, State.COMPENSATED),
        waits_for=None,
        wake_at=None,
        due_on=None,
        output={**now.output, "code": code},
        updated_at=at,
    )
    return Change(order, after, tuple(entries), ("compensated",), tuple(legs), hold, tuple(writes))


def _uncounted(order: Order) -> tuple[Write, ...]:
    """What came to nothing counts against no limit."""
    counted = order.output.get(COUNTED, ())
    return tuple(store_keys.freed(order.partner, each) for each in counted)


def reconciling(order: Order, code: str, at: datetime) -> Change:
    """The order's money can go neither on nor back: it stays where it is until a person decides."""
    after = replace(
        order,
        state=moved(moved(order.state, State.RUNNING), State.RECONCILING),
        wake_at=None,
        due_on=None,
        output={**order.output, "code": code},
        updated_at=at,
    )
    entry = Entry("reconcile", "order.reconcile", status="failed", output={"code": code})
    return Change(order, after, (entry,), ("reconciling",))


def beside(order: Order, use: str, ask: Ask, at: datetime) -> Change:
    """Run a primitive that the order's plan does not have, or has left behind."""
    step = step_of(order, use)
    return amend(order, step, PRIMITIVES[use].run(order, step, ask, at), at)


def step_of(order: Order, use: str) -> PlanStep:
    """The plan's step for a primitive, or one that stands beside the plan."""
    found = next((each for each in order.plan if each.use == use), None)
    return found or PlanStep(use, use, "request", "compensate")


def followed(order: Order, use: str, at: datetime, *, status: str) -> Change:
    """A new order whose one step was carried out on another order: it is completed at once."""
    after = replace(
        order,
        state=moved(moved(order.state, State.RUNNING), State.COMPLETED),
        status=status,
        position=len(order.plan),
        updated_at=at,
    )
    entry = Entry(use, use, output={"parent": order.parent})
    return Change(None, after, (entry,), ("completed",))


def unknown(order: Order, noun: str, wake_at: datetime | None, at: datetime) -> Change:
    """Nobody knows yet what became of the step outside: the order waits until a query settles it.

    ``noun`` is the section that counts the attempts. ``wake_at`` None: a person has to ask.
    """
    facts = order.book[noun]
    counted = kept(order, noun, {"attempts": facts["attempts"] + 1})
    after = replace(
        counted,
        state=moved(moved(order.state, State.RUNNING), State.RECONCILING),
        wake_at=wake_at,
        updated_at=at,
    )
    use = order.waits_for or ""
    entry = Entry("ask", use, status="failed", output={"attempt": facts["attempts"] + 1})
    first = order.state is not State.RECONCILING
    return Change(order, after, (entry,), ("reconciling",) if first else ())


def asleep(order: Order, at: datetime, *, refused: str | None = None) -> Change:
    """Nothing can be done today, or it was refused with this code: tomorrow is another day."""
    after = replace(order, wake_at=at + timedelta(days=1), updated_at=at)
    entry = Entry("sleep", SLEEP)
    if refused is not None:
        entry = replace(entry, status="failed", output={"code": refused})
    return Change(order, after, (entry,))


def entrance(order: Order, use: str) -> int:
    """The index of the step to run; steps between that wait for other events are passed over.

    Raises a refusal that tells why the order does not wait for it.
    """
    if is_terminal(order.state):
        raise _why_not(order)
    for index in range(order.position, len(order.plan)):
        step = order.plan[index]
        if step.use == use:
            return index
        # A new order may begin at a later step: a refund's first steps were the payment's own.
        # A request passes over what waits for events or the clock: a deposit is redeemed early.
        if order.state is not State.CREATED and step.when not in _PASSED_OVER:
            break
        if step.use == "collect.confirm" and order.state is not State.CREATED:
            break
    raise _why_not(order)


def _why_not(order: Order) -> Refused:
    """The refusal that tells the caller most about an order that does not wait for this."""
    if order.state is State.EXPIRED:
        return OrderClosed()
    if order.status == "settled":
        return OrderSettled()
    if order.waits_for == "collect.confirm":
        return OrderNotPaid()
    if order.paid and order.waits_for in {"collect.settle", "split.execute"}:
        return OrderAlreadyPaid()
    return OrderStateRefused(f"the order is {order.status}")


def _following(plan: tuple[PlanStep, ...], index: int, skips: set[str]) -> int:
    while index < len(plan) and plan[index].use in skips:
        index += 1
    return index


def _has_happened(plan: tuple[PlanStep, ...], index: int) -> bool:
    """Whether the step, which runs on, is an event: it ends a step that could run again."""
    return index < len(plan) and plan[index].when == "event"


def _runs_on(step: PlanStep, ask: Ask) -> bool:
    if step.when == "next":
        return True
    return step.when == "event" and PRIMITIVES[step.use].ready(ask)


def _rests(order: Order, index: int, *, waits: bool, at: datetime) -> Order:
    """The order at the end of a change: waiting at ``index``, or completed."""
    if waits:
        return replace(
            order,
            state=moved(order.state, State.WAITING),
            position=index,
            waits_for=order.plan[index].use,
            updated_at=at,
        )
    return replace(
        order,
        state=moved(order.state, State.COMPLETED),
        status="completed" if order.status == "waiting" else order.status,
        position=len(order.plan),
        waits_for=None,
        wake_at=None,
        due_on=None,
        updated_at=at,
    )


def _entry(step: PlanStep, effect: Effect) -> Entry:
    return Entry(step.id, step.use, output=effect.output, reference=effect.reference)


def _facts(effects: list[Effect]) -> tuple[str, ...]:
    """What happened, oldest first; once an order is paid, that it was created needs no saying."""
    facts = [effect.event for effect in effects if effect.event]
    return tuple(facts[1:] if len(facts) > 1 and facts[0] == "created" else facts)
