"""One connection to a running edge, and a call of any operation on each wire.

Always true: a call is what it says it is: the same `Asked` is spelled by each wire's own rules and
signed under the ground's key; what is heard is told in native words (status, code, body).
"""

import asyncio
import http.client
import json
import re
import secrets
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from bankside.app.proving.ground import Identity, Place
from bankside.catalog import ProductOperation
from bankside.kernel.clock import BANK_ZONE, Clock
from bankside.kernel.errors import Unavailable
from bankside.kernel.signing import alipay, icbc, rfc9421

ANSWER_SECONDS = 40.0
# The worker publishes within a second; a loaded machine takes longer.
READY_SECONDS = 30.0
WIRES: Final = ("native", "icbc", "alipay", "alipay3")
_HOLE = re.compile(r"\{(\w+)\}")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")
_FORM = "application/x-www-form-urlencoded;charset=utf-8"


class EdgeUnreachable(Unavailable):
    """The edge does not answer, or does not know the ground of the proof."""

    code = "product.edge_unreachable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A call in native terms: ``body`` is JSON, bytes go as they are; ``of`` fills the path."""

    operation: ProductOperation
    of: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    key: str = ""
    outcome: str = ""

    @property
    def path(self) -> str:
        """The native path with its holes filled."""
        return _HOLE.sub(lambda _: urllib.parse.quote(self.of, safe=""), self.operation.path)


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer; ``code`` is the wire's own word for a refusal, "" for a success."""

    status: int
    code: str
    body: Any
    request_id: str
    media: str = ""
    native_code: str = ""

    @property
    def is_done(self) -> bool:
        """Whether the call was carried out."""
        return not self.code and self.status < 400


