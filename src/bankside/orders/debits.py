"""Debits under a mandate: one order a debit, in the same commit as its mandate's count of it.

Entered by a call (``families.mandate``) and by the clock (``due``). A due date whose debit the
ledger or a limit refuses is passed over and stands in the mandate's journal; it is not tried again.
"""

from dataclasses import replace
from datetime import datetime

from bankside.kernel.db import Connection
from bankside.kernel.errors import Refused, Unavailable
from bankside.kernel.ids import new_id
from bankside.kernel.money import Money
from bankside.orders import engine, limits, store, store_keys
from bankside.orders.desk import Desk, Moved, Unit
from bankside.orders.engine import Change
from bankside.orders.model import Order, PlanStep, State
from bankside.orders.primitives import mandate as primitive
from bankside.orders.primitives.effect import Effect, section
from bankside.orders.store_keys import Spending

USE = "mandate.debit"
_STEP = PlanStep("debit", USE, "request", "compensate")
_PASSED = PlanStep("due", "mandate.due", "request", "continue")


def begun(desk: Desk, mandate: Order, amount: Money, *, app: str, at: datetime) -> Order:
    """The new order of one debit, without number and input of its own."""
    return Order(
        partner=mandate.partner,
        id=new_id("order", desk.clock),
        tenant=mandate.tenant,
        app=app,
        psu=mandate.psu,
        product=mandate.product,
        product_version=mandate.product_version,
        family=mandate.family,
        plan=mandate.plan,
        scope=f"debit:{mandate.id}",
        content_hash=b"",
        subject=mandate.subject,
        parent=mandate.id,
        currency=amount.currency,
        amount=amount.minor,
        terms=mandate.terms,
        roles=mandate.roles,
        input={"mandate": mandate.id},
        output={"branch": mandate.output.get("branch")},
        created_at=at,
        updated_at=at,
    )


def decided(mandate: Order, debit: Order, at: datetime, *, due: bool) -> tuple[Change, Change]:
    """The mandate's change and the debit's, which commit together.

    Raises MandateEnded, MandateLimitExceeded. ``due``: the clock's debit, which moves the mandate
    on to its next date.
    """
    amount = debit.money(debit.amount)
    primitive.may_debit(mandate, amount, at)
    after = primitive.debited(mandate, amount, at)
    if due:
        after = primitive.advanced(after)
    ends = section(after, "mandate")["status"] != primitive.ACTIVE
    output = {"debit": debit.id, "amount": str(amount)}
    effect = Effect(after, output=output, event="closed" if ends else None, ends=ends)
    own = engine.run(debit, USE, {}, at)
    return engine.amend(mandate, _STEP, effect, at), own


async def spending(
    db: Connection, desk: Desk, mandate: Order, amount: Money, at: datetime
) -> Spending | None:
    """What the debit adds to the payer's day under the product. Raises the limits' refusals."""
    product = await desk.editions.of(db, mandate.product, mandate.product_version)
    return await limits.admitted(
        db, product, partner=mandate.partner, subject=mandate.subject, amount=amount, at=at
    )


async def due(desk: Desk, mandate: Order) -> None:
    """The clock's debit of a mandate whose date has come."""
    at = desk.clock.now()
    known = section(mandate, "mandate")
    amount = mandate.money(known["amount_minor"])
    debit = begun(desk, mandate, amount, app=mandate.app, at=at)
    debit = replace(debit, reference=f"due-{known['next_on']}")
    try:
        async with desk.reading() as db:
            use = await spending(db, desk, mandate, amount, at)
        changes = decided(mandate, debit, at, due=True)
        await desk.commit(
            Unit(
                changes=changes,
                refused=lambda group: engine.refused(mandate, USE, group, at),
                writes=(store_keys.spent(use),) if use else (),
                narrative=str(mandate.input.get("remark", "")),
            )
        )
    except Unavailable:
        raise
    except Refused as refused:
        await _passed_over(desk, mandate, refused.code, at)


async def _passed_over(desk: Desk, mandate: Order, code: str, at: datetime) -> None:
    """The date is over without a debit: the mandate waits for its next one, or ends."""
    async with desk.reading() as db:
        current = await store.find(db, store.Scope(mandate.partner, None), mandate.id)
    if current is None or current.state is not State.WAITING:
        raise Moved
    after = primitive.advanced(current)
    ended = section(after, "mandate")["status"] != primitive.ACTIVE
    if code == "mandate.not_active" and not ended:
        after, ended = replace(after, status=primitive.EXPIRED, wake_at=None), True
    effect = Effect(after, output={"passed_over": code}, ends=ended)
    await desk.commit(Unit(changes=(engine.amend(current, _PASSED, effect, at),)))
