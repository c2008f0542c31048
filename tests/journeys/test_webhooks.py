"""A partner is told what happened: from a signed call to a signed message at its own server.

The messages are verified by public libraries and by the functions of the partner page.
"""

import base64
import json
import queue
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key
from tests.journeys.dialects import Native, Wish
from tests.journeys.every_operation import EveryIcbc
from tests.journeys.native_app import NativeApp
from tests.journeys.parties import dialects
from tests.journeys.raw import send
from tests.platform import Platform
from tests.sdks.harness import Driver, python_with

pytestmark = pytest.mark.xdist_group("journeys")

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "partner" / "webhooks.md"
CLIENTS = ROOT / "tests" / "clients"
WAIT_SECONDS = 60
ENDPOINTS = "/v1/platform/webhook-endpoints"


@dataclass
class Told:
    """One message as it arrived, and what looking its order up at that moment answered."""

    headers: dict[str, str]
    body: bytes
    seen: int | None

    @property
    def message(self) -> Any:
        return json.loads(self.body)


@dataclass
class Sink:
    """A partner's server. ``look_up`` is called with the order of a message before the answer."""

    url: str
    told: "queue.Queue[Told]" = field(default_factory=queue.Queue)
    look_up: Callable[[str], int] | None = None

    def next(self, platform: Platform) -> Told:
        try:
            return self.told.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise AssertionError(platform.logs()) from None


@pytest.fixture
def sink() -> Iterator[Sink]:
    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            order = json.loads(body)["data"].get("order")
            seen = made.look_up(order) if made.look_up and order else None
            self.send_response(204)
            self.end_headers()
            made.told.put(Told(headers, body, seen))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    made = Sink(f"http://127.0.0.1:{server.server_port}/told?of=us")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()


@pytest.fixture(scope="module")
def libraries() -> Iterator[Driver]:
    python = python_with(CLIENTS / "messages.lock")
    driver = Driver(str(python), str(CLIENTS / "verify_messages.py"))
    yield driver
    driver.close()


@pytest.fixture(scope="module")
def app(platform: Platform) -> NativeApp:
    native = next(each for each in dialects(platform.demo) if isinstance(each, Native))
    return NativeApp(platform.edge, native)


def published(name: str) -> Any:
    """A function of the partner page."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    (code,) = [each for each in blocks if f"def {name}(" in each]
    space: dict[str, Any] = {}
    exec(code, space)
    return space[name]


def _transfer(platform: Platform) -> Mapping[str, Any]:
    partner = platform.demo["apps"][0]["partner"]
    own = [each for each in platform.demo["customers"] if each.get("partner", partner) == partner]
    first, second = (each["accounts"][0]["id"] for each in own[:2])
    amount = {"amount": "1.25", "currency": "CNY"}
    return {"payer_account": first, "payee_account": second, "amount": amount}


def test_an_endpoint_is_registered_tried_told_changed_and_removed_by_signed_calls(
    platform: Platform, app: NativeApp, sink: Sink, libraries: Driver
) -> None:
    body = {"url": sink.url, "types": [{"type": "order.paid"}]}
    made = app.call("POST", ENDPOINTS, body).body
    endpoint = f"{ENDPOINTS}/{made['id']}"

    tried = app.call("POST", f"{endpoint}/tests", {"type": "order.paid"})
    test = sink.next(platform)
    paid = app.call("POST", "/v1/internal-transfers", _transfer(platform))
    told = sink.next(platform)

    assert test.headers["webhook-id"] == tried.body["event"]
    assert test.message["data"]["test"] is True
    assert told.message["data"]["order"] == paid.body["id"]
    for each in (test, told):
        assert published("is_ours")(each.headers, each.body, made["verify_with"])
        verified = libraries.ask(
            "webhook",
            secret=made["verify_with"],
            headers=each.headers,
            body=base64.b64encode(each.body).decode(),
        )
        assert verified == each.message
    listed = app.call("GET", f"{endpoint}/deliveries").body["items"]
    assert [each["event"] for each in listed] == [
        each.headers["webhook-id"] for each in (told, test)
    ]
    again = app.call("POST", f"{endpoint}/replays", {"event": told.headers["webhook-id"]})
    assert again.body["queued"] == 1
    assert sink.next(platform).headers["webhook-id"] == told.headers["webhook-id"]
    assert app.call("PATCH", endpoint, {"status": "disabled"}).body["status"] == "disabled"
    assert app.call("DELETE", endpoint).status == 200
    assert app.call("GET", endpoint).code == "webhook.not_found"


def test_an_icbc_style_partner_keeps_its_endpoints_the_same_way(
    platform: Platform, sink: Sink
) -> None:
    party = next(each for each in dialects(platform.demo) if each.wire == "icbc").party
    icbc = EveryIcbc(party)

    def call(word: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        wish = Wish(
            operation=f"platform.webhook-endpoints.{word}", content=json.dumps(content).encode()
        )
        message = icbc.message(wish)
        said = icbc.read(send(platform.edge, message), message)
        assert said.code == "0", said
        return said.content

    made = call("create", {"url": sink.url, "types": [{"type": "consent."}]})
    call("tests", {"endpoint_id": made["id"]})
    told = sink.next(platform)

    assert published("is_ours")(told.headers, told.body, made["verify_with"])
    assert told.message["type"] == "webhook.test"
    assert call("revoke", {"endpoint_id": made["id"]})["status"] == "removed"


def test_an_order_is_told_at_the_address_its_call_named_and_can_be_read_when_it_is(
    platform: Platform, app: NativeApp, sink: Sink, libraries: Driver
) -> None:
    bank = platform.demo["bank_keys"]["native"]
    public = Path(bank["public_key_file"]).read_bytes()
    keys = {bank["key_id"]: _key(public)}
    sink.look_up = lambda order: app.call("GET", f"/v1/internal-transfers/{order}").status

    made = app.call("POST", "/v1/internal-transfers", _transfer(platform), told_at=sink.url)
    told = sink.next(platform)

    assert told.message["data"]["order"] == made.body["id"]
    assert told.seen == 200, "the order stands before anybody is told of it"
    assert published("is_the_banks")(sink.url, told.headers, told.body, keys)

    def verified(**bent: Any) -> Any:
        asked = {
            "url": sink.url,
            "headers": told.headers,
            "body": base64.b64encode(told.body).decode(),
            "alg": bank["alg"],
            "keys": {key: base64.b64encode(_der(public)).decode() for key in keys},
        }
        return libraries.ask("callback", **(asked | bent))

    assert verified() == bank["key_id"]
    for bent in (
        {"url": sink.url + "x"},
        {"headers": told.headers | {"webhook-id": "evt_other"}},
        {"body": base64.b64encode(told.body + b" ").decode()},
    ):
        with pytest.raises(Exception, match=r"InvalidSignature|digest"):
            verified(**bent)


def test_an_address_that_is_none_is_refused_and_nothing_happens(
    platform: Platform, app: NativeApp
) -> None:
    for address in ("ftp://shop.example/", "https://user@shop.example/", "x" * 501):
        refused = app.call("POST", "/v1/internal-transfers", _transfer(platform), told_at=address)

        assert (refused.status, refused.code) == (400, "callback.address_refused")


def _der(stored: bytes) -> bytes:
    """The key's DER bytes: files of the demo are PEM."""
    if not stored.startswith(b"-----"):
        return stored
    return base64.b64decode(b"".join(stored.splitlines()[1:-1]))


def _key(stored: bytes) -> Any:
    return load_der_public_key(_der(stored))
