"""The ICBC-style notification of an order.

Always true: it is signed SHA1withRSA over the path of the partner's own address and the sorted
form; ``msg_id`` is the event's id, and it counts as delivered only when the partner's answer
repeats it under the partner's own signature. Content of encrypted requests is encrypted here too.
Source: wire-protocol rules, section 3 (the bank's public Java client).
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from bankside.gateway.callbacks.fact import Fact, body
from bankside.gateway.wires.icbc.content import compact
from bankside.kernel.call import Callback
from bankside.kernel.signing import Signer, Verifier, icbc
from bankside.kernel.signing.content import encrypt

_SUMS = ("amount", "paid", "refunded", "split", "settled", "fee")
_PLAIN = ("product", "merchant", "state", "status", "code", "created_at", "paid_at")


def form(fact: Fact, callback: Callback, sign: Signer, *, aes: bytes | None = None) -> bytes:
    """The body of the POST that tells of ``fact``; with ``aes`` its content is encrypted."""
    # An address without a path is called, and signed, at its root.
    path = urlsplit(callback.url).path or "/"
    return body(icbc.signed_form(path, said(fact, callback, aes=aes), sign))


def said(fact: Fact, callback: Callback, *, aes: bytes | None = None) -> dict[str, str]:
    """The parameters that tell of ``fact``, not signed yet."""
    content = compact(_content(fact))
    params = {
        "from": "icbc-api",
        "api": callback.repeats.get("api", ""),
        "app_id": fact.app,
        "charset": "UTF-8",
        "format": "json",
        "encrypt_type": "AES" if aes is not None else "",
        "timestamp": fact.local_time,
        "biz_content": content if aes is None else encrypt(content.encode(), aes),
        "sign_type": "RSA",
    }
    return {name: value for name, value in params.items() if value}


def accepted(status: int, answer: bytes, msg_id: str, verifiers: Sequence[Verifier]) -> bool:
    """Whether the partner took it: its answer is signed by one of its keys and repeats the id."""
    try:
        text = answer.decode().strip()
    except UnicodeDecodeError:
        return False
    return 200 <= status < 300 and any(
        icbc.callback_accepted(text, msg_id, verify) for verify in verifiers
    )


def _content(fact: Fact) -> Mapping[str, Any]:
    """The order in the words of this dialect's answers, and which fact this is about."""
    order = fact.order
    currency = order["currency"]
    return {
        "return_code": 0,
        "return_msg": "success",
        "msg_id": fact.id,
        "event": f"order.{fact.name}",
        "id": order["order"],
        "order_no": order.get("reference"),
        **{name: {"amount": order[name], "currency": currency} for name in _SUMS},
        **{name: order.get(name) for name in _PLAIN},
        "updated_at": order["at"],
    }
