"""Callbacks from the running platform, believed by the public SDKs that asked for them."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl

import pytest
from tests.sdks.conftest import Client, Demo
from tests.sdks.sdks import MATRIX, CommunityPython, Npm, NpmV3, OfficialPython, Sdk

pytestmark = [pytest.mark.sdk, pytest.mark.xdist_group("sdks")]

PAY = "/api/merchant/scan-payments/create/V1"
REFUND = "/api/merchant/merchant-refunds/create/V1"
# The relay looks five times a second; the rest is a busy machine.
ARRIVAL_SECONDS = 60
Form = dict[str, str]
NOTIFY = {OfficialPython: "notify_url", CommunityPython: "notify_url", Npm: "notifyUrl"}


class Sink:
    """A partner's server: ``told`` are the forms it got, ``answer`` what it says to each."""

    def __init__(self) -> None:
        self.told: Queue[tuple[str, Form]] = Queue()
        self.answer: Callable[[Form], str] = lambda _: "success"
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                form = dict(parse_qsl(body.decode("ascii"), strict_parsing=True))
                answer = sink.answer(form).encode()
                self.send_response(200)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)
                sink.told.put((self.path.partition("?")[0], form))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/told?of=us&more=1"

    def next(self) -> tuple[str, Form]:
        """The path and form of the next callback."""
        return self.told.get(timeout=ARRIVAL_SECONDS)


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()
    yield made
    made.server.shutdown()


def asked(sdk: Sdk, method: str, content: dict[str, Any], url: str) -> dict[str, Any]:
    """A call that names the address as the SDK lets its users name it."""
    if isinstance(sdk, NpmV3):
        return sdk.call(method, content | {"notify_url": url})
    common = {NOTIFY[type(sdk)]: url}
    node: dict[str, Any] = sdk.driver.ask("exec", method=method, content=content, common=common)
    return node


@pytest.mark.parametrize("kind", MATRIX, ids=lambda kind: kind.name)
def test_payment_and_refund_are_told_and_believed_and_a_bent_callback_is_not(
    kind: type[Sdk],
    client_of: Callable[[type[Sdk]], Client],
    demo: Demo,
    sink: Sink,
    number: str,
) -> None:
    sdk = client_of(kind).sdk
    # One SDK has no check of callbacks: a partner that uses it checks with another.
    checking = client_of(CommunityPython).sdk if kind is OfficialPython else sdk
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "10.00"}

    paid = asked(sdk, "alipay.trade.pay", content | {"subject": "书 100%"}, sink.url)
    assert paid["code"] == "10000", paid
    _, told = sink.next()
    back = {"out_trade_no": number, "refund_amount": "3.00", "out_request_no": "R1"}
    assert sdk.call("alipay.trade.refund", back)["code"] == "10000"
    _, again = sink.next()

    assert checking.believes(told)
    assert checking.believes(again)
    assert not checking.believes(told | {"total_amount": "9.00"})
    assert not checking.believes(told | {"out_trade_no": "other"})
    assert told["out_trade_no"] == again["out_trade_no"] == number
    assert (told["trade_status"], told["total_amount"]) == ("TRADE_SUCCESS", "10.00")
    assert (again["trade_status"], again["refund_fee"]) == ("TRADE_SUCCESS", "3.00")
    assert told["notify_id"] != again["notify_id"]
    assert told["app_id"] == demo.app["app_id"]


@pytest.mark.parametrize("kind", [CommunityPython, Npm, NpmV3], ids=lambda kind: kind.name)
def test_an_address_we_do_not_call_is_refused_and_nothing_is_paid(
    kind: type[Sdk], client_of: Callable[[type[Sdk]], Client], demo: Demo, number: str
) -> None:
    sdk = client_of(kind).sdk
    content = {"out_trade_no": number, "auth_code": demo.payer_token, "total_amount": "10.00"}

    node = asked(sdk, "alipay.trade.pay", content, "ftp://shop.example/told")

    code = node.get("sub_code") or node.get("subCode")
    assert str(code).endswith("invalid-parameter"), node
    unknown = sdk.call("alipay.trade.query", {"out_trade_no": number})
    assert unknown["sub_code"].endswith("TRADE_NOT_EXIST")


@pytest.mark.parametrize("aes", [False, True])
def test_an_icbc_partner_is_told_and_answers_under_its_own_key(
    demo: Demo, sink: Sink, number: str, aes: bool
) -> None:
    client = demo.icbc(aes=aes)

    def content(form: Form) -> Any:
        return client.content(form["biz_content"])

    sink.answer = lambda form: client.callback_answer(content(form)["msg_id"])
    order = {
        "merchant": demo.merchant["id"],
        "order_no": number,
        "amount": {"amount": "10.00", "currency": "CNY"},
        "payer_token": demo.payer_token,
    }

    paid = client.call(PAY, order, notify_url=sink.url)
    refund = {"order": paid["id"], "refund_no": "R1"}
    three = {"amount": {"amount": "3.00", "currency": "CNY"}}
    path, told = sink.next()
    assert demo.icbc().call(REFUND, refund | three)["return_code"] == 0
    # It comes only after the first was taken.
    _, again = sink.next()

    assert client.believes(path, told)
    assert client.believes(path, again)
    assert not client.believes(path, told | {"timestamp": again["biz_content"]})
    assert [content(form)["event"] for form in (told, again)] == ["order.paid", "order.refunded"]
    assert {content(form)["order_no"] for form in (told, again)} == {number}
    assert content(again)["refunded"] == three["amount"]
