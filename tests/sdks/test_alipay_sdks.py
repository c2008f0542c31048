"""The public Alipay-style SDKs, unmodified, against the running edge: a partner's day with each.

Four clients (two Python SDKs and Node's v2 by the first dialect, Node's v3 by the second) run the
same cases; what a case needs from the SDK's own checks is said where it differs.
"""

import uuid
from collections.abc import Callable

import pytest
from tests.gateway.edge import private_key
from tests.sdks.conftest import Client, Demo
from tests.sdks.harness import SdkFailed
from tests.sdks.sdks import MATRIX, CommunityPython, Node, Npm, NpmV3, Sdk

from bankside.kernel.money import Money
from bankside.kernel.signing import alipay, public_der, signer

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdks")]

SUBJECT = "书 &=+%/\"\\ 'x' {y}"
NPM = [Npm, NpmV3]


def paid(sdk: Sdk, demo: Demo, number: str, amount: str = "10.00") -> Node:
    """A payment by the payer's code, done."""
    node = sdk.call(
        "alipay.trade.pay",
        {
            "out_trade_no": number,
            "scene": "bar_code",
            "auth_code": demo.payer_token,
            "subject": SUBJECT,
            "total_amount": amount,
        },
    )
    assert node["code"] == "10000", node
    return node


def refunded(sdk: Sdk, number: str, request: str, amount: str) -> Node:
    """A refund of part of an order."""
    return sdk.call(
        "alipay.trade.refund",
        {"out_trade_no": number, "refund_amount": amount, "out_request_no": request},
    )


def status(sdk: Sdk, number: str) -> str:
    """The trade state of an order."""
    return str(sdk.call("alipay.trade.query", {"out_trade_no": number})["trade_status"])


def test_an_order_is_made_waits_and_is_closed(sdk: Sdk, number: str) -> None:
    order = {"out_trade_no": number, "subject": SUBJECT, "total_amount": "10.00"}

    made = sdk.call("alipay.trade.precreate", order)

    assert (made["code"], made["out_trade_no"]) == ("10000", number)
    assert made["qr_code"]
    assert status(sdk, number) == "WAIT_BUYER_PAY"
    assert sdk.call("alipay.trade.close", {"out_trade_no": number})["code"] == "10000"
    assert status(sdk, number) == "TRADE_CLOSED"


def test_an_unpaid_trade_is_created_and_cancelled(sdk: Sdk, number: str) -> None:
    order = {"out_trade_no": number, "subject": SUBJECT, "total_amount": "10.00"}

    made = sdk.call("alipay.trade.create", order)
    cancelled = sdk.call("alipay.trade.cancel", {"trade_no": made["trade_no"]})

    assert (cancelled["action"], cancelled["retry_flag"]) == ("close", "N")
    assert status(sdk, number) == "TRADE_CLOSED"


def test_a_payment_is_found_by_either_number(sdk: Sdk, demo: Demo, number: str) -> None:
    node = paid(sdk, demo, number)

    assert (node["out_trade_no"], node["total_amount"]) == (number, "10.00")
    by_ours = sdk.call("alipay.trade.query", {"trade_no": node["trade_no"]})
    by_theirs = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert by_ours["trade_status"] == by_theirs["trade_status"] == "TRADE_SUCCESS"
    assert by_ours["total_amount"] == by_theirs["total_amount"] == "10.00"


def test_a_paid_trade_is_cancelled_by_a_full_refund(sdk: Sdk, demo: Demo, number: str) -> None:
    paid(sdk, demo, number)

    cancelled = sdk.call("alipay.trade.cancel", {"out_trade_no": number})

    assert (cancelled["code"], cancelled["action"]) == ("10000", "refund")
    assert status(sdk, number) == "TRADE_CLOSED"


