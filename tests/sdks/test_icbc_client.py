"""A partner who follows the bank's public rules, against the running edge (own client)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.gateway.edge import private_key
from tests.sdks.conftest import Demo
from tests.sdks.icbc_client import AnswerRejected, IcbcClient

from bankside.kernel.money import Money
from bankside.kernel.signing import icbc, public_der, signer, verifier

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdks")]

PAY = "/api/merchant/scan-payments/create/V1"
ASK = "/api/merchant/scan-payments/query/V1"
REFUND = "/api/merchant/merchant-refunds/create/V1"
WAYS = [(method, aes) for method in ("POST", "GET") for aes in (False, True)]


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "CNY"}


@pytest.fixture(scope="module")
def client(demo: Demo) -> IcbcClient:
    """The demo app on this wire, without content encryption."""
    return demo.icbc()


@pytest.fixture
def order(demo: Demo, number: str) -> dict[str, Any]:
    return {
        "merchant": demo.merchant["id"],
        "order_no": number,
        "amount": money("10.00"),
        "payer_token": demo.payer_token,
        "subject": '书 &=+%/"\\ \\u6d4b',
    }


@pytest.mark.parametrize(("method", "aes"), WAYS)
def test_a_payment_is_made_and_found(
    client: IcbcClient, demo: Demo, order: dict[str, Any], method: str, aes: bool
) -> None:
    if aes:
        client = replace(client, aes_key=demo.setup("icbc", "").aes_key)

    paid = client.call(PAY, order, method=method)
    found = client.call(ASK, {"scan_payment_id": paid["id"]}, method=method)

    assert (paid["return_code"], paid["status"]) == (0, "paid")
    assert (found["order_no"], found["amount"]) == (order["order_no"], money("10.00"))


def test_part_refunds_add_up_and_a_repeated_one_changes_nothing(
    client: IcbcClient, order: dict[str, Any]
) -> None:
    paid = client.call(PAY, order)
    refund = {"order": paid["id"], "refund_no": "R1", "amount": money("3.00")}

    first = client.call(REFUND, refund)
    again = client.call(REFUND, refund)
    other = client.call(REFUND, refund | {"amount": money("4.00")})
    too_much = client.call(REFUND, refund | {"refund_no": "R2", "amount": money("7.01")})

    assert (first["return_code"], first["order_refunded"]) == (0, money("3.00"))
    assert (again["return_code"], again["id"]) == (0, first["id"])
    assert other["error_code"] == "order.number_reused"
    assert too_much["error_code"] == "refund.exceeds_paid"
    assert all(each["return_code"] > 0 for each in (other, too_much))
    assert client.call(ASK, {"scan_payment_id": paid["id"]})["refunded"] == money("3.00")


def test_a_repeated_key_gets_the_first_answer_and_another_body_none(
    client: IcbcClient, order: dict[str, Any]
) -> None:
    keyed = order | {"idempotency_key": order["order_no"]}

    first = client.call(PAY, keyed)
    again = client.call(PAY, keyed)
    other = client.call(PAY, keyed | {"amount": money("11.00")})

    assert (again["return_code"], again["id"]) == (0, first["id"])
    assert (other["return_code"], other["error_code"]) == (600409, "idempotency.key_reused")


def test_what_does_not_exist_is_said_so(client: IcbcClient, order: dict[str, Any]) -> None:
    unknown = client.call(ASK, {"scan_payment_id": "ord_00000000000000000000000000"})
    no_api = client.call("/api/merchant/scan-payments/explode/V1", order)
    not_built = client.call("/api/loan/credit-loans/create/V1", {})

    assert (unknown["return_code"], unknown["error_code"]) == (600404, "order.not_found")
    assert (no_api["return_code"], no_api["error_code"]) == (500018, "route.not_found")
    assert not_built["return_code"] == 500018


def test_forged_tampered_and_unsigned_messages_move_nothing(
    client: IcbcClient, order: dict[str, Any]
) -> None:
    forger = replace(client, private_key=private_key("rsa-sha256", "other"))
    params = client.parameters(order)
    signed = client.signed(PAY, params)
    bent = signed | {"biz_content": signed["biz_content"].replace("10.00", "90.00")}

    refused = [forger.call(PAY, order), client.deliver(PAY, bent), client.deliver(PAY, params)]

    assert [each["return_code"] for each in refused] == [400017] * 3
    listed = client.call("/api/merchant/scan-payments/list/V1", {"order_no": order["order_no"]})
    assert listed["items"] == []


def test_a_repeated_message_is_executed_once(
    client: IcbcClient, demo: Demo, order: dict[str, Any]
) -> None:
    before = demo.balance()
    form = client.signed(PAY, client.parameters(order))

    answers = [client.deliver(PAY, form)["return_code"] for _ in range(3)]

    assert answers == [0, 500020, 500020]
    assert before - demo.balance() == Money(1_000, "CNY")


def test_a_sum_with_three_decimals_names_the_field(
    client: IcbcClient, order: dict[str, Any]
) -> None:
    answer = client.call(PAY, order | {"amount": money("0.001")})

    assert answer["return_code"] == 400011
    assert answer["errors"][0]["pointer"] == "/amount"


def test_a_tenants_orders_are_its_own(
    client: IcbcClient, demo: Demo, order: dict[str, Any]
) -> None:
    one, other = demo.tenant_tokens
    own = {name: value for name, value in order.items() if name != "merchant"}

    made = client.call(PAY, own, app_auth_token=one)

    assert made["return_code"] == 0, made
    asked = {"scan_payment_id": made["id"]}
    assert client.call(ASK, asked, app_auth_token=one)["return_code"] == 0
    assert client.call(ASK, asked, app_auth_token=other)["return_code"] == 600404
    assert client.call(ASK, asked, app_auth_token="nobody-s-token")["return_code"] == 400019


def test_a_client_that_trusts_another_gateway_key_rejects_us(
    client: IcbcClient, order: dict[str, Any]
) -> None:
    misled = replace(client, bank_public_key=public_der(private_key("rsa-sha256", "other")))

    with pytest.raises(AnswerRejected):
        misled.call(PAY, order)


def test_a_callback_is_believed_and_a_bent_one_is_not(client: IcbcClient) -> None:
    bank = private_key("rsa-sha256", "bank")
    params = {
        "from": "icbc-api",
        "api": "/merchant/payment",
        "app_id": client.app_id,
        "charset": "UTF-8",
        "format": "json",
        "timestamp": "2026-03-02 10:00:00",
        "biz_content": '{"msg_id":"m-1","order":"书"}',
        "sign_type": "RSA",
    }
    form = icbc.signed_form("/notify", params, signer("rsa-sha1", bank))
    partner = replace(client, bank_public_key=public_der(bank))

    assert partner.believes("/notify", form)
    assert not partner.believes("/notify", form | {"biz_content": "{}"})
    assert not partner.believes("/other", form)
    mine = private_key("rsa-sha256")
    answer = replace(partner, private_key=mine).callback_answer("m-1")
    assert icbc.callback_accepted(answer, "m-1", verifier("rsa-sha256", public_der(mine)))


@pytest.mark.parametrize("method", ["POST", "GET"])
def test_an_app_registered_with_sha1_works_with_rsa(demo: Demo, number: str, method: str) -> None:
    app = next(each for each in demo.facts["apps"] if set(each["wires"]) == {"icbc"})
    facts = app["wires"]["icbc"]
    assert facts["sign_type"] == "RSA"
    payer = next(each for each in demo.facts["payer_tokens"] if each["partner"] == app["partner"])
    client = replace(
        demo.icbc(),
        app_id=app["app_id"],
        private_key=Path(facts["private_key_file"]).read_bytes(),
        sign_type="RSA",
    )
    order = {"order_no": number, "amount": money("1.00"), "payer_token": payer["code"]}

    assert client.call(PAY, order, method=method)["status"] == "paid"
    assert replace(client, sign_type="RSA2").call(PAY, order)["return_code"] == 400017
