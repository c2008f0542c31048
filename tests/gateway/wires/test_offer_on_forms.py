"""A product's place in its life, told in the form dialects: gone, stopped, on its way out."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.gateway.wires.form_edge import FormEdge, app_signer, snapshot, vault

from bankside.gateway.exchange import Reply
from bankside.gateway.serving import Serving
from bankside.kernel.signing import alipay
from bankside.kernel.snapshot import Stage

SCAN = "merchant.scan-payments"
ENDING = Stage(
    "deprecated",
    deprecated_at=1_772_000_000,
    sunset_at=1_787_552_000,
    successor="merchant.checkout-payments",
    link="/v1/checkout-payments",
)
PAY = {"out_trade_no": "T1", "total_amount": "10.00", "auth_code": "28763443825664394"}
NATIVE_PAY = {
    "order_no": "T1",
    "amount": {"amount": "10.00", "currency": "CNY"},
    "payer_token": "28763443825664394",
    "idempotency_key": "k1",
}


def edge(stage: Stage) -> FormEdge:
    """An edge whose scan payments stand at ``stage``."""
    made = snapshot()
    operations = {
        each.id: replace(each, stage=stage) if each.product == SCAN else each
        for each in made.operations.values()
    }
    return FormEdge(Serving.of(replace(made, operations=operations), vault()))


def test_a_withdrawn_product_names_its_successor_on_the_icbc_style_wire() -> None:
    gone = edge(replace(ENDING, state="offline"))

    answer = gone.icbc().call("/api/merchant/scan-payments/create/V1", NATIVE_PAY)

    assert (answer["return_code"], answer["error_code"]) == (500018, "product.offline")
    assert "merchant.checkout-payments" in answer["return_msg"]
    assert gone.calls == []


def test_a_withdrawn_product_names_its_successor_on_the_alipay_style_wires() -> None:
    gone = edge(replace(ENDING, state="offline"))

    node = gone.v2("alipay.trade.pay", PAY)
    assert (node["code"], node["sub_code"]) == ("40004", "ACQ.PRODUCT_NOT_AVAILABLE")
    assert "product.offline" in node["sub_msg"]
    assert "merchant.checkout-payments (/v1/checkout-payments)" in node["sub_msg"]

    reply, body = gone.v3("POST", "/v3/alipay/trade/pay", PAY)
    assert (reply.status, body["code"]) == (400, "PRODUCT_NOT_AVAILABLE")
    assert "merchant.checkout-payments" in body["message"]
    assert gone.calls == []


def test_a_suspended_product_asks_the_form_dialects_to_come_again() -> None:
    stopped = edge(Stage("suspended"))

    icbc = stopped.icbc().call("/api/merchant/scan-payments/create/V1", NATIVE_PAY)
    node = stopped.v2("alipay.trade.pay", PAY)

    assert (icbc["return_code"], icbc["error_code"]) == (-500041, "product.suspended")
    assert (node["code"], node["sub_code"]) == ("20000", "ACQ.PRODUCT_SUSPENDED")
    assert stopped.calls == []


@pytest.mark.parametrize("wire", ["icbc", "alipay", "alipay3"])
def test_the_end_of_a_product_stands_in_the_headers_of_every_wire(wire: str) -> None:
    ending = edge(ENDING)
    if wire == "alipay3":
        reply = ending.send(*ending.v3_request("POST", "/v3/alipay/trade/pay", PAY))
        headers = dict(reply.headers)
    elif wire == "alipay":
        form = alipay.signed_form(ending.v2_params("alipay.trade.pay", PAY), app_signer())
        headers = dict(ending.v2_send(form).headers)
    else:
        heard: list[Reply] = []

        def send(
            method: str, target: str, head: Mapping[str, str], body: bytes
        ) -> tuple[int, bytes]:
            heard.append(ending.send(method, target, head, body))
            return heard[-1].status, heard[-1].body

        ending.icbc(send=send).call("/api/merchant/scan-payments/create/V1", NATIVE_PAY)
        headers = dict(heard[0].headers)

    assert headers["deprecation"] == "@1772000000"
    assert headers["sunset"] == "Mon, 24 Aug 2026 06:13:20 GMT"
    assert 'rel="successor-version"' in headers["link"]
    assert len(ending.calls) == 1


def test_a_trial_is_unknown_to_whom_it_is_not_open() -> None:
    trial = edge(Stage("canary", partners=frozenset({"prt_nobody"})))

    icbc = trial.icbc().call("/api/merchant/scan-payments/create/V1", NATIVE_PAY)

    assert (icbc["return_code"], icbc["error_code"]) == (500018, "route.not_found")
    assert trial.v2("alipay.trade.pay", PAY)["code"] == "40004"
    assert trial.calls == []
