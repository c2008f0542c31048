"""What the clock does to waiting orders, by the step they wait at.

Always true: every function here may be stopped at any point and started again, by any number of
workers at once: each change is one commit that only one of them wins, and what it posts follows
from dates and the order's own book, so that a day missed is made up for and a day is never paid
twice.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bankside.bank import ledger
from bankside.orders import (
    debits,
    engine,
    instalments,
    maturity,
    outside,
    store,
)
from bankside.orders.desk import Desk, Unit
from bankside.orders.errors import (
    FundsInsufficient,
    HoldExpired,
)
from bankside.orders.errors_money import (
    PensionConditionUnmet,
)
from bankside.orders.interest import month_after
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import ticket, upkeep
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.unattended import again, commit, give_back, onwards

Clockwork = Callable[[Desk, Order], Awaitable[None]]


async def deposit_interest(desk: Desk, order: Order) -> None:
    """The day's interest of a deposit is posted."""
    await again(desk, order, "deposit.accrue", "利息 interest")
    if order.held:
        # A margin earns until its time is over; then it is released as well.
        async with desk.reading() as db:
            found = await store.find(db, store.Scope(order.partner, None), order.id)
        if found is not None and found.waits_for == "deposit.accrue":
            await hold_over(desk, found)


async def ticket_over(desk: Desk, order: Order) -> None:
    """A ticket nobody used in time ends; what it was paid with goes back.

    The units of a gift that nobody took are sold back to who gave them.
    """
    at = desk.clock.now()
    if "invest" in order.book and not order.pending:
        await give_back(desk, order, "ticket.not_valid", "逾期 expired")
        return
    step = PlanStep("expiry", "ticket.refund", "request", "compensate")
    await commit(
        desk, order, engine.amend(order, step, ticket.expire(order, at), at), "逾期 expired"
    )


async def valuation(desk: Desk, order: Order) -> None:
    """A position is marked to the day's price, and a plan's next month is bought.

    A month that the account cannot cover is tried again the next day.
    """
    if await plan_due(desk, order):
        await again(desk, order, "invest.subscribe", "定投 plan")
    else:
        await again(desk, order, "invest.value", "估值 valuation")


async def plan_due(desk: Desk, order: Order) -> bool:
    """Whether a month of an investment plan has come and its account can pay for it."""
    if sum(step.use == "invest.subscribe" for step in order.plan) < 2:
        return False
    months = order.paid // order.amount
    due = month_after(bank_day(order.created_at), months)
    if bank_day(desk.clock.now()) < due:
        return False
    async with desk.reading() as db:
        covered = (await ledger.balance(db, order.roles["account"])).available.minor
    return covered >= order.amount + order.fee


async def pension_due(desk: Desk, order: Order) -> None:
    """A pension falls due: it is paid when its condition is met, and looked at again tomorrow."""
    try:
        await onwards(desk, order, "pension.payout", "养老金 pension")
    except (PensionConditionUnmet, FundsInsufficient):
        async with desk.reading() as db:
            found = await store.find(db, store.Scope(order.partner, None), order.id)
        if found is not None and found.waits_for == "pension.payout":
            await commit(desk, found, engine.asleep(found, desk.clock.now()), "")


async def hold_over(desk: Desk, order: Order) -> None:
    """A hold's time is over: it is released, and what follows it runs (a forward is exchanged).

    When the ledger has timed the hold out by itself, its money is back already, and only the rest
    of the change is posted.
    """
    at = desk.clock.now()
    try:
        await commit(desk, order, engine.run(order, "hold.release", {}, at), "解冻 release")
    except HoldExpired:
        async with desk.reading() as db:
            current = await store.find(db, store.Scope(order.partner, None), order.id)
        if current is None or current.held == 0:
            return
        change = engine.run(current, "hold.release", {}, at)
        rest = tuple(leg for leg in change.legs if leg.debit != current.roles["held"])
        await commit(desk, current, replace(change, legs=rest, hold=None), "解冻 release")


async def card_month(desk: Desk, order: Order) -> None:
    """A credit card is billed, or a due date of it is over."""
    await again(desk, order, "loan.bill", "信用卡账单 card bill")


async def account_fee(desk: Desk, order: Order) -> None:
    """A period of an account is over, or what it owes is tried again."""
    await again(desk, order, upkeep.USE, upkeep.narrative(order, desk.clock.now()))


async def quote_over(desk: Desk, order: Order) -> None:
    """Nobody dealt at the quoted rate in time."""
    change = engine.close(order, desk.clock.now(), why="the quote ran out")
    await desk.commit(Unit(changes=(change,)))


async def message_due(desk: Desk, order: Order) -> None:
    """The instant of a planned message has come, or the last one of a subscription is over."""
    if "subscription" in order.book:
        change = engine.close(order, desk.clock.now(), why="the subscription ran out")
        await desk.commit(Unit(changes=(change,)))
        return
    await onwards(desk, order, "notify.send", "")


async def code_over(desk: Desk, order: Order) -> None:
    """Nobody used the one-time code in time."""
    change = engine.close(order, desk.clock.now(), why="the code ran out")
    await desk.commit(Unit(changes=(change,)))


async def contract_over(desk: Desk, order: Order) -> None:
    """A contract or consent that was given until a day ends with it."""
    await onwards(desk, order, "contract.terminate", "")


CLOCKWORK: Mapping[str, Clockwork] = {
    "account.charge": account_fee,
    "deposit.accrue": deposit_interest,
    "hold.release": hold_over,
    "invest.value": valuation,
    "invest.redeem": valuation,
    "pension.payout": pension_due,
    "loan.accrue": instalments.due,
    "loan.bill": card_month,
    "loan.repay": instalments.due,
    "fx.convert": quote_over,
    "transfer.out": outside.network_answer,
    "transfer.in": outside.arrival,
    "mandate.debit": debits.due,
    "ticket.redeem": ticket_over,
    "notify.send": message_due,
    "verify.code": code_over,
    "contract.terminate": contract_over,
    "instrument.accept": maturity.matured,
    "instrument.endorse": maturity.matured,
    "instrument.discount": maturity.matured,
    "instrument.settle": maturity.matured,
}
