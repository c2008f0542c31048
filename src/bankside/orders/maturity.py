"""What the clock does to instruments: paid at maturity, dishonoured, or lapsed.

Entered by ``clockwork``. The drawer that cannot pay on the day owes on: the claim stands as
dishonoured and is settled on request.
"""

from bankside.kernel.errors import Refused, Unavailable
from bankside.orders import engine, store, unattended
from bankside.orders.desk import Desk, Moved
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import PRIMITIVES, instrument
from bankside.orders.primitives.effect import section

_STEP = PlanStep("maturity", "instrument.settle", "maturity", "compensate")


async def matured(desk: Desk, order: Order) -> None:
    """The instrument's day has come.

    One that nobody accepted lapses: what was put on hold for it returns.
    """
    if section(order, "instrument").get("instrument_status") != instrument.ACCEPTED:
        await unattended.give_back(desk, order, "instrument.lapsed", "票据失效 lapsed")
        return
    at = desk.clock.now()
    effect = PRIMITIVES[_STEP.use].run(order, _STEP, {}, at)
    change = engine.amend(order, _STEP, effect, at)
    try:
        await unattended.commit(desk, order, change, "到期兑付 settlement")
    except Unavailable:
        raise
    except Refused:
        async with desk.reading() as db:
            current = await store.find(db, store.Scope(order.partner, None), order.id)
        if current is None or current.revision != order.revision + 1:
            raise Moved from None
        unpaid = engine.amend(current, _STEP, instrument.dishonour(current, at), at)
        await unattended.commit(desk, current, unpaid, "拒付 dishonoured")
