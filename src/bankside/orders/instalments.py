"""What the day brings to a loan: its interest, and what falls due is taken from the borrower.

Always true: interest is posted before anything is taken; what the account cannot cover stays due,
earns penalty interest, and is tried again the next day.
"""

from bankside.bank import ledger
from bankside.orders import engine, store
from bankside.orders.desk import Desk, Moved
from bankside.orders.interest.loanbook import accrued, owed
from bankside.orders.model import Order
from bankside.orders.primitives import loan
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.unattended import again, commit


async def due(desk: Desk, order: Order) -> None:
    """Post the loan's interest to today, then take what is due as far as the account goes."""
    if any(step.use == "loan.accrue" for step in order.plan):
        await again(desk, order, "loan.accrue", "贷款利息 loan interest")
        async with desk.reading() as db:
            found = await store.find(db, store.Scope(order.partner, None), order.id)
        if found is None or found.revision != order.revision + 1:
            raise Moved
        order = found
    await _take(desk, order)


async def _take(desk: Desk, order: Order) -> None:
    at = desk.clock.now()
    today = bank_day(at)
    falls_due = owed(accrued(loan.of(order), today), today).total
    payer = order.roles[_payer_role(order)]
    async with desk.reading() as db:
        covered = (await ledger.balance(db, payer)).available.minor
    amount = min(falls_due, max(covered, 0))
    if amount == 0:
        if falls_due and order.waits_for == "loan.repay":
            # Nothing to take today: the order sleeps until tomorrow.
            await commit(desk, order, engine.asleep(order, at), "")
        return
    ask = {"loan": {"amount": order.money(amount), "payer": payer}}
    await commit(desk, order, engine.run(order, "loan.repay", ask, at), "贷款还款 repayment")


def _payer_role(order: Order) -> str:
    step = next(each for each in order.plan if each.use == "loan.repay")
    return step.roles.get("debit", "account")
