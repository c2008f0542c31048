"""Orders that wait for another bank: what the network is asked, and what its word means.

Always true: a payment is asked for under a key of the order's own, after its money stands in
clearing; unknown is never refused. The money stays there until the network, or a person, says.
"""

from datetime import timedelta

import structlog

from bankside.bank.networks import Outcome, Outgoing
from bankside.kernel.money import Money
from bankside.orders import engine, preparations
from bankside.orders.desk import Desk, Unit
from bankside.orders.errors_money import (
    NetworkRefused,
)
from bankside.orders.model import Order
from bankside.orders.preparations import Room
from bankside.orders.primitives.effect import kept, section
from bankside.orders.primitives.transfer import outgoing
from bankside.orders.unattended import commit, give_back

# An unknown payment is asked about after 1, 2, 4 ... minutes, at most every six hours; after this
# many queries (some four days) a person has to find out.
UNKNOWN_TRIES_MAX = 24
UNKNOWN_PAUSE_MINUTES_MAX = 6 * 60

_log = structlog.get_logger("orders")


async def network_answer(desk: Desk, order: Order) -> None:
    """Ask the network what became of money in clearing, and act on its word.

    The request leaves under the order's own key, which was stored with the money, so that a worker
    that died in between asks for the same payment. Unknown is asked again, later and later.
    """
    attempts = section(order, "transfer")["attempts"]
    asked = desk.network.ask if attempts else desk.network.send
    outcome = await asked(f"{order.id}:out", _payment(order))
    at = desk.clock.now()
    if outcome.state == "done":
        ask = {"transfer": {"outcome": outcome}}
        await commit(desk, order, engine.run(order, "transfer.out", ask, at), "跨行转账 transfer")
    elif outcome.state == "refused":
        told = kept(order, "transfer", {"reason": outcome.reason, "simulated": outcome.simulated})
        await give_back(desk, told, NetworkRefused.code, "退回 returned")
    else:
        pause = timedelta(minutes=min(2**attempts, UNKNOWN_PAUSE_MINUTES_MAX))
        wake_at = at + pause if attempts < UNKNOWN_TRIES_MAX else None
        if wake_at is None:
            _log.error("order_needs_a_person", order=order.id, code="payment.unknown")
        change = engine.unknown(order, "transfer", wake_at, at)
        await desk.commit(Unit(changes=(change,)))


async def arrival(desk: Desk, order: Order) -> None:
    """The network brings what the order announced; in the sandbox it comes by itself, simulated."""
    at = desk.clock.now()
    shown = order.input["amount"]
    amount = Money.parse(shown["amount"], shown["currency"])
    arrived = Outcome("done", f"SBXIN{order.id[-12:].upper()}", source="sandbox", simulated=True)
    async with desk.reading() as db:
        prepared = await preparations.of_change(Room(desk, db), order, "transfer.in", {})
    ask = {**prepared.ask, "transfer": {"outcome": arrived, "amount": amount}}
    change = engine.run(prepared.order, "transfer.in", ask, at)
    await commit(desk, order, change, "汇入 inward payment")


def _payment(order: Order) -> Outgoing:
    """What the network is asked to pay, in the payer's own words."""
    asked = section(order, "transfer").get("_payee") or order.input
    return Outgoing(
        amount=outgoing(order),
        account=str(asked.get("payee_account_no", "")),
        name=str(asked.get("payee_name", "")),
        bank=str(asked.get("payee_bank", "")),
        remittance=str(asked.get("remark", "")),
    )
