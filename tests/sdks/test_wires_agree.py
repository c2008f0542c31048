"""One API behind four dialects: the same journey leaves the same entries, and races leave one."""

import http.client
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives import serialization
from tests.sdks.conftest import Client, Demo
from tests.sdks.harness import ANSWER_SECONDS
from tests.sdks.sdks import CommunityPython, NpmV3, Sdk

from bankside.kernel.money import Money
from bankside.kernel.signing import alipay, signer
from bankside.kernel.signing.rfc9421 import Identity, Request, sign_request

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdks")]

# At once, over both edge processes.
COPIES = 32


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


def journey_native(demo: Demo, number: str) -> str:
    """Pay 10.00 and give 3.00 back, by the native wire; the order's id."""
    paid = native(demo, "/v1/scan-payments", number, _order(demo, number))
    refund = {"order": paid["id"], "refund_no": "R1", "amount": money("3.00")}
    native(demo, "/v1/merchant-refunds", number + "/R1", refund)
    return str(paid["id"])


def journey_icbc(demo: Demo, number: str) -> str:
    """The same by the ICBC-style wire."""
    client = demo.icbc()
    paid = client.call("/api/merchant/scan-payments/create/V1", _order(demo, number))
    refund = {"order": paid["id"], "refund_no": "R1", "amount": money("3.00")}
    client.call("/api/merchant/merchant-refunds/create/V1", refund)
    return str(paid["id"])


def journey_alipay(sdk: Sdk, demo: Demo, number: str) -> str:
    """The same by an Alipay-style SDK."""
    order = {
        "out_trade_no": number,
        "auth_code": demo.payer_token,
        "total_amount": "10.00",
        "subject": "same",
    }
    paid = sdk.call("alipay.trade.pay", order)
    sdk.call(
        "alipay.trade.refund",
        {"out_trade_no": number, "refund_amount": "3.00", "out_request_no": "R1"},
    )
    return str(paid["trade_no"])


def test_one_journey_leaves_the_same_entries_over_every_wire(
    demo: Demo, client_of: Callable[[type[Sdk]], Client], number: str
) -> None:
    v2, v3 = client_of(CommunityPython).sdk, client_of(NpmV3).sdk
    journeys: dict[str, Callable[[str], str]] = {
        "native": lambda number: journey_native(demo, number),
        "icbc": lambda number: journey_icbc(demo, number),
        "alipay": lambda number: journey_alipay(v2, demo, number),
        "alipay3": lambda number: journey_alipay(v3, demo, number),
    }

    found = {}
    for wire, journey in journeys.items():
        own = f"{number}{wire}"
        order = journey(own)
        found[wire] = (_entries(demo, own), _shown(demo, order, own))

    assert found["native"] == found["icbc"] == found["alipay"] == found["alipay3"]
    entries, order = found["native"]
    assert len(entries) == 2
    assert order["refunded"] == money("3.00")


def test_equal_icbc_messages_at_once_are_executed_once(demo: Demo, number: str) -> None:
    client = demo.icbc()
    path = "/api/merchant/scan-payments/create/V1"
    form = client.signed(path, client.parameters(_order(demo, number)))
    before = demo.balance()

    answers = _at_once(lambda: client.deliver(path, form)["return_code"])

    assert sorted(answers) == [0] + [500020] * (COPIES - 1)
    assert before - demo.balance() == Money(1_000, "CNY")


def test_equal_alipay_requests_at_once_move_money_once(demo: Demo, number: str) -> None:
    setup = demo.setup("alipay", demo.edge)
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "10.00"}
    params = {
        "app_id": setup.app_id,
        "method": "alipay.trade.pay",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "version": "1.0",
        "timestamp": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 8 * 3600)),
        "biz_content": json.dumps(content),
    }
    key = Path(demo.app["wires"]["alipay"]["private_key_file"]).read_bytes()
    form = alipay.signed_form(params, signer("rsa-sha256", _der(key)))
    before = demo.balance()

    answers = _at_once(lambda: demo.send("GET", "/gateway.do?" + urlencode(form), {}, b""))

    nodes = [json.loads(body)["alipay_trade_pay_response"] for _, body in answers]
    assert {node["code"] for node in nodes} <= {"10000", "20000"}
    assert len({node["trade_no"] for node in nodes if node["code"] == "10000"}) == 1
    assert before - demo.balance() == Money(1_000, "CNY")


def native(demo: Demo, path: str, key: str, body: dict[str, Any]) -> dict[str, Any]:
    """One signed native call; its JSON answer."""
    facts = demo.app["wires"]["native"]
    who = Identity(
        key_id=facts["key_id"],
        alg=facts["alg"],
        sign=signer(facts["alg"], _der(Path(facts["private_key_file"]).read_bytes())),
    )
    host = demo.edge.removeprefix("http://")
    head = {"host": host, "content-type": "application/json", "idempotency-key": key}
    request = Request("POST", path, "", head, json.dumps(body).encode())
    head |= sign_request(request, who, created=int(time.time()), nonce=os.urandom(12).hex())
    connection = http.client.HTTPConnection(host, timeout=ANSWER_SECONDS)
    connection.request("POST", path, request.body, head)
    answer = connection.getresponse()
    found: dict[str, Any] = json.loads(answer.read())
    connection.close()
    assert answer.status < 300, found
    return found


def _order(demo: Demo, number: str) -> dict[str, Any]:
    return {
        "merchant": demo.merchant["id"],
        "order_no": number,
        "amount": money("10.00"),
        "payer_token": demo.payer_token,
        "subject": "same",
    }


def _entries(demo: Demo, number: str) -> list[dict[str, Any]]:
    """The payer's newest entries that tell of an order, without what differs from call to call."""
    listed = demo.icbc().call(
        "/api/account/account-transactions/list/V1", {"subject": demo.payer, "limit": 2}
    )
    own = {
        "id",
        "sequence",
        "transaction_id",
        "order",
        "group",
        "balance_after",
        "booked_at",
        "created_at",
    }
    return [
        {
            name: value.replace(number, "<number>") if isinstance(value, str) else value
            for name, value in each.items()
            if name not in own
        }
        for each in listed["items"]
    ]


def _shown(demo: Demo, order: str, number: str) -> dict[str, Any]:
    """The order as every wire left it."""
    path = "/api/merchant/scan-payments/query/V1"
    found = demo.icbc().call(path, {"scan_payment_id": order})
    assert found["order_no"] == number
    kept = {
        "product",
        "state",
        "status",
        "amount",
        "paid",
        "refunded",
        "fee",
        "merchant",
        "subject",
    }
    return {name: found[name] for name in sorted(kept)}


def _at_once(call: Callable[[], Any]) -> list[Any]:
    with ThreadPoolExecutor(COPIES) as pool:
        return [each.result() for each in [pool.submit(call) for _ in range(COPIES)]]


def _der(pem: bytes) -> bytes:
    return serialization.load_pem_private_key(pem, None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