def test_a_paid_trade_cannot_be_closed(sdk: Sdk, demo: Demo, number: str) -> None:
    paid(sdk, demo, number)

    refused = sdk.call("alipay.trade.close", {"out_trade_no": number})

    assert refused["sub_code"].endswith("TRADE_STATUS_ERROR")
    assert status(sdk, number) == "TRADE_SUCCESS"


def test_part_refunds_add_up_and_a_repeated_one_changes_nothing(
    sdk: Sdk, demo: Demo, number: str
) -> None:
    paid(sdk, demo, number)

    first = refunded(sdk, number, "R1", "3.00")
    again = refunded(sdk, number, "R1", "3.00")
    second = refunded(sdk, number, "R2", "2.50")

    assert (first["fund_change"], first["refund_fee"]) == ("Y", "3.00")
    assert (again["fund_change"], again["refund_fee"]) == ("N", "3.00")
    assert (second["fund_change"], second["refund_fee"]) == ("Y", "5.50")
    found = sdk.call(
        "alipay.trade.fastpay.refund.query", {"out_trade_no": number, "out_request_no": "R2"}
    )
    assert (found["refund_amount"], found["refund_status"]) == ("2.50", "REFUND_SUCCESS")


def test_a_refund_number_means_one_sum(sdk: Sdk, demo: Demo, number: str) -> None:
    paid(sdk, demo, number)
    refunded(sdk, number, "R1", "3.00")

    other = refunded(sdk, number, "R1", "4.00")

    assert other["sub_code"].endswith("CONTEXT_INCONSISTENT")


def test_more_than_was_paid_is_not_refunded(sdk: Sdk, demo: Demo, number: str) -> None:
    paid(sdk, demo, number)

    refused = refunded(sdk, number, "R1", "10.01")

    assert refused["sub_code"].endswith("REFUND_AMT_NOT_EQUAL_TOTAL")
    assert status(sdk, number) == "TRADE_SUCCESS"


def test_the_whole_sum_refunded_closes_the_trade(sdk: Sdk, demo: Demo, number: str) -> None:
    paid(sdk, demo, number)

    node = sdk.call("alipay.trade.refund", {"out_trade_no": number, "refund_amount": "10.00"})

    assert (node["code"], node["refund_fee"]) == ("10000", "10.00")
    assert status(sdk, number) == "TRADE_CLOSED"


def test_one_number_is_one_trade(sdk: Sdk, demo: Demo, number: str) -> None:
    first = paid(sdk, demo, number)

    again = paid(sdk, demo, number)
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "11.00"}
    other = sdk.call("alipay.trade.pay", content)

    assert again["trade_no"] == first["trade_no"]
    assert other["sub_code"].endswith("CONTEXT_INCONSISTENT")


def test_an_order_nobody_made_is_unknown(sdk: Sdk, number: str) -> None:
    node = sdk.call("alipay.trade.query", {"out_trade_no": number})

    assert node["sub_code"].endswith("TRADE_NOT_EXIST")


def test_a_sum_with_three_decimals_is_refused(sdk: Sdk, demo: Demo, number: str) -> None:
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "0.001"}

    assert sdk.call("alipay.trade.pay", content)["sub_code"].endswith("INVALID_PARAMETER")


def test_a_method_we_do_not_serve_is_named_so(sdk: Sdk) -> None:
    node = sdk.call("alipay.user.info.share", {})

    assert node["sub_code"].endswith("invalid-method")


def test_money_moves_between_accounts_and_is_found(sdk: Sdk, demo: Demo, number: str) -> None:
    content = {
        "out_biz_no": number,
        "trans_amount": "1.25",
        "payer_info": {"identity": demo.payer},
        "payee_info": {"identity": demo.payee, "identity_type": "ACCOUNT"},
        "remark": "工资",
    }

    sent = sdk.call("alipay.fund.trans.uni.transfer", content)
    found = sdk.call("alipay.fund.trans.common.query", {"out_biz_no": number})
    by_ours = sdk.call("alipay.fund.trans.common.query", {"order_id": sent["order_id"]})

    assert (sent["code"], sent["status"], sent["out_biz_no"]) == ("10000", "SUCCESS", number)
    assert found["order_id"] == by_ours["order_id"] == sent["order_id"]
    assert found["trans_amount"] == "1.25"


