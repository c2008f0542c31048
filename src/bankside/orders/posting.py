"""From a decided change to the group the ledger posts: its id, kind, hold and words.

Always true: the group of a change is derived from the order, the step and the revision it started
from, so that the same decision made twice is one posting.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from bankside.bank.accounts import in_space
from bankside.bank.ledger import Capture, Group, Hold, Leg, Release, group_id
from bankside.kernel.ids import is_space
from bankside.orders.engine import Change
from bankside.orders.model import Order

# What statements call a posting (ISO 20022 has no closer word than our own families).
KINDS: Mapping[str, str] = {
    "transfer.execute": "transfer",
    "transfer.reverse": "reversal",
    "transfer.out": "transfer_out",
    "transfer.in": "transfer_in",
    "fx.convert": "exchange",
    "collect.confirm": "payment",
    "collect.settle": "settlement",
    "collect.refund": "refund",
    "split.execute": "split",
    "split.return": "split_return",
    "split.finish": "settlement",
    "hold.place": "hold",
    "hold.capture": "capture",
    "hold.release": "release",
    "account.close": "sweep",
    "account.charge": "fee",
    "deposit.place": "deposit",
    "invest.subscribe": "subscription",
    "invest.value": "valuation",
    "invest.redeem": "redemption",
    "pension.contribute": "contribution",
    "pension.invest": "subscription",
    "pension.redeem": "redemption",
    "pension.payout": "pension",
    "loan.draw": "loan_drawing",
    "loan.accrue": "interest",
    "loan.bill": "interest",
    "loan.repay": "loan_repayment",
    "deposit.accrue": "interest",
    "deposit.redeem": "redemption",
    "payout.submit": "batch",
    "payout.settle": "batch_result",
    "mandate.debit": "direct_debit",
    "bill.pay": "payment",
    "ticket.redeem": "benefit",
    "ticket.refund": "refund",
    "instrument.discount": "discount",
    "instrument.settle": "settlement",
}
# 140 characters of ISO 20022 Max140Text in UTF-8; the ledger takes no more.
NARRATIVE_OCTETS_MAX = 560


def group_of(changes: Sequence[Change], narrative: str) -> Group | None:
    """The one group of everything that changes together, or None when nothing is posted."""
    first = changes[0]
    legs = of_space((leg for change in changes for leg in change.legs), first.after.partner)
    if not legs:
        return None
    revision = first.before.revision if first.before else 0
    placing = next((change for change in changes if change.hold == "place"), None)
    return Group(
        id=hold_of(placing.after)
        if placing
        else group_id(first.after.id, first.entries[0].step_id, str(revision)),
        legs=legs,
        kind=_kind(changes),
        narrative=narrative.encode()[:NARRATIVE_OCTETS_MAX].decode(errors="ignore"),
        hold=_hold(changes),
    )


def of_space(legs: Iterable[Leg], partner: str) -> tuple[Leg, ...]:
    """The legs with the bank's own accounts of the data space, where it has its own."""
    if not is_space(partner):
        return tuple(legs)
    return tuple(
        replace(leg, debit=in_space(leg.debit, partner), credit=in_space(leg.credit, partner))
        for leg in legs
    )


def hold_of(order: Order) -> UUID:
    """The id of the order's hold: that of the group which placed it. An order holds once."""
    return group_id(order.id, "hold")


def line_group(order_id: str, line_no: int) -> UUID:
    """The group of one line of a bulk order."""
    return group_id(order_id, "line", str(line_no))


def _kind(changes: Sequence[Change]) -> str:
    for change in changes:
        for entry in change.entries:
            if entry.status == "reversed":
                return "reversal"
            if entry.use in KINDS:
                return KINDS[entry.use]
    return "transfer"


def _hold(changes: Sequence[Change]) -> Hold | Capture | Release | None:
    for change in changes:
        if change.hold == "place":
            assert change.after.wake_at is not None, "a hold has an end"
            return Hold(change.after.wake_at)
        if change.hold == "capture":
            return Capture(hold_of(change.after))
        if change.hold == "release":
            return Release(hold_of(change.after))
    return None
