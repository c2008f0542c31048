"""The payer's way back to the shop: the partner's own address with signed parameters.

Always true: what the partner's address already carried is kept and signed along, so that an SDK
that checks the whole query believes it; the parameters tell how the order stood when the browser
left us, and a shop acts on its callback or a query, never on this alone (a browser can stay away).
Source: wire-protocol rules, sections 3 and 4; for the ICBC-style return, of which the public rules
say nothing, it is the form of that dialect's callback.
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode, urlsplit

from bankside.gateway.callbacks.fact import Fact
from bankside.gateway.callbacks.icbc import said as icbc_said
from bankside.gateway.wires.alipay.methods import method_table
from bankside.kernel.call import Callback
from bankside.kernel.signing import Signer, alipay, icbc


def alipay_return(fact: Fact, back: Callback, sign: Signer) -> str:
    """The address to send the browser to, in the form of the dialect's page methods."""
    order = fact.order
    states = method_table().states["trade_state"]
    params = {
        **_carried(back.url),
        "app_id": fact.app,
        "auth_app_id": fact.app,
        "charset": "utf-8",
        "method": f"{back.repeats['method']}.return",
        "out_trade_no": order.get("reference") or "",
        "seller_id": order.get("merchant") or "",
        "timestamp": fact.local_time,
        "total_amount": order["amount"],
        "trade_no": order["order"],
        "trade_status": states.get(order["status"], order["status"]),
        "version": "1.0",
    }
    return _with(back.url, alipay.callback_form(params, sign, sign_type=back.repeats["sign_type"]))


def icbc_return(fact: Fact, back: Callback, sign: Signer) -> str:
    """The address to send the browser to: the callback's parameters as a query."""
    params = {**_carried(back.url), **icbc_said(fact, back)}
    path = urlsplit(back.url).path or "/"
    return _with(back.url, icbc.signed_form(path, params, sign))


def native_return(back: Callback, order: Mapping[str, str], token: str) -> str:
    """The address with the order's id and number, and ``response``: a JWT that says how it stands.

    ``token`` is signed by the key of our authorization server, as its own answers to browsers are.
    """
    return _with(back.url, {**_carried(back.url), **order, "response": token})


def _carried(address: str) -> dict[str, str]:
    """What the partner's own address carries; of a repeated name the last counts."""
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def _with(address: str, params: Mapping[str, str]) -> str:
    return urlsplit(address)._replace(query=urlencode(params)).geturl()
