"""The rate of an exchange, what it sells and buys, and the position accounts of both currencies."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, time, timedelta

from bankside.bank.accounts import Account, accounts_by_reference
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Write
from bankside.kernel.money import Money
from bankside.orders import exchange_quota, parties
from bankside.orders.errors import CurrencyRefused
from bankside.orders.inputs import fault
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room


async def quoting(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The rate for what the request sells or buys.

    The money comes from ``payer_account`` (or, for money that came in, out of clearing) and goes to
    ``payee_account``, to the account the order opened, or in the amount's own currency abroad; a
    collection is exchanged into its merchant's currency. The amount says which side is fixed.
    Raises CurrencyRefused, PairUnknown, ExchangeQuotaExceeded.
    """
    asked = {**order.input, **form}
    payer = await _account(room, order, asked, "payer_account")
    payee = await _account(room, order, asked, "payee_account")
    amount = _amount(asked)
    sell = payer.currency if payer else amount.currency
    settles_in = order.book.get("collect", {}).get("settles_in")
    buy = settles_in or _bought_currency(asked, payee, payer, amount)
    if amount.currency not in (sell, buy):
        detail = f"the amount is in {sell} or {buy}"
        raise CurrencyRefused(
            detail, errors=[fault("/amount/currency", CurrencyRefused.code, detail)]
        )
    if sell == buy:
        return Prepared(_in(order, sell, buy, amount, settles_in), {"fx": {"rate": None}})
    rate = room.desk.market.rate(sell, buy, room.desk.clock.now())
    if amount.currency == sell:
        sold, bought = amount, Money(rate.bought(amount.minor), buy)
    else:
        sold, bought = Money(rate.sold(amount.minor), sell), amount
    facts = {"rate": rate, "sold": sold, "bought": bought}
    if form.get("quote_only"):
        facts |= {"quote_only": True, "wakes": True}
    if "value_date" in asked:
        facts |= {"until": _end_of(str(asked["value_date"]))}
    writes = await _of_the_year(room, order, payer, sold, bought)
    return Prepared(_in(order, sell, buy, sold, settles_in), {"fx": facts}, writes)


async def _of_the_year(
    room: Room, order: Order, payer: Account | None, sold: Money, bought: Money
) -> tuple[Write, ...]:
    """What the exchange uses of its payer's year. Raises ExchangeQuotaExceeded."""
    if payer is None or not exchange_quota.is_counted(order, sold, bought):
        return ()
    at = room.desk.clock.now()
    buys = sold.currency == "CNY"
    dollars = exchange_quota.in_dollars(bought if buys else sold, room.desk.market, at)
    return await exchange_quota.used(
        room.db, order.partner, payer.customer, dollars, buys=buys, at=at
    )


def _in(order: Order, sell: str, buy: str, own: Money, settles_in: str | None = None) -> Order:
    """The order in its own currency, with the bank's accounts of both.

    A collection pays its fee and its shares in the currency it ``settles_in``.
    """
    source, target = parties.house(sell), parties.house(buy)
    roles = {
        **order.roles,
        **parties.house(settles_in or own.currency),
        "position_from": source["position"],
        "position_to": target["position"],
        "clearing_from": source["clearing"],
        "clearing_to": target["clearing"],
        "nostro_from": source["nostro"],
        "nostro_to": target["nostro"],
    }
    return replace(order, currency=own.currency, amount=own.minor, roles=roles)


def _bought_currency(
    asked: Mapping[str, object], payee: Account | None, payer: Account | None, amount: Money
) -> str:
    if payee is not None:
        return payee.currency
    if "currency" in asked:
        return str(asked["currency"])
    if payer is not None and amount.currency == payer.currency and "pay_currency" in asked:
        return str(asked["pay_currency"])
    return amount.currency


async def _account(
    room: Room, order: Order, asked: Mapping[str, object], name: str
) -> Account | None:
    reference = asked.get(name)
    if reference is None:
        return None
    found = await accounts_by_reference(room.db, order.partner, [str(reference)])
    return found.get(str(reference))


def _amount(asked: Mapping[str, object]) -> Money:
    amount = asked["amount"]
    if isinstance(amount, Money):
        return amount
    assert isinstance(amount, Mapping), "inputs were read before"
    return Money.parse(amount["amount"], amount["currency"])


def _end_of(day: str) -> datetime:
    """The last instant of a value date in the bank's zone."""
    start = datetime.combine(datetime.fromisoformat(day).date(), time(), BANK_ZONE)
    return start + timedelta(days=1)


PREPARATIONS: Mapping[str, Prepare] = {"fx.quote": quoting}
