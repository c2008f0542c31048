"""Primitive ``instrument``: drafts, receivables, vouchers, letters of credit: who is owed what.

Always true: what the holders (``Order.shares``: account id -> minor units) hold adds up to the
amount, from issue to settlement; who does not hold an amount cannot pass it on; a settled or
discounted-out holder holds nothing.
Discount: amount x rate x days / 360, half-even to a minor unit, deducted in advance (actual/360,
the convention of the bill market; days from the discount to maturity, the last one not counted).
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from bankside.kernel.clock import BANK_ZONE, rfc3339
from bankside.orders.errors_papers import (
    HoldersTooMany,
    InstrumentStateRefused,
    NotTheHolder,
)
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives.effect import (
    Ask,
    Effect,
    Primitive,
    account,
    kept,
    legs,
    section,
)
from bankside.orders.primitives.mandate import due_at

ISSUED, ACCEPTED, SETTLED = "issued", "accepted", "settled"
DISHONOURED, LAPSED = "dishonoured", "lapsed"
# One leg a holder at settlement; a group of the ledger takes 200.
HOLDERS_MAX = 100
DAYS_A_YEAR = 360
# Steps at which an instrument goes on waiting: until its maturity, then.
_KEEPS_OPEN = frozenset({"instrument.endorse", "instrument.discount", "instrument.settle"})
# The bank as a holder, after a discount.
BANK = "bank"


def issue(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The holder and the amount are registered.

    ``ask["instrument"]``: holder (account id), ledger (its ledger account), party, maturity (date).
    """
    prepared = ask["instrument"]
    facts = {
        "instrument_status": ISSUED,
        "holder": prepared["party"],
        "maturity": prepared["maturity"].isoformat(),
        "issued_at": rfc3339(at),
    }
    after = replace(
        _held(kept(order, "instrument", facts), {prepared["holder"]: order.amount}),
        status=ISSUED,
        roles={**order.roles, _role(prepared["holder"]): prepared["ledger"]},
    )
    return Effect(_by_maturity(after, prepared["maturity"]), event="created")