def test_a_paid_trade_is_split_between_receivers(sdk: Sdk, demo: Demo, number: str) -> None:
    node = paid(sdk, demo, number)

    settled = sdk.call(
        "alipay.trade.order.settle",
        {
            "trade_no": node["trade_no"],
            "out_request_no": "S1",
            "royalty_parameters": [{"trans_in": demo.receiver, "amount": "2.00"}],
        },
    )

    assert (settled["code"], settled["trade_no"]) == ("10000", node["trade_no"])


def test_an_amount_is_frozen_and_freed(sdk: Sdk, demo: Demo, number: str) -> None:
    node = sdk.call(
        "alipay.fund.auth.order.freeze",
        {
            "out_order_no": number,
            "out_request_no": number,
            "amount": "5.00",
            "auth_code": demo.payer_token,
            "order_title": SUBJECT,
        },
    )

    assert (node["code"], node["status"], node["amount"]) == ("10000", "SUCCESS", "5.00")
    freed = sdk.call(
        "alipay.fund.auth.operation.cancel",
        {"auth_no": node["auth_no"], "out_request_no": number, "remark": "退房"},
    )
    assert (freed["code"], freed["action"], freed["auth_no"]) == (
        "10000",
        "unfreeze",
        node["auth_no"],
    )


def test_a_tenants_orders_are_its_own(sdk: Sdk, demo: Demo, number: str) -> None:
    one, other = demo.tenant_tokens
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "4.00"}

    made = sdk.call("alipay.trade.pay", content, token=one)

    assert made["code"] == "10000", made
    asked = {"trade_no": made["trade_no"]}
    mine = sdk.call("alipay.trade.query", asked, token=one)
    theirs = sdk.call("alipay.trade.query", asked, token=other)
    nobody = sdk.call("alipay.trade.query", asked, token="nobody-s-token")
    assert mine["trade_status"] == "TRADE_SUCCESS"
    assert theirs["sub_code"].endswith("TRADE_NOT_EXIST")
    assert nobody["sub_code"].endswith("invalid-app-auth-token")
    without = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert without["sub_code"].endswith("TRADE_NOT_EXIST")


def test_a_request_signed_by_another_key_is_refused(sdk: Sdk, demo: Demo, number: str) -> None:
    forger = sdk.with_setup(private_key=private_key("rsa-sha256", "other"))
    try:
        node = forger.call("alipay.trade.query", {"out_trade_no": number})
    finally:
        forger.close()

    assert node["sub_code"].endswith("invalid-signature")


def test_an_app_nobody_registered_is_refused(sdk: Sdk, number: str) -> None:
    stranger = sdk.with_setup(app_id="app_00000000000000000000000000")
    try:
        node = stranger.call("alipay.trade.query", {"out_trade_no": number})
    finally:
        stranger.close()

    assert node["sub_code"].endswith("invalid-app-id")


def test_a_request_changed_on_the_way_is_refused(client: Client, demo: Demo, number: str) -> None:
    other = ("X" + uuid.uuid4().hex)[: len(number)]
    client.relay.change = lambda data: data.replace(number.encode(), other.encode())
    try:
        content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "1.00"}
        node = client.sdk.call("alipay.trade.pay", content)
    finally:
        client.relay.change = None

    assert node["sub_code"].endswith("invalid-signature")
    for each in (number, other):
        found = client.sdk.call("alipay.trade.query", {"out_trade_no": each})
        assert found["sub_code"].endswith("TRADE_NOT_EXIST")


def test_an_unsigned_request_is_refused(client: Client, number: str) -> None:
    client.relay.change = lambda data: data.replace(b"&sign=", b"&sigx=").replace(
        b"authorization:", b"authorizatiox:"
    )
    try:
        node = client.sdk.call("alipay.trade.query", {"out_trade_no": number})
    finally:
        client.relay.change = None

    assert node["sub_code"].endswith("missing-signature")


