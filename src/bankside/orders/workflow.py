"""What happens to orders without a caller: bulk lines are paid, times run out, the day ends.

Always true: every function here may be stopped at any point and started again, by any number of
workers at once: each change is one commit that only one of them wins.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import structlog

from bankside.bank.ledger import Group, Leg, Verdict, post
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError, Refused, Unavailable
from bankside.kernel.money import Money
from bankside.orders import (
    engine,
    preparations,
    standing,
    store,
    store_keys,
    store_lines,
    subscriptions,
)
from bankside.orders.clockwork import CLOCKWORK
from bankside.orders.desk import Desk, Moved, Unit, refusal
from bankside.orders.engine import Change
from bankside.orders.errors import HoldExpired, OrderBusy
from bankside.orders.model import Line, Order
from bankside.orders.posting import line_group, of_space
from bankside.orders.preparations import Room
from bankside.orders.primitives import Ask
from bankside.orders.unattended import put_off
from bankside.partners import moved_clocks

# Lines posted in one transaction: the ledger's chain is locked for its length (about 20 ms).
LINES_A_BATCH = 200
# A bulk order has at most 2,000 lines (the definition's bound): twice the batches that takes.
BATCHES_MAX = 20
# Orders read at once by a sweep, and woken at the same time: one batch of the ledger's collector.
SWEEP_PAGE = 200
# One sweep ends after this many pages; the schedule starts the next.
SWEEP_PAGES_MAX = 500
ATTEMPTS_MAX = 5
# What a bulk order waits at between submission and its worker.
BATCH = "payout.settle"
KEYS_FORGOTTEN_AT_ONCE = 5_000

_log = structlog.get_logger("orders")


async def resume(desk: Desk, partner: str, order_id: str) -> None:
    """Run what the order waits for that a worker does (paying the lines of a bulk order)."""
    for _ in range(ATTEMPTS_MAX):
        try:
            async with desk.turn(order_id):
                async with desk.reading() as db:
                    order = await store.find(db, store.Scope(partner, None), order_id)
                if order is not None and order.waits_for == BATCH:
                    await _settle_payout(desk, order)
                elif order is not None and _is_due(desk, order):
                    await _by_the_clock(desk, order)
                return
        except Moved:
            continue
    raise OrderBusy


def _is_due(desk: Desk, order: Order) -> bool:
    return order.wake_at is not None and order.wake_at <= desk.clock.now()


async def sweep(desk: Desk) -> int:
    """Wake every order whose time has come, oldest first; how many were woken.

    Data spaces with clocks of their own are apart: `sandbox.jump` looks after them.
    """
    now = desk.clock.now()
    await _forget(desk, now)
    woken = await subscriptions.tell(desk) + await standing.pay(desk)
    after = (datetime.min.replace(tzinfo=UTC), "", "")
    async with desk.reading() as db:
        apart = await moved_clocks(db)
    for _ in range(SWEEP_PAGES_MAX):
        async with desk.reading() as db:
            due = await store.to_wake(db, now, after=after, limit=SWEEP_PAGE, apart=apart.keys())
        woken += await wake(desk, due)
        if len(due) < SWEEP_PAGE:
            break
        last = due[-1]
        after = (last.wake_at or now, last.partner, last.id)
    return woken


async def wake(desk: Desk, due: Sequence[Order]) -> int:
    """Do with each order what its time has come for; how many of them could be woken."""
    woken = await _each(desk, [each for each in due if each.waits_for != BATCH], _wake)
    # Each of these wants connections of its own: one after another leaves some for callers.
    for order in due:
        if order.waits_for == BATCH:
            woken += await _each(desk, [order], _settle_payout)
    return woken


async def settle(desk: Desk, due: Sequence[Order]) -> int:
    """Settle these orders, whose date has ended; how many could be settled."""
    return await _each(desk, due, _settle)


async def end_of_day(desk: Desk, day: date) -> int:
    """Settle every collected order that is due on ``day`` or before; how many were settled."""
    settled = 0
    after = ("", "")
    async with desk.reading() as db:
        apart = await moved_clocks(db)
    for _ in range(SWEEP_PAGES_MAX):
        async with desk.reading() as db:
            due = await store.to_settle(db, day, after=after, limit=SWEEP_PAGE, apart=apart.keys())
        settled += await settle(desk, due)
        if len(due) < SWEEP_PAGE:
            break
        after = (due[-1].partner, due[-1].id)
    return settled


async def _each(
    desk: Desk, orders: Sequence[Order], work: Callable[[Desk, Order], Awaitable[None]]
) -> int:
    """Work on all of them at once; one that fails is logged and tried at the next sweep."""

    async def one(order: Order) -> bool:
        try:
            async with desk.turn(order.id):
                await work(desk, order)
        except Moved:
            return False  # Somebody else was first: a caller, or another worker.
        except BanksideError as error:
            _log.warning("order_not_woken", order=order.id, code=error.code, detail=error.detail)
            return False
        except Exception as error:  # noqa: BLE001 - one order's trouble never stops the others
            _log.error("order_not_woken", order=order.id, exc_info=error)
            return False
        return True

    return sum(await asyncio.gather(*(one(each) for each in orders)))


async def _wake(desk: Desk, order: Order) -> None:
    """What the bank's rules refuse today is tried again tomorrow, not at the next sweep."""
    try:
        await _carry_on(desk, order)
    except Unavailable:
        raise
    except BanksideError as refused:
        await put_off(desk, order, refused.code)


