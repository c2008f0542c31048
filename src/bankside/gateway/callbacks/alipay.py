"""The Alipay-style notification of a trade, v2 and v3 alike.

Always true: ``notify_id`` is the event's id; the signature leaves out ``sign_type``, which is the
one the partner's own request carried, because one public SDK refuses any other. The trade's subject
is not repeated: the SDKs do not agree on how a percent sign in it is to be verified.
Source: wire-protocol rules, section 4 (public SDKs and documents of the dialect).
"""

from collections.abc import Mapping

from bankside.gateway.callbacks.fact import Fact, body
from bankside.gateway.wires.alipay.methods import method_table
from bankside.gateway.wires.forms import beijing_text
from bankside.kernel.signing import Signer, alipay

_TIMES = {"gmt_create": "created_at", "gmt_payment": "paid_at"}
_SUMS = {"total_amount": "amount", "receipt_amount": "paid", "buyer_pay_amount": "paid"}
# What ended or gave back money names its own time; facts come one by one, so it is the fact's.
_TIME_OF_FACT = {"refunded": "gmt_refund", "closed": "gmt_close", "settled": "gmt_close"}


def form(fact: Fact, sign: Signer, *, sign_type: str) -> bytes:
    """The body of the POST that tells of ``fact``."""
    return body(alipay.callback_form(_parameters(fact), sign, sign_type=sign_type))


def accepted(status: int, answer: bytes) -> bool:
    """Whether the partner took it: the plain text ``success``, and nothing else is one.

    White space around it is not looked at: the dialect's own examples print a line.
    """
    return 200 <= status < 300 and answer.strip() == b"success"


def _parameters(fact: Fact) -> Mapping[str, str]:
    order = fact.order
    states = method_table().states["trade_state"]
    params = {
        "notify_id": fact.id,
        "notify_type": "trade_status_sync",
        "notify_time": fact.local_time,
        "app_id": fact.app,
        "charset": "utf-8",
        "version": "1.0",
        "trade_no": order["order"],
        "out_trade_no": order.get("reference"),
        "seller_id": order.get("merchant"),
        "trade_status": states.get(order["status"], order["status"]),
        **{name: order[source] for name, source in _SUMS.items()},
        **{name: _local(order.get(source)) for name, source in _TIMES.items()},
    }
    if fact.name in _TIME_OF_FACT:
        params[_TIME_OF_FACT[fact.name]] = _local(order["at"])
    if fact.name == "refunded":
        params["refund_fee"] = order["refunded"]
    return {name: value for name, value in params.items() if value}


def _local(instant: str | None) -> str:
    return beijing_text(instant) if instant else ""
