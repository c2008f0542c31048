"""Holders of instruments: accounts of the data space, found when one is issued or passed on."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bankside.bank.accounts import Account
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.money import Money
from bankside.orders import limits, parties, store_keys
from bankside.orders.errors_papers import MaturityInvalid, NotTheHolder
from bankside.orders.inputs import fault
from bankside.orders.interest import month_after
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.instrument import BANK

# Commercial drafts run six months (PBOC and NFRA order 2022-4, article 25), electronic receivables
# vouchers a year (PBOC notice 2025-77), and what they stand for no longer in the sandbox; other
# claims 30 years (sandbox bound).
MONTHS_MAX = 30 * 12
_MONTHS_MAX: Mapping[str, int] = {
    "bill.commercial-drafts": 6,
    "supplychain.credit-vouchers": 12,
    "supplychain.receivables": 12,
}
# What the bank asks for money a year ahead, in basis points, unless the request offers more.
DISCOUNT_RATE_BP = 200


async def issuing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Holder, its account and the maturity. Raises MaturityInvalid, AccountUnknown, NotTheHolder.

    The product's limits bind the amount on the day of issue, by drawer.
    """
    assert room.ticket is not None, "instruments are issued by requests"
    if "holder_account" not in form:
        return _pledged(room, order, form)
    maturity = _maturity(room, order, form)
    account = await _account(room, form["holder_account"], "/holder_account", order)
    if "holder" in form and account.customer != form["holder"]:
        detail = "the account belongs to another customer"
        raise NotTheHolder(detail, errors=[fault("/holder_account", NotTheHolder.code, detail)])
    spending = await limits.admitted(
        room.db,
        room.ticket.product,
        partner=order.partner,
        subject=order.roles["drawer_account"],
        amount=order.money(order.amount),
        at=room.ticket.at,
    )
    asked = {
        "holder": account.id,
        "ledger": account.ledger_account,
        "party": account.customer,
        "maturity": maturity,
    }
    # Where the drawer's money is put on hold as well, that posting counts, once.
    held = any(each.use == "hold.place" for each in order.plan)
    writes = (store_keys.spent(spending),) if spending and not held else ()
    return Prepared(order, {"instrument": asked}, writes)


def _pledged(room: Room, order: Order, form: Form) -> Prepared:
    """Security for a loan: the bank holds it until the last instalment is due."""
    today = room.desk.clock.now().astimezone(BANK_ZONE).date()
    asked = {
        "holder": BANK,
        "ledger": order.roles["loan_book"],
        "party": BANK,
        "maturity": month_after(today, form["term_months"]),
    }
    return Prepared(order, {"instrument": asked})


async def endorsing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """From whom to whom, and how much (all of it unless said). Raises NotTheHolder."""
    giver = await _giver(room, order, form)
    taker = await _account(room, form["to_account"], "/to_account", order)
    asked = {
        "from": giver,
        "to": taker.id,
        "to_ledger": taker.ledger_account,
        "amount": _minor(order, giver, form),
        "number": form.get("endorsement_no"),
    }
    return Prepared(order, {"instrument": asked})


async def discounting(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Who sells how much to the bank, at which rate."""
    giver = await _giver(room, order, form)
    rate = max(form.get("rate_bp", DISCOUNT_RATE_BP), DISCOUNT_RATE_BP)
    asked: dict[str, Any] = {
        "from": giver,
        "amount": _minor(order, giver, form),
        "rate_bp": min(rate, 10_000),
    }
    return Prepared(order, {"instrument": asked})


async def _giver(room: Room, order: Order, form: Form) -> str:
    """The account that passes its part on: named, or the only one that holds any."""
    if "from_account" in form:
        found = await _account(room, form["from_account"], "/from_account", order)
        return found.id
    holders = [holder for holder in order.shares if holder != "bank"]
    if len(holders) != 1:
        detail = "several accounts hold a part: name one"
        raise NotTheHolder(detail, errors=[fault("/from_account", NotTheHolder.code, detail)])
    assert room.ticket is not None, "holders act by requests"
    return (await parties.own_account(room.db, room.ticket.scope, holders[0])).id


def _minor(order: Order, giver: str, form: Form) -> int:
    amount = form.get("amount")
    if isinstance(amount, Money):
        if amount.currency != order.currency:
            raise NotTheHolder(f"the instrument is in {order.currency}")
        return amount.minor
    return order.shares.get(giver, 0)


async def _account(room: Room, reference: str, pointer: str, order: Order) -> Account:
    assert room.ticket is not None, "holders are named by requests"
    amount = order.money(order.amount)
    found = await parties.accounts(room.db, room.ticket.scope, {pointer: reference}, amount)
    return found[reference]


def _maturity(room: Room, order: Order, form: Form) -> date:
    day: date = form["maturity"]
    today = room.desk.clock.now().astimezone(BANK_ZONE).date()
    months = _MONTHS_MAX.get(order.product, MONTHS_MAX)
    if not today < day <= month_after(today, months):
        detail = f"it matures after today, within {months} months"
        raise MaturityInvalid(detail, errors=[fault("/maturity", MaturityInvalid.code, detail)])
    return day


PREPARATIONS: Mapping[str, Prepare] = {
    "instrument.issue": issuing,
    "instrument.endorse": endorsing,
    "instrument.discount": discounting,
}