async def _carry_on(desk: Desk, order: Order) -> None:
    at = desk.clock.now()
    if order.waits_for == "collect.confirm":
        await desk.commit(Unit(changes=(engine.close(order, at, why="unpaid in time"),)))
    elif order.waits_for == "hold.capture":
        await _release(desk, order, at)
    elif order.waits_for == "split.execute":
        await _settle(desk, order)
    else:
        await _by_the_clock(desk, order)


async def _by_the_clock(desk: Desk, order: Order) -> None:
    work = CLOCKWORK.get(order.waits_for or "")
    if work is not None:
        await work(desk, order)


async def _settle(desk: Desk, order: Order) -> None:
    """Pending to the merchant; when the merchant cannot take it, back to the payer.

    A settlement that the ledger refuses is compensated, as every definition says: what is still
    pending returns to the payer. When that is refused as well, a person has to decide.
    """
    use = "split.finish" if order.waits_for == "split.execute" else "collect.settle"
    change = engine.run(order, use, {}, desk.clock.now())
    await _run_or_compensate(desk, order, change, f"settle {order.reference}")


async def _release(desk: Desk, order: Order, at: datetime) -> None:
    change = engine.run(order, "hold.release", {}, at)
    try:
        await desk.commit(_unit(order, change, f"release {order.reference}"))
    except HoldExpired:
        # The ledger has timed the hold out itself and given the money back; only the order's own
        # row is behind.
        async with desk.reading() as db:
            current = await store.find(db, store.Scope(order.partner, None), order.id)
        if current is not None and current.waits_for == "hold.capture":
            again = engine.run(current, "hold.release", {}, at)
            await desk.commit(Unit(changes=(replace(again, legs=(), hold=None),)))


async def _run_or_compensate(desk: Desk, order: Order, change: Change, narrative: str) -> None:
    try:
        await desk.commit(_unit(order, change, narrative))
    except Unavailable:
        raise
    except BanksideError as refused:
        async with desk.reading() as db:
            current = await store.find(db, store.Scope(order.partner, None), order.id)
            done = await store.journal(db, order.partner, order.id)
        if current is None or current.revision != order.revision + 1:
            raise Moved from refused
        steps = [entry.step_id for entry in done if entry.status == "done"]
        at = desk.clock.now()
        back = engine.compensate(current, steps, refused.code, at)
        try:
            await desk.commit(_unit(current, back, f"returned: {narrative}"))
        except Refused as again:
            stuck = replace(current, revision=current.revision + 1)
            _log.error("order_needs_a_person", order=order.id, code=again.code)
            await desk.commit(Unit(changes=(engine.reconciling(stuck, again.code, at),)))


