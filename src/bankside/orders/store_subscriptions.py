"""SQL of subscriptions to account entries: who is told, and up to which entry."""

from dataclasses import dataclass

from bankside.kernel.db import Connection, Write

_STARTED = (
    "insert into orders.subscriptions (partner_id, order_id, ledger_account, sequence)"
    " values ($1, $2, $3, $4)"
)
_TOLD = "update orders.subscriptions set sequence = $3 where partner_id = $1 and order_id = $2"


@dataclass(frozen=True, slots=True)
class Subscription:
    """An order that is told of an account's entries; ``sequence`` is the last one it was told."""

    partner: str
    order: str
    ledger_account: str
    sequence: int


def started(subscription: Subscription) -> Write:
    """The row of a new subscription."""
    values = (subscription.partner, subscription.order, subscription.ledger_account)
    return Write(_STARTED, (*values, subscription.sequence))


def told(subscription: Subscription, sequence: int) -> Write:
    """The entries up to ``sequence`` were told; commits with the events that tell them."""
    return Write(_TOLD, (subscription.partner, subscription.order, sequence))


async def ended(db: Connection, subscription: Subscription) -> None:
    """Nobody is told any more."""
    await db.execute(
        "delete from orders.subscriptions where partner_id = $1 and order_id = $2",
        subscription.partner,
        subscription.order,
    )


async def page(db: Connection, *, after: tuple[str, str], limit: int) -> list[Subscription]:
    """Up to ``limit`` subscriptions of all partners, by (partner, order) above ``after``.

    Reads over all partners: the teller acts for the bank, not for a caller.
    """
    rows = await db.fetch(
        "select partner_id, order_id, ledger_account, sequence from orders.subscriptions"
        " where (partner_id, order_id) > ($1, $2) order by partner_id, order_id limit $3",
        *after,
        limit,
    )
    return [Subscription(*row) for row in rows]
