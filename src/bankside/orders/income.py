"""Loans repaid from income: a share of what comes in to the borrower's account goes to the loan.

Always true: an amount that came in counts once (the mark up to which entries were counted moves in
the commit that takes the share), the share is rounded down, and it is never more than what ends the
loan or than what the account has. Money that is no income (a loan, a refund, what the borrower had
elsewhere in the bank's own products) counts for nothing. What falls due is taken besides, by
``instalments``.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import structlog

from bankside.bank import ledger
from bankside.bank.ledger import Entry
from bankside.kernel.errors import Refused, Unavailable
from bankside.orders import engine, store_subscriptions
from bankside.orders.desk import Desk, Unit
from bankside.orders.interest.loanbook import accrued, payoff
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import loan
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import Effect, kept, section
from bankside.orders.store_subscriptions import Subscription

NOUN: Final = "income"
# What a posting has to be for its money to be earned: pay, shares, settlements, transfers in.
KINDS: Final = frozenset(
    {"batch_line", "split", "settlement", "transfer", "transfer_in", "payment", "benefit"}
)

_log = structlog.get_logger("orders")
_SEEN = PlanStep("income", "order.income", "daily", "continue")


async def take(
    desk: Desk, subscription: Subscription, order: Order, entries: Sequence[Entry]
) -> None:
    """Take the loan's share of these entries; what the ledger refuses of it is passed over."""
    at = desk.clock.now()
    last = entries[-1].version
    came_in = sum(
        each.amount.minor for each in entries if each.amount.minor > 0 and each.kind in KINDS
    )
    account = order.roles["account"]
    async with desk.reading() as db:
        covered = max((await ledger.balance(db, account)).available.minor, 0)
    known = section(order, NOUN)
    today = bank_day(at)
    most = payoff(accrued(loan.of(order), today), today).total
    share = min(came_in * known["share_bp"] // 10_000, covered, most)
    told = store_subscriptions.told(subscription, last)
    if share:
        taken = kept(order, NOUN, {"last": last, "taken_minor": known["taken_minor"] + share})
        ask = {"loan": {"amount": order.money(share), "payer": account}}
        ran = engine.run(taken, "loan.repay", ask, at)
        # What falls due today is still taken today.
        wakes = order.wake_at if ran.after.wake_at else None
        change = replace(ran, before=order, after=replace(ran.after, wake_at=wakes))
        try:
            await desk.commit(
                Unit(changes=(change,), writes=(told,), narrative="收入还贷 repayment from income")
            )
            return
        except Unavailable:
            raise
        except Refused as refused:
            # A blocked account, say: what it earned is passed over and falls due like the rest.
            _log.info("income_share_refused", order=order.id, code=refused.code)
    effect = Effect(kept(order, NOUN, {"last": last}), output={"came_in": came_in})
    seen = engine.amend(order, _SEEN, effect, at)
    await desk.commit(Unit(changes=(seen,), writes=(told,)))
