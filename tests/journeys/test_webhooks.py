"""A partner is told what happened: from a signed call to a signed message at its own server."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from tests.platform import Platform

pytestmark = pytest.mark.xdist_group("journeys")

Told = list[tuple[dict[str, str], bytes]]


@pytest.fixture
def sink() -> Iterator[tuple[str, Told, threading.Event]]:
    told: Told = []
    arrived = threading.Event()

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            told.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(204)
            self.end_headers()
            arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/told", told, arrived
    server.shutdown()


def test_a_partner_is_told_of_its_payment_in_a_message_it_can_verify(
    platform: Platform, sink: tuple[str, Told, threading.Event]
) -> None:
    url, told, arrived = sink
    partner = platform.demo["apps"][0]["partner"]
    made = platform.bankside(
        "webhook", "create", "--partner", partner, "--url", url, "--type", "order.", "--json"
    )
    assert made.returncode == 0, made.stderr
    secret = base64.b64decode(json.loads(made.stdout)["verify_with"].removeprefix("whsec_"))
    first, second = (each["accounts"][0]["id"] for each in platform.demo["customers"][:2])
    order = {
        "payer_account": first,
        "payee_account": second,
        "amount": {"amount": "1.25", "currency": "CNY"},
    }

    paid = platform.bankside("call", "POST", "/v1/internal-transfers", "--json", json.dumps(order))

    assert paid.returncode == 0, paid.stderr
    assert arrived.wait(60), platform.logs()
    headers, body = told[0]
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    wanted = base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{wanted}"
    message = json.loads(body)
    assert message["data"]["amount"] == "1.25"
    assert message["data"]["order"] == json.loads(paid.stdout)["id"]
