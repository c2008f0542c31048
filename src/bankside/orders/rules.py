"""Decisions about money in an order: fee, limits, and what may still be refunded or split out.

Pure functions over values. The one place where a fee is rounded is ``Money.basis_points``
(half-even to a minor unit), called from ``fee_on``. Caps follow WeChat Pay profit sharing
(merchant documents 4014547102, 4015870957): shares plus fee never exceed paid less refunded; a
merchant's own maximum share (default 30 %) binds receivers not declared with the order.
"""

from collections.abc import Collection, Mapping

from bankside.kernel.money import MINOR_DIGITS, Money
from bankside.orders.errors import (
    LimitPerTransaction,
    RefundExceedsPaid,
    RefundNeedsSplitReturn,
    SplitCapExceeded,
    SplitReceiverUnknown,
    SplitRequestsExceeded,
)
from bankside.orders.model import Order, Terms

# WeChat Pay's bounds: 50 receivers a request (in the definition), 50 requests an order.
SPLIT_REQUESTS_MAX = 50
# An order that waits at one of these has been paid and not yet settled.
PENDING_STEPS = frozenset({"collect.settle", "split.execute", "split.finish", "ticket.redeem"})


def fee_on(base: Money, terms: Terms) -> Money:
    """The fee on ``base``: basis points half-even, then minimum and maximum, never above ``base``.

    Nothing is charged on nothing: the minimum does not apply to a zero base.
    """
    if base.minor == 0:
        return base
    fee = base.basis_points(terms.fee_rate_bp).minor
    if terms.fee_min is not None:
        fee = max(fee, terms.fee_min)
    if terms.fee_max is not None:
        fee = min(fee, terms.fee_max)
    return Money(min(fee, base.minor), base.currency)


def in_currency(cents: int, currency: str) -> int:
    """A figure of a definition (hundredths of its main unit) in minor units of ``currency``.

    Definitions state one number for every currency: 50,000.00 is 50,000 main units of whichever
    currency the order has, each counted on its own. Sandbox rule; no exchange rate is implied.
    """
    return cents * int(10 ** MINOR_DIGITS[currency]) // 100


def within_transaction_limit(amount: Money, limit_cents: int) -> None:
    """Raise LimitPerTransaction above the product's limit for one transaction."""
    ceiling = Money(in_currency(limit_cents, amount.currency), amount.currency)
    if amount > ceiling:
        raise LimitPerTransaction(
            f"at most {ceiling} {amount.currency} in one transaction",
            extra={"limit": ceiling.to_json()},
        )


def refundable(order: Order) -> Money:
    """What all refunds of a paid order may still add up to."""
    return order.money(order.paid - order.refunded)


def may_refund(order: Order, amount: Money) -> None:
    """Raise RefundExceedsPaid or RefundNeedsSplitReturn when the amount cannot be refunded.

    While money is pending the refund comes out of it, and what stays has to cover shares and fee;
    after settlement the merchant's settlement account funds it, and the ledger decides.
    """
    left = refundable(order)
    if amount > left:
        raise RefundExceedsPaid(
            f"{left} {left.currency} can still be refunded", extra={"refundable": left.to_json()}
        )
    if not is_pending(order):
        return
    fee = fee_on(left - amount, order.terms).minor
    if order.pending - amount.minor < fee:
        raise RefundNeedsSplitReturn(
            f"{order.money(order.split)} {order.currency} were split out of this order"
        )


def is_pending(order: Order) -> bool:
    """Whether the payer's money still stands in the merchant's pending account."""
    return order.waits_for in PENDING_STEPS


def may_split(order: Order, amounts: Mapping[str, int], registered: Collection[str]) -> None:
    """Raise unless ``amounts`` (account id -> minor units) may be split out of the order now.

    Receivers declared when the order was made are the merchant's own word and share in the whole
    order; others have to be registered by the merchant, and all of them together get at most the
    merchant's maximum share of the amount paid. Raises SplitRequestsExceeded,
    SplitReceiverUnknown, SplitCapExceeded.
    """
    if order.requests >= SPLIT_REQUESTS_MAX:
        raise SplitRequestsExceeded(f"an order takes {SPLIT_REQUESTS_MAX} split requests")
    declared = {each["account"] for each in order.input.get("receivers", ())}
    unknown = sorted(set(amounts) - declared - set(registered))
    if unknown:
        raise SplitReceiverUnknown(f"{unknown[0]} is not a receiver of this order or its merchant")
    room = order.pending - fee_on(refundable(order), order.terms).minor
    if sum(amounts.values()) > room:
        raise SplitCapExceeded(
            f"{order.money(max(room, 0))} {order.currency} can be split out of this order",
            extra={"splittable": order.money(max(room, 0)).to_json()},
        )
    shares = {account: order.shares.get(account, 0) for account in {*order.shares, *amounts}}
    others = sum(
        shares[account] + amounts.get(account, 0) for account in shares if account not in declared
    )
    ceiling = order.paid * order.terms.split_share_max_bp // 10_000
    if others > ceiling:
        raise SplitCapExceeded(
            f"receivers not declared with the order get at most {order.money(ceiling)} of it",
            extra={"maximum_share": order.money(ceiling).to_json()},
        )