class Line:
    """One connection, to one worker; used for one call after another."""

    def __init__(self, edge: str, place: Place, clock: Clock) -> None:
        parts = urllib.parse.urlsplit(edge)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._place, self._clock = place, clock
        self._connection: http.client.HTTPConnection | None = None
        self._authority = parts.netloc
        self.calls = 0

    async def ready(self, ask: Asked) -> None:
        """The worker behind the connection knows the ground. Raises EdgeUnreachable."""
        deadline = time.monotonic() + READY_SECONDS
        while True:
            heard = await self.call("native", ask)
            if heard.is_done and heard.body.get("space") == self._place.space:
                return
            if time.monotonic() > deadline:
                raise EdgeUnreachable(f"the edge does not know the ground yet ({heard.code})")
            await asyncio.sleep(0.2)

    async def call(self, wire: str, asked: Asked) -> Heard:
        """Sign, send, read. Raises EdgeUnreachable."""
        self.calls += 1
        spell, read = _WIRES[wire]
        method, target, head, body = spell(
            self._place.identities[wire], self._clock.now(), self._authority, asked
        )
        try:
            status, fields, content = await asyncio.to_thread(
                self._sent, method, target, head, body
            )
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise EdgeUnreachable(f"the edge does not answer ({error!r})") from error
        return read(status, fields, content)

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _sent(
        self, method: str, target: str, head: Mapping[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._host, self._port, timeout=ANSWER_SECONDS
            )
        self._connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in head.items():
            self._connection.putheader(name, value)
        self._connection.putheader("content-length", str(len(body)))
        self._connection.endheaders(body or None)
        answer = self._connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()


Spelled = tuple[str, str, dict[str, str], bytes]
Fields = Mapping[str, str]


def content_of(body: Any) -> bytes:
    """A body as it goes out."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


def _native(who: Identity, at: datetime, authority: str, asked: Asked) -> Spelled:
    operation = asked.operation
    body = content_of(asked.body) if operation.writes and operation.method != "DELETE" else b""
    head = {"host": authority}
    if operation.writes:
        head |= {"content-type": "application/json"}
        head |= {"idempotency-key": asked.key or secrets.token_hex(16)}
    request = rfc9421.Request(
        operation.method, asked.path, urllib.parse.urlencode(asked.query), head, body
    )
    identity = rfc9421.Identity(key_id=who.key, alg=who.alg, sign=who.sign)
    head |= rfc9421.sign_request(
        request, identity, created=int(at.timestamp()), nonce=secrets.token_hex(16)
    )
    if asked.outcome:
        head["x-sandbox-outcome"] = asked.outcome
    target = asked.path + (f"?{request.query}" if request.query else "")
    return operation.method, target, head, body


def _icbc(who: Identity, at: datetime, authority: str, asked: Asked) -> Spelled:
    params = {
        "app_id": who.app,
        "msg_id": asked.key or secrets.token_hex(16),
        "format": "json",
        "charset": "UTF-8",
        "sign_type": "RSA2",
        "timestamp": _beijing(at),
        "biz_content": json.dumps(_business(asked)),
    }
    if asked.outcome:
        params["sandbox_outcome"] = asked.outcome
    path = asked.operation.icbc_path
    signed = icbc.signed_form(path, params, who.sign)
    head = {"host": authority, "content-type": _FORM}
    return "POST", path, head, urllib.parse.urlencode(signed).encode()


def _alipay(who: Identity, at: datetime, authority: str, asked: Asked) -> Spelled:
    params = {
        "app_id": who.app,
        "method": "bankside" + alipay_name(asked.operation).replace("/", "."),
        "format": "JSON",
        "charset": "utf-8",
        "sign_type": "RSA2",
        "timestamp": _beijing(at),
        "version": "1.0",
        "biz_content": json.dumps(_business(asked, key=True)),
    }
    if asked.outcome:
        params["sandbox_outcome"] = asked.outcome
    signed = alipay.signed_form(params, who.sign)
    head = {"host": authority, "content-type": _FORM}
    return "POST", "/gateway.do", head, urllib.parse.urlencode(signed).encode()


def _alipay3(who: Identity, at: datetime, authority: str, asked: Asked) -> Spelled:
    path = "/v3/bankside" + alipay_name(asked.operation)
    body = json.dumps(_business(asked, key=True)).encode()
    head = {"host": authority, "content-type": "application/json"}
    stamp = int(at.timestamp() * 1000)
    text = alipay.authorisation_v3(who.app, secrets.token_hex(16), stamp)
    message = alipay.request_message_v3(text, "POST", path, body)
    head["authorization"] = alipay.authorization_header_v3(text, message, who.sign)
    if asked.outcome:
        head["x-sandbox-outcome"] = asked.outcome
    return "POST", path, head, body


def alipay_name(operation: ProductOperation) -> str:
    """The operation under its own name in the Alipay-style dialects: ``/merchant/...``."""
    name = operation.icbc_path.removeprefix("/api").removesuffix("/V1")
    return name.replace("-", "_")


def has_wire(operation: ProductOperation, wire: str) -> bool:
    """Whether the wire has a name for the operation; names with digits have none at Alipay's."""
    return not wire.startswith("alipay") or not re.search(r"[0-9]", alipay_name(operation))


def _business(asked: Asked, *, key: bool = False) -> dict[str, Any]:
    """The business content of the form dialects: body or query, and what stands in the path."""
    content = dict(asked.body) if isinstance(asked.body, Mapping) else {}
    content |= asked.query
    for name in _HOLE.findall(asked.operation.path):
        content[_HUMP.sub(r"_\1", name).lower()] = asked.of
    if key and asked.operation.writes:
        content["idempotency_key"] = asked.key or secrets.token_hex(16)
    return content


def _beijing(at: datetime) -> str:
    return at.astimezone(BANK_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def _read_native(status: int, fields: Fields, content: bytes) -> Heard:
    media = fields.get("content-type", "").partition(";")[0]
    body = json.loads(content) if "json" in media else content
    code = str(body.get("code", "?")) if status >= 400 and isinstance(body, dict) else ""
    return Heard(status, code, body, fields.get("x-request-id", ""), media, code)


def _read_icbc(status: int, fields: Fields, content: bytes) -> Heard:
    text = content.decode("utf-8", "replace")
    try:
        node = json.loads(icbc.answer_parts(text)[0])
    except ValueError:
        return Heard(status, "?", text[:400], fields.get("x-request-id", ""))
    number = str(node.get("return_code"))
    code = "" if number == "0" else number
    known = str(node.get("error_code", ""))
    return Heard(status, code, node, fields.get("x-request-id", ""), native_code=known)


def _read_alipay(status: int, fields: Fields, content: bytes) -> Heard:
    try:
        node = next(iter(json.loads(content).values()))
        code = " ".join(filter(None, (node["code"], node.get("sub_code", ""))))
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration):
        return Heard(status, "?", content[:400].decode("utf-8", "replace"), "")
    return Heard(status, "" if node["code"] == "10000" else code, node, fields.get("trace_id", ""))


def _read_alipay3(status: int, fields: Fields, content: bytes) -> Heard:
    try:
        node = json.loads(content)
    except ValueError:
        return Heard(status, "?", content[:400].decode("utf-8", "replace"), "")
    code = f"{status} {node.get('code', '?')}" if status >= 400 else ""
    return Heard(status, code, node, fields.get("alipay-trace-id", ""))


_WIRES: Final[
    Mapping[
        str,
        tuple[
            Callable[[Identity, datetime, str, Asked], Spelled],
            Callable[[int, Fields, bytes], Heard],
        ],
    ]
] = {
    "native": (_native, _read_native),
    "icbc": (_icbc, _read_icbc),
    "alipay": (_alipay, _read_alipay),
    "alipay3": (_alipay3, _read_alipay3),
}