def accept(order: Order, _step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """The acceptor undertakes to pay at maturity. Raises InstrumentStateRefused."""
    _is(order, ISSUED)
    facts = {"instrument_status": ACCEPTED, "accepted_at": rfc3339(at)}
    return Effect(replace(kept(order, "instrument", facts), status=ACCEPTED), event="accepted")


def endorse(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """All or a part of what one account holds passes to another.

    ``ask["instrument"]``: from, to (account ids), to_ledger, amount (minor units), number. Raises
    NotTheHolder, HoldersTooMany, InstrumentStateRefused.
    """
    _is(order, ISSUED, ACCEPTED)
    prepared = ask["instrument"]
    giver, taker, minor = prepared["from"], prepared["to"], prepared["amount"]
    held = order.shares.get(giver, 0)
    if minor > held or giver == taker:
        raise NotTheHolder(f"{giver} holds {order.money(held)} {order.currency} of it")
    shares = {**order.shares, giver: held - minor}
    shares[taker] = shares.get(taker, 0) + minor
    if sum(1 for left in shares.values() if left) > HOLDERS_MAX:
        raise HoldersTooMany
    after = replace(
        _held(order, shares),
        roles={**order.roles, _role(taker): prepared["to_ledger"]},
        requests=order.requests + 1,
    )
    output = {"from": giver, "to": taker, "amount": str(order.money(minor)), "at": rfc3339(at)}
    return Effect(
        after, stays=True, event="endorsed", reference=prepared.get("number"), output=output
    )


def discount_on(minor: int, rate_bp: int, days: int) -> int:
    """The interest deducted in advance, in minor units: actual/360, half-even."""
    whole, rest = divmod(2 * minor * rate_bp * days, 2 * 10_000 * DAYS_A_YEAR)
    half = 10_000 * DAYS_A_YEAR
    return whole + (rest > half or (rest == half and whole % 2 == 1))


def discount(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The bank buys what a holder holds: bank to holder less the discount, which is its income.

    ``ask["instrument"]``: from (account id), amount, rate_bp. Raises NotTheHolder and
    InstrumentStateRefused, also at or after maturity.
    """
    _is(order, ACCEPTED)
    prepared = ask["instrument"]
    seller, minor = prepared["from"], prepared["amount"]
    held = order.shares.get(seller, 0)
    if minor > held or seller == BANK:
        raise NotTheHolder(f"{seller} holds {order.money(held)} {order.currency} of it")
    days = (maturity(order) - at.astimezone(BANK_ZONE).date()).days
    if days <= 0:
        raise InstrumentStateRefused("the instrument has matured")
    deducted = discount_on(minor, prepared["rate_bp"], days)
    book = account(order, step, "debit", "discounted_bills")
    income = account(order, step, "fee", "interest_income")
    shares = {**order.shares, seller: held - minor, BANK: order.shares.get(BANK, 0) + minor}
    facts = {
        "discounted_minor": section(order, "instrument").get("discounted_minor", 0) + minor,
        "discount_minor": section(order, "instrument").get("discount_minor", 0) + deducted,
        "discount_rate_bp": prepared["rate_bp"],
        "discount_days": days,
    }
    after = replace(
        _held(kept(order, "instrument", facts), shares),
        roles={**order.roles, _role(BANK): book},
        requests=order.requests + 1,
    )
    moves = ((book, order.roles[_role(seller)], minor - deducted), (book, income, deducted))
    output = {"discount": str(order.money(deducted)), "days": days}
    return Effect(after, legs(order, *moves), stays=True, event="discounted", output=output)


def settle(order: Order, step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """Drawer to every holder, each what it holds. InstrumentStateRefused before maturity.

    Also of one that was dishonoured before: the drawer may pay late.
    """
    _is(order, ACCEPTED, DISHONOURED)
    if at.astimezone(BANK_ZONE).date() < maturity(order):
        raise InstrumentStateRefused(f"it matures on {maturity(order)}")
    drawer = account(order, step, "debit", "drawer_account")
    moves = [
        (drawer, order.roles[_role(holder)], minor)
        for holder, minor in order.shares.items()
        if order.roles[_role(holder)] != drawer
    ]
    facts = {
        "instrument_status": SETTLED,
        "settled_at": rfc3339(at),
    }
    after = replace(
        kept(order, "instrument", facts),
        status=SETTLED,
        paid=order.amount,
        settled=order.amount,
        shares={},
        wake_at=None,
        due_on=None,
        output={**order.output, "paid_at": rfc3339(at)},
    )
    return Effect(after, legs(order, *moves), event="settled", ends=True)


def dishonour(order: Order, at: datetime) -> Effect:
    """At maturity the drawer could not pay: the claim stands, and can be settled later."""
    facts = {"instrument_status": DISHONOURED, "dishonoured_at": rfc3339(at)}
    after = replace(kept(order, "instrument", facts), status=DISHONOURED, wake_at=None)
    return Effect(after, event="dishonoured")


def maturity(order: Order) -> date:
    """The day on which the instrument is to be paid."""
    return date.fromisoformat(section(order, "instrument")["maturity"])


def _by_maturity(order: Order, day: date) -> Order:
    """An accepted claim that stays open waits for its day; others are settled on request."""
    uses = {each.use for each in order.plan}
    waits = "instrument.accept" in uses and uses & _KEEPS_OPEN
    return replace(order, wake_at=due_at(day)) if waits else order


def _is(order: Order, *allowed: str) -> Mapping[str, Any]:
    known = section(order, "instrument")
    if known.get("instrument_status") not in allowed:
        raise InstrumentStateRefused(
            f"the instrument is {known.get('instrument_status', order.status)}"
        )
    return known


def _held(order: Order, shares: Mapping[str, int]) -> Order:
    """The order with these holders, those of nothing left out; its book shows them."""
    left = {holder: minor for holder, minor in shares.items() if minor}
    assert sum(left.values()) == order.amount, "holders hold all of an instrument"
    holders = [{"account": holder, "amount_minor": minor} for holder, minor in left.items()]
    return replace(kept(order, "instrument", {"holders": holders}), shares=left)


def _role(holder: str) -> str:
    return f"holder:{holder}"


def withdraw(order: Order, _step: PlanStep, at: datetime) -> Effect:
    """Undoes ``issue``: nobody is owed anything, and the register says so."""
    facts = {"instrument_status": LAPSED, "lapsed_at": rfc3339(at), "holders": []}
    return Effect(replace(kept(order, "instrument", facts), status=LAPSED, shares={}))


ISSUE = Primitive(issue, reverse=withdraw)
ACCEPT = Primitive(accept, lasting=True)
ENDORSE = Primitive(endorse, lasting=True)
DISCOUNT = Primitive(discount, lasting=True)
SETTLE = Primitive(settle, lasting=True)