async def _settle_payout(desk: Desk, order: Order) -> None:
    """Pay every line that has no result yet, then close the batch."""
    for _ in range(BATCHES_MAX):
        if not await _pay_lines(desk, order):
            break
    async with desk.reading() as db:
        sums = await store_lines.sums(db, order.partner, order.id)
        form = {"invoiced": sums.confirmed + sums.withheld}
        prepared = await preparations.of_change(Room(desk, db), order, BATCH, form)
    if sums.prepared:
        raise OrderBusy(f"{sums.prepared} lines of {order.id} have no result yet")
    ask: Ask = {
        **prepared.ask,
        "transfer": {"part": sums.withheld},
        "confirmed": sums.confirmed,
        "failed": sums.failed,
        "confirmed_count": sums.confirmed_count,
        "failed_count": sums.failed_count,
    }
    at = desk.clock.now()
    change = engine.run(order, BATCH, ask, at)
    try:
        await desk.commit(_unit(order, change, order.input.get("remark", "")))
    except Refused as refused:
        # The payer's account takes nothing back any more: the rest stays in batch clearing.
        _log.error("order_needs_a_person", order=order.id, code=refused.code)
        stuck = replace(order, revision=order.revision + 1)
        await desk.commit(Unit(changes=(engine.reconciling(stuck, refused.code, at),)))


async def _pay_lines(desk: Desk, order: Order) -> bool:
    """One batch of lines: postings and results in one transaction. False when none is left.

    A line's group is derived from the order and its number: two workers on one batch pay once.
    """
    at = desk.clock.now()
    async with transaction(desk.pool) as db:
        lines = await store_lines.prepared(db, order.partner, order.id, limit=LINES_A_BATCH)
        groups = {
            line.no: _line_group(order, line) for line in lines if line.ledger_account is not None
        }
        verdicts = dict(
            zip(groups, await post(db, list(groups.values()), at=at), strict=True) if groups else ()
        )
        done = [_result(line, groups.get(line.no), verdicts.get(line.no)) for line in lines]
        await store_lines.finish(db, order.partner, order.id, done, at=at)
    return bool(lines)


def _line_group(order: Order, line: Line) -> Group:
    assert line.ledger_account is not None
    leg = Leg(
        order.roles["batch_clearing"], line.ledger_account, Money(line.amount, order.currency)
    )
    return Group(
        id=line_group(order.id, line.no),
        legs=of_space((leg,), order.partner),
        kind="batch_line",
        narrative=line.remark[:140],
    )


def _result(line: Line, group: Group | None, verdict: Verdict | None) -> Line:
    if group is None or verdict is None:
        return replace(line, state="failed", reason="account.not_found")
    if verdict.accepted:
        return replace(line, state="confirmed", group=group.id)
    return replace(line, state="failed", reason=refusal(verdict.reason, {}).code, group=group.id)


def _unit(order: Order, change: Change, narrative: str) -> Unit:
    use = change.entries[0].use

    def refused(group: UUID) -> Change:
        return engine.refused(order, use, group, change.after.updated_at)

    return Unit(changes=(change,), refused=refused, narrative=narrative)


async def _forget(desk: Desk, now: datetime) -> None:
    """Keys older than the contract keeps them; a bounded number a sweep."""
    before = now - timedelta(days=store_keys.KEYS_KEPT_DAYS)
    async with transaction(desk.pool) as db:
        await store_keys.forget_before(db, before, limit=KEYS_FORGOTTEN_AT_ONCE)
