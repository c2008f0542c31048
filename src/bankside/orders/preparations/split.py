"""Merchants and receivers: what a registration and a split have to know of both."""

from collections.abc import Mapping

from bankside.bank.merchants import MerchantTerms, admitted, merchant
from bankside.kernel.ids import AccountId, CustomerId, MerchantId, TenantId, new_id
from bankside.orders import parties
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room

# Archetypes whose order takes a merchant in.
_ONBOARDS = frozenset({"merchant_onboard"})


async def registering(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The merchant's terms, or the receiver that a standing merchant admits."""
    if order.family not in _ONBOARDS:
        return Prepared(order)
    known = order.book.get("merchant", {}).get("id")
    if known is not None:
        return await _receiver(room, order, known, form)
    assert room.ticket is not None, "merchants come by request"
    tenant = room.ticket.call.caller.tenant
    terms = MerchantTerms(
        customer=CustomerId(form["holder"]),
        name_zh=form["trade_name"],
        name_en=form.get("trade_name_en", form["trade_name"]),
        settlement_account=AccountId("-"),
        fee_rate_bp=form.get("fee_rate_bp"),
        tenant=TenantId(tenant) if tenant else None,
    )
    made = MerchantId(new_id("merchant", room.desk.clock))
    return Prepared(order, {"merchant": {"terms": terms, "id": made}})


async def _receiver(room: Room, order: Order, known: str, form: Form) -> Prepared:
    assert room.ticket is not None, "receivers come by request"
    named = {"/account": form["account"]}
    found = await parties.accounts(room.db, room.ticket.scope, named, order.money(0))
    target = found[form["account"]]
    of = await merchant(room.db, order.partner, known, tenant=order.tenant)
    relation = form.get("relation", "partner")
    writes = admitted(of, target, relation=relation, at=room.ticket.at)
    return Prepared(order, {"merchant": {"writes": writes, "receiver": target.id}})


async def sharing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """The shares of a split: receivers found, and those the merchant registered."""
    assert room.ticket is not None, "shares are asked for"
    named = {
        f"/receivers/{index}/account": each["account"]
        for index, each in enumerate(form["receivers"])
    }
    found = await parties.accounts(room.db, room.ticket.scope, named, order.money(0))
    parties.same_currency(form["receivers"], order.currency, "/receivers")
    asked = {
        "shares": [
            {"account": found[each["account"]].id, "amount": each["amount"]}
            for each in form["receivers"]
        ],
        "accounts": {each.id: each.ledger_account for each in found.values()},
        "registered": await parties.registered(room.db, order),
        "number": form.get("split_no"),
        "finish": form.get("finish", False),
    }
    return Prepared(order, asked)


PREPARATIONS: Mapping[str, Prepare] = {
    "split.register": registering,
    "split.execute": sharing,
}
