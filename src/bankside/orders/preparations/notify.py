"""Who gets a message, in which words, and when; and one-time codes, which are messages too."""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from bankside.bank import ledger
from bankside.bank.customers import CustomerNotFound, customer
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.errors import Unavailable
from bankside.kernel.money import Money
from bankside.orders import parties, store_subscriptions
from bankside.orders.errors import CurrencyRefused
from bankside.orders.errors_papers import AudienceInvalid, PartyUnknown
from bankside.orders.inputs import fault, refuse
from bankside.orders.messages import TEMPLATES
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations import codes
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.primitives.deposit import bank_day
from bankside.orders.primitives.effect import kept
from bankside.orders.primitives.mandate import due_at

# Orders that are messages, not orders that tell of themselves by their events.
_MESSAGES = frozenset({"notify", "notify_plan"})


async def sending(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The receipts of a message, one an addressee. Raises AudienceInvalid, PartyUnknown."""
    if order.family == "otp":
        return await _code(room, order, form)
    if order.family not in _MESSAGES:
        return Prepared(order)
    asked = form or order.input
    template = TEMPLATES[_checked(asked)]
    receipts: list[dict[str, Any]] = []
    for index, each in enumerate(asked["audience"]):
        reference = each["party"]
        await _known(room, order, reference, f"/audience/{index}/party")
        own = {**_variables(asked), **{k: str(v) for k, v in each.items() if k != "party"}}
        zh, en = template.filled(own)
        receipts.append(await _sent(room, reference, zh, en))
    return Prepared(order, {"notify": {"receipts": receipts}})


async def scheduling(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The instant the message goes out: 9:00 of ``send_on``, or now. Raises AudienceInvalid."""
    _checked(form)
    for index, each in enumerate(form["audience"]):
        await _known(room, order, each["party"], f"/audience/{index}/party")
    now = room.desk.clock.now()
    day: date | None = form.get("send_on")
    send_at: datetime = max(due_at(day), now) if day else now
    return Prepared(order, {"notify": {"send_at": send_at}})


async def _code(room: Room, order: Order, form: Form) -> Prepared:
    await _known(room, order, form["subject"], "/subject")
    sandbox = room.environment == "sandbox"
    facts = codes.drawn(room.desk.clock.now(), shown=sandbox)
    receipt = await _sent(room, form["subject"], "验证码", "Your code")
    expires = datetime.fromisoformat(facts["expires_at"])
    order = kept(order, "code", facts)
    return Prepared(order, {"notify": {"receipts": [receipt], "wake_at": expires}})


async def _sent(room: Room, party: str, zh: str, en: str) -> dict[str, Any]:
    channel = room.desk.channel
    if room.environment != "sandbox" and not channel.real:
        raise Unavailable("no message channel is connected outside the sandbox")
    delivery = await channel.send(party, zh, en)
    return {
        "party": party,
        "text": {"zh": zh, "en": en},
        "state": delivery.state,
        "simulated": delivery.simulated,
    }


async def _known(room: Room, order: Order, reference: str, pointer: str) -> None:
    try:
        await customer(room.db, order.partner, reference)
    except CustomerNotFound as error:
        detail = "there is no such customer"
        raise PartyUnknown(detail, errors=[fault(pointer, PartyUnknown.code, detail)]) from error


def _checked(asked: Mapping[str, Any]) -> str:
    """The template's name, when every variable it needs is given."""
    name: str = asked["template"]
    template = TEMPLATES.get(name)
    if template is None:
        detail = f"one of {', '.join(TEMPLATES)}"
        raise AudienceInvalid(detail, errors=[fault("/template", "field.choice", detail)])
    given = set(_variables(asked))
    for each in asked["audience"]:
        missing = template.variables - given - set(each)
        if missing:
            detail = f"the template needs {', '.join(sorted(missing))}"
            raise AudienceInvalid(detail, errors=[fault("/variables", "field.missing", detail)])
    return name


def _variables(asked: Mapping[str, Any]) -> dict[str, str]:
    return dict(asked.get("variables", {}))


async def subscribing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Where the account stands: what is booked from here on is told. Raises AccountNotFound."""
    assert room.ticket is not None, "subscriptions come by request"
    own = await parties.own_account(room.db, room.ticket.scope, form["account"])
    least: Money | None = form.get("minimum")
    if least is not None and least.currency != own.currency:
        raise CurrencyRefused(f"the account is kept in {own.currency}")
    last: date | None = form.get("until")
    if last is not None and last < bank_day(room.desk.clock.now()):
        refuse([fault("/until", "field.range", "this day is over")])
    until = datetime.combine(last + timedelta(days=1), time(), BANK_ZONE) if last else None
    since = (await ledger.balance(room.db, own.ledger_account)).version
    row = store_subscriptions.Subscription(order.partner, order.id, own.ledger_account, since)
    asked = {"subscription": {"last": since, "until": until}}
    return Prepared(order, asked, (store_subscriptions.started(row),))


PREPARATIONS: Mapping[str, Prepare] = {
    "notify.send": sending,
    "notify.subscribe": subscribing,
    "notify.schedule": scheduling,
}
