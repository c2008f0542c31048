"""Forms that a browser brings: on to the hosted page, or a page that names the dialect's code."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from tests.gateway.wires.form_edge import FormEdge, app_signer

from bankside.gateway.exchange import Reply
from bankside.kernel.call import Answer, Callback
from bankside.kernel.errors import Refused
from bankside.kernel.signing import alipay

UI = "/ui/payment/payment-desks/create/V1"
DESK = "payment.payment-desks.create"
PAGE = "https://pay.bank.example/pay/" + "k" * 43
ORDER = {"order_no": "书 1", "amount": {"amount": "10.00", "currency": "CNY"}}
TRADE = {"out_trade_no": "书 1", "total_amount": "10.00", "subject": '"&=+%<script>'}
BACK = "https://shop.example/back?cart=7"
METHODS = ("alipay.trade.page.pay", "alipay.trade.wap.pay", "alipay.trade.app.pay")
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def edge() -> FormEdge:
    return FormEdge()


@pytest.fixture(autouse=True)
def _clean(edge: FormEdge) -> Iterator[None]:
    edge.calls.clear()
    edge.answers.clear()
    edge.answers[DESK] = Answer(202, {"id": "ord_1", "status": "waiting", "pay_url": PAGE})
    yield


def ui_form(edge: FormEdge, content: Any = ORDER, **common: str) -> dict[str, str]:
    client = edge.icbc()
    return client.signed(UI, client.parameters(content, **common))


def posted(edge: FormEdge, form: Mapping[str, str], path: str = UI) -> Reply:
    """As the bank's SDK writes the form: common parameters in the query, the rest as inputs."""
    hidden = {"biz_content", "ca", "app_auth_token", "return_url", "notify_url"}
    query = urlencode({name: each for name, each in form.items() if name not in hidden})
    inputs = urlencode({name: each for name, each in form.items() if name in hidden})
    return edge.send("POST", f"{path}?{query}", FORM, inputs.encode())


def trade(edge: FormEdge, method: str, content: Any = TRADE, **common: str) -> dict[str, str]:
    return alipay.signed_form(edge.v2_params(method, content, **common), app_signer())


def opened(edge: FormEdge, form: Mapping[str, str], verb: str) -> Reply:
    if verb == "GET":
        return edge.send("GET", f"/gateway.do?{urlencode(form)}")
    query = urlencode({name: each for name, each in form.items() if name != "biz_content"})
    inputs = urlencode({"biz_content": form["biz_content"]})
    return edge.send("POST", f"/gateway.do?{query}", FORM, inputs.encode())


def is_sent_on(reply: Reply) -> bool:
    return reply.status == 303 and dict(reply.headers)["location"] == PAGE


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_an_icbc_form_leads_to_the_hosted_page(edge: FormEdge, verb: str) -> None:
    form = ui_form(edge, return_url=BACK, notify_url="https://shop.example/told", ca="")

    reply = posted(edge, form) if verb == "POST" else edge.send("GET", f"{UI}?{urlencode(form)}")

    assert is_sent_on(reply)
    assert edge.calls[0].operation.id == DESK
    assert edge.calls[0].body == ORDER
    assert edge.calls[0].return_to == Callback("icbc", BACK, {"api": UI})
    assert edge.calls[0].callback == Callback("icbc", "https://shop.example/told", {"api": UI})


@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("method", METHODS)
def test_an_alipay_page_method_leads_to_the_hosted_page(
    edge: FormEdge, method: str, verb: str
) -> None:
    reply = opened(edge, trade(edge, method, return_url=BACK), verb)

    assert is_sent_on(reply)
    assert edge.calls[0].operation.id == DESK
    assert edge.calls[0].body["order_no"] == TRADE["out_trade_no"]
    assert edge.calls[0].idempotency_key is not None
    repeats = {"method": method, "sign_type": "RSA2"}
    assert edge.calls[0].return_to == Callback("alipay", BACK, repeats)


def test_a_bent_form_gets_a_page_with_the_code_and_nothing_runs(edge: FormEdge) -> None:
    good, paid = ui_form(edge, {"<script>": 1}), trade(edge, METHODS[0])
    pages = [
        (posted(edge, good | {"biz_content": '{"a":1}'}), "400017"),
        (posted(edge, {k: v for k, v in good.items() if k != "sign"}), "400017"),
        (posted(edge, good | {"app_id": "app_nobody"}), "400016"),
        (posted(edge, good | {"timestamp": "yesterday"}), "400011"),
        (opened(edge, paid | {"biz_content": "{}"}, "POST"), "isv.invalid-signature"),
        (opened(edge, paid | {"app_id": "app_nobody"}, "GET"), "isv.invalid-app-id"),
    ]

    for reply, code in pages:
        assert 400 <= reply.status < 500
        assert dict(reply.headers)["content-type"].startswith("text/html")
        assert code in reply.body.decode()
        assert b"<script>" not in reply.body
        assert b"gateway" not in reply.body  # the doctor's string to sign is no payer's business
    assert edge.calls == []


def test_a_refusal_of_the_order_is_a_page_in_the_callers_words(edge: FormEdge) -> None:
    class Reused(Refused):
        """The number names another order."""

        code = "order.number_reused"

    edge.answers[DESK] = Reused("T1 already names ord_7")

    icbc = posted(edge, ui_form(edge))
    v2 = opened(edge, trade(edge, METHODS[0]), "GET")

    assert (icbc.status, v2.status) == (409, 409)
    assert b"600409" in icbc.body
    assert b"order.number_reused" in icbc.body
    assert b"ACQ.CONTEXT_INCONSISTENT" in v2.body


def test_only_what_has_a_page_is_asked_for_by_a_page_form(edge: FormEdge) -> None:
    client = edge.icbc()
    for path, code in (
        ("/ui/payment/internal-transfers/create/V1", "ui.not_available"),
        ("/ui/payment/payment-desks/query/V1", "ui.not_available"),
        ("/ui/payment/payment-desks/explode/V1", "route.not_found"),
        ("/ui//V1", "route.not_found"),
    ):
        reply = posted(edge, client.signed(path, client.parameters(ORDER)), path)
        assert code in reply.body.decode(), path
    assert edge.calls == []


@pytest.mark.parametrize(
    "address", ["http://shop.example/", "javascript:alert(1)", "https://a@b/", "https://b/#c"]
)
def test_a_way_back_that_no_browser_may_take_is_refused(edge: FormEdge, address: str) -> None:
    icbc = posted(edge, ui_form(edge, return_url=address))
    v2 = opened(edge, trade(edge, METHODS[0], return_url=address), "GET")

    assert b"callback.address_refused" in icbc.body
    assert b"isv.invalid-parameter" in v2.body
    assert edge.calls == []


def test_pages_are_no_methods_of_v3(edge: FormEdge) -> None:
    reply, body = edge.v3("POST", "/v3/alipay/trade/page/pay", TRADE)

    assert (reply.status, body["code"]) == (404, "invalid-method")
    assert edge.calls == []


def test_a_repeated_message_id_is_refused_also_as_a_page(edge: FormEdge) -> None:
    form = ui_form(edge)

    assert is_sent_on(posted(edge, form))
    again = posted(edge, form)

    assert b"500020" in again.body
    assert len(edge.calls) == 1
