"""Primitive ``fx``: a rate for a limited time, and the exchange at it.

Always true: an exchange is two balanced legs, one a currency, against the bank's position accounts;
what is bought is rounded down, what is sold for a fixed purchase is the least that buys it (the
bank never loses on a rounding); undoing one uses the rate it was made at.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from bankside.bank.ledger import Leg
from bankside.bank.markets import Rate
from bankside.kernel.clock import rfc3339
from bankside.kernel.money import Money
from bankside.orders.errors_money import (
    QuoteExpired,
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
from bankside.orders.rules import fee_on

NOUN = "fx"
# A quote is good for as long as a person needs to read it; a dealer's screen gives less.
QUOTE_SECONDS = 120


def quote(order: Order, _step: PlanStep, ask: Ask, at: datetime) -> Effect:
    """The rate stands until it runs out. ``ask["fx"]``: rate, sold, bought, and ``until``.

    An order in one currency only (a remittance from an account of its own currency) has no rate.
    """
    asked = ask[NOUN]
    rate: Rate | None = asked["rate"]
    if rate is None:
        return Effect(order, output={"rate": "1"})
    until: datetime = asked.get("until") or at + timedelta(seconds=QUOTE_SECONDS)
    facts = {
        "sold": asked["sold"].to_json(),
        "bought": asked["bought"].to_json(),
        "rate": str(rate.rate),
        "source": rate.source,
        "simulated": rate.simulated,
        "quoted_at": rfc3339(at),
        "expires_at": rfc3339(until),
        "_until": until.isoformat(),
        "status": "quoted",
    }
    after = replace(kept(order, NOUN, facts), status="quoted")
    if asked.get("wakes", False):
        after = replace(after, wake_at=until)
    return Effect(after, event="quoted", output={"rate": str(rate.rate)})


def convert(order: Order, step: PlanStep, _ask: Ask, at: datetime) -> Effect:
    """Payer to position in one currency, position to payee in the other. Raises QuoteExpired."""
    facts = section(order, NOUN)
    if not facts:
        return _same_currency(order, step)
    if _collects(order):
        return _collected(order, step, at)
    if at > datetime.fromisoformat(facts["_until"]):
        raise QuoteExpired(f"the rate was good until {facts['expires_at']}")
    sold, bought = _money(facts["sold"]), _money(facts["bought"])
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    fee = fee_on(order.money(order.amount), order.terms).minor
    moves: list[Leg] = [
        Leg(payer, order.roles["position_from"], sold),
        Leg(order.roles["position_to"], payee, bought),
    ]
    if fee:
        moves += legs(order, (payer, account(order, step, "fee", "fee_income"), fee))
    after = replace(
        kept(order, NOUN, {"status": "converted", "converted_at": rfc3339(at)}),
        paid=order.amount,
        fee=order.fee + fee,
        status="completed",
        wake_at=None,
    )
    return Effect(after, tuple(moves), event="converted", output={"bought": facts["bought"]})


def _collects(order: Order) -> bool:
    """Whether what is exchanged was collected: then its fee is paid at settlement."""
    return any(each.use == "collect.confirm" for each in order.plan)


def _collected(order: Order, step: PlanStep, at: datetime) -> Effect:
    """What was collected becomes money of its merchant: from here on the order is in that.

    The rate is that of this very change, so that it cannot have run out.
    """
    facts = section(order, NOUN)
    sold, bought = _money(facts["sold"]), _money(facts["bought"])
    clearing = account(order, step, "debit", "clearing_from")
    pending = account(order, step, "credit", "merchant_pending")
    after = replace(
        kept(order, NOUN, {"status": "converted", "converted_at": rfc3339(at)}),
        currency=bought.currency,
        amount=bought.minor,
        paid=bought.minor,
        pending=bought.minor,
        status="paid",
    )
    moves = (
        Leg(clearing, order.roles["position_from"], sold),
        Leg(order.roles["position_to"], pending, bought),
    )
    return Effect(after, moves, event="converted", output={"bought": facts["bought"]})


def returned(order: Order, source: str, minor: int) -> tuple[Order, tuple[Leg, ...]]:
    """A refund of a collection that was exchanged: from ``source`` back to its payer.

    At the rate it was made at, and rounded down over all refunds together, so that a refund in full
    is exactly what was sold. ``order.refunded`` is what was refunded before.
    """
    facts = section(order, NOUN)
    sold = _money(facts["sold"])
    before = sold.minor * order.refunded // order.paid
    back = Money(sold.minor * (order.refunded + minor) // order.paid - before, sold.currency)
    moves = [Leg(source, order.roles["position_to"], order.money(minor))]
    if back.minor:
        moves.append(Leg(order.roles["position_from"], order.roles["payer"], back))
    total = Money(before + back.minor, sold.currency)
    return kept(order, NOUN, {"returned": total.to_json()}), tuple(moves)


def _give_back(order: Order) -> Effect:
    """Undoes the exchange of a collection and its payment: what is pending goes to the payer."""
    pending = order.roles["merchant_pending"]
    after, moves = order, legs(order, (pending, order.roles["payer"], order.pending))
    if section(order, NOUN) and order.pending:
        after, moves = returned(order, pending, order.pending)
    refunded = order.refunded + order.pending
    return Effect(replace(after, refunded=refunded, pending=0, status="refunded"), moves)


def _same_currency(order: Order, step: PlanStep) -> Effect:
    """Nothing to exchange: the amount itself goes where the bought one would have gone."""
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    if _collects(order):
        return Effect(order, legs(order, (payer, payee, order.amount)))
    fee = fee_on(order.money(order.amount), order.terms).minor
    moves = [(payer, payee, order.amount)] if payer != payee else []
    if fee:
        moves.append((payer, account(order, step, "fee", "fee_income"), fee))
    after = replace(order, paid=order.amount, fee=order.fee + fee, status="completed")
    return Effect(after, legs(order, *moves), event="converted")


def convert_back(order: Order, step: PlanStep, _at: datetime) -> Effect:
    """Opposite legs at the same rate; the fee goes back as well."""
    if _collects(order):
        return _give_back(order)
    facts = section(order, NOUN)
    payer = account(order, step, "debit", "payer_account")
    payee = account(order, step, "credit", "payee_account")
    fee = order.fee
    if facts:
        sold, bought = _money(facts["sold"]), _money(facts["bought"])
        moves: list[Leg] = [
            Leg(payee, order.roles["position_to"], bought),
            Leg(order.roles["position_from"], payer, sold),
        ]
    else:
        moves = list(legs(order, (payee, payer, order.paid)))
    if fee:
        moves += legs(order, (account(order, step, "fee", "fee_income"), payer, fee))
    after = replace(order, refunded=order.paid, fee=0, status="refunded")
    if facts:
        after = kept(after, NOUN, {"status": "reversed"})
    return Effect(after, tuple(moves))


def _money(shown: dict[str, str]) -> Money:
    return Money.parse(shown["amount"], shown["currency"])


QUOTE = Primitive(quote)
CONVERT = Primitive(
    convert, ready=lambda ask: not ask[NOUN].get("quote_only", False), reverse=convert_back
)