def test_a_repeated_request_moves_nothing(client: Client, demo: Demo, number: str) -> None:
    before = demo.balance()
    paid(client.sdk, demo, number, "7.00")
    request = client.relay.last(number)

    answers = [client.relay.replay(request) for _ in range(3)]

    assert before - demo.balance() == Money(700, "CNY")
    if client.sdk.wire == "alipay3":
        assert all(answer.startswith(b"HTTP/1.1 401") for answer in answers)
    else:
        assert all(b"TRADE_SUCCESS" in answer for answer in answers)


def test_an_sdk_that_trusts_another_gateway_key_rejects_us(sdk: Sdk, number: str) -> None:
    misled = sdk.with_setup(bank_public_key=public_der(private_key("rsa-sha256", "other")))
    try:
        with pytest.raises(SdkFailed):
            misled.call("alipay.trade.precreate", {"out_trade_no": number, "total_amount": "1.00"})
    finally:
        misled.close()


@pytest.mark.parametrize("kind", [CommunityPython, Npm], ids=lambda kind: kind.name)
def test_a_callback_is_believed_and_a_bent_one_is_not(
    kind: type[Sdk], client_of: Callable[[type[Sdk]], Client]
) -> None:
    bank = private_key("rsa-sha256", "bank")
    sdk = client_of(kind).sdk.with_setup(bank_public_key=public_der(bank))
    params = {
        "notify_id": uuid.uuid4().hex,
        "notify_type": "trade_status_sync",
        "trade_status": "TRADE_SUCCESS",
        "subject": "书 100%",
        "total_amount": "10.00",
    }
    form = alipay.callback_form(params, signer("rsa-sha256", bank), sign_type="RSA2")

    try:
        # One of Node's two checks decodes values once more and chokes on a lone percent sign.
        plain = alipay.callback_form(
            params | {"subject": "书"}, signer("rsa-sha256", bank), sign_type="RSA2"
        )
        assert sdk.believes(plain)
        assert not sdk.believes(plain | {"total_amount": "1.00"})
        if kind is CommunityPython:
            assert sdk.believes(form)
    finally:
        sdk.close()


@pytest.mark.parametrize("kind", NPM, ids=lambda kind: kind.name)
def test_encrypted_content_goes_both_ways(
    kind: type[Npm], client_of: Callable[[type[Sdk]], Client], demo: Demo, number: str
) -> None:
    sdk = client_of(kind).sdk
    assert isinstance(sdk, Npm)

    order = {"out_trade_no": number, "subject": SUBJECT, "total_amount": "2.00"}
    made = sdk.encrypted("alipay.trade.precreate", order)

    assert (made["code"], made["out_trade_no"]) == ("10000", number)
    assert status(sdk, number) == "WAIT_BUYER_PAY"
    unknown = sdk.encrypted("alipay.trade.query", {"out_trade_no": number + "x"})
    assert unknown["sub_code"].endswith("TRADE_NOT_EXIST")


def test_v3_reads_by_get_with_the_fields_in_the_query(
    client_of: Callable[[type[Sdk]], Client], number: str
) -> None:
    sdk = client_of(NpmV3).sdk
    assert isinstance(sdk, NpmV3)
    sdk.call("alipay.trade.precreate", {"out_trade_no": number, "total_amount": "2.00"})

    found = sdk.get("alipay.trade.query", {"out_trade_no": number, "x": SUBJECT})

    assert found["trade_status"] == "WAIT_BUYER_PAY"


def test_the_matrix_has_every_sdk() -> None:
    assert [kind.name for kind in MATRIX] == [
        "alipay-sdk-python",
        "python-alipay-sdk",
        "npm alipay-sdk v2",
        "npm alipay-sdk v3",
    ]
