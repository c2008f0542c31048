"""A service of the bank for tests: a real listener whose every answer a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bankside.gateway.upstream import Forwarder
from bankside.kernel.call import Call
from bankside.kernel.caller import Caller
from bankside.kernel.clock import SystemClock
from bankside.kernel.egress import Egress
from bankside.kernel.idempotency import Begun, KeyScope
from bankside.kernel.secrets import Vault
from bankside.kernel.snapshot import (
    Forward,
    Operation,
    SentField,
    SentReply,
    Snapshot,
    Upstream,
)

PRODUCT = "imported.tips"
UPSTREAM = "ups_tips"
VAULT = Vault(bytes(32))
OPERATIONS = {
    "create": Operation(
        f"{PRODUCT}.create", "POST", "/v1/tips", PRODUCT, "create", "/api/imported/tips/create/V1",
        moves_money=True, writes=True, upstream=UPSTREAM,
    ),
    "query": Operation(
        f"{PRODUCT}.query", "GET", "/v1/tips/{id}", PRODUCT, "query",
        "/api/imported/tips/query/V1", upstream=UPSTREAM,
    ),
}  # fmt: skip
SCHEMAS: dict[str, Any] = {
    "tip": {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {
            "amount": {"type": "integer", "minimum": 1},
            "currency": {"type": "string", "minLength": 3, "maxLength": 3},
            "note": {"type": "string", "pattern": "^[a-z ]+$"},
            "day": {"type": "string", "format": "date"},
        },
    },
    "answer": {"type": "object", "required": ["id"], "properties": {"id": {"type": "string"}}},
    "id": {"type": "string", "maxLength": 40},
    "limit": {"type": "integer", "maximum": 100},
}
CREATE = Forward(
    method="POST",
    path="/tips",
    media="json",
    media_type="application/json",
    body="tip",
    body_required=True,
    replies={"201": SentReply("application/json", "answer")},
)
QUERY = Forward(
    method="GET",
    path="/tips/{id}",
    fields=(
        SentField("id", "id", "path", required=True, schema="id"),
        SentField("limit", "limit", "query", kind="integer", schema="limit"),
    ),
    replies={"200": SentReply("application/json", "answer")},
    repeatable=True,
)


@dataclass(frozen=True)
class Seen:
    """A request as the service received it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)


Behave = Callable[[Seen, asyncio.StreamWriter], Awaitable[None]]


def answer(status: int, body: Any, *more: str, text: str | None = None) -> bytes:
    """A well-formed answer."""
    content = msgspec.json.encode(body) if text is None else text.encode()
    lines = [f"HTTP/1.1 {status} X", f"content-length: {len(content)}"]
    return "\r\n".join([*lines, "content-type: application/json", *more, "", ""]).encode() + content


@dataclass
class Service:
    """Answers by ``behave``; keeps what it was asked."""

    behave: Behave
    seen: list[Seen] = field(default_factory=list)
    asked: asyncio.Event = field(default_factory=asyncio.Event)
    connections: int = 0
    url: str = ""
    server: asyncio.Server | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                method, target, _ = lines[0].split(" ")
                headers = dict(each.split(": ", 1) for each in lines[1:] if each)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Seen(method, target, headers, body)
                self.seen.append(request)
                self.asked.set()
                await self.behave(request, writer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def service(behave: Behave) -> AsyncIterator[Service]:
    """A listening service; everything of it ends with the block."""
    made = Service(behave)
    made.server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    port = made.server.sockets[0].getsockname()[1]
    made.url = f"http://127.0.0.1:{port}/core"
    try:
        yield made
    finally:
        made.server.close()


class MemoryKeys:
    """A key store of one process, with the rules of the real one."""

    def __init__(self) -> None:
        self.rows: dict[KeyScope, tuple[str, bytes, int, bytes]] = {}

    async def begin(self, scope: KeyScope, request_hash: bytes, *, may_resume: bool) -> Begun:
        row = self.rows.get(scope)
        if row is None or (row[0] == "unknown" and may_resume and row[1] == request_hash):
            self.rows[scope] = ("running", request_hash, 0, b"")
            return Begun("fresh")
        if row[1] != request_hash:
            return Begun("other")
        return Begun(row[0], row[2], row[3])  # type: ignore[arg-type]

    async def answered(self, scope: KeyScope, status: int, answer: bytes) -> None:
        self.rows[scope] = ("answered", self.rows[scope][1], status, answer)

    async def unknown(self, scope: KeyScope) -> None:
        self.rows[scope] = ("unknown", self.rows[scope][1], 0, b"")

    async def free(self, scope: KeyScope) -> None:
        del self.rows[scope]


@dataclass
class Told:
    """Keeps what the operator is told."""

    texts: list[str] = field(default_factory=list)

    async def mismatch(self, product: str, operation: str, text: str) -> None:
        self.texts.append(text)


@dataclass
class InForce:
    """The snapshot in force."""

    current: Snapshot


@dataclass
class Desk:
    """A forwarder with its ports in memory."""

    forwarder: Forwarder
    snapshots: InForce
    keys: MemoryKeys
    told: Told


def upstream(url: str, **change: Any) -> Upstream:
    """The upstream of the tips service."""
    settings: dict[str, Any] = {
        "schemas": msgspec.json.encode(SCHEMAS),
        "forwards": {f"{PRODUCT}.create": CREATE, f"{PRODUCT}.query": QUERY},
        "answer_ms": 2_000,
        "slow_ms": 1_000,
    }
    return Upstream(id=UPSTREAM, product=PRODUCT, url=url, **(settings | change))


def desk(url: str, *, egress: Egress | None = None, **change: Any) -> Desk:
    """A forwarder to ``url``."""
    operations = {each.id: each for each in OPERATIONS.values()}
    made = Snapshot(1, 0, operations, {}, {}, {}, upstreams={UPSTREAM: upstream(url, **change)})
    keys, told, current = MemoryKeys(), Told(), InForce(made)
    forwarder = Forwarder(
        current, VAULT, egress or Egress(loopback=True), keys, SystemClock(), notes=told
    )
    return Desk(forwarder, current, keys, told)


def call(what: str = "query", **change: Any) -> Call:
    """A proven call of the sandbox app of a partner."""
    seconds = change.pop("seconds", 10.0)
    environment = change.pop("environment", "sandbox")
    given: dict[str, Any] = {
        "path": {"id": "t1"} if what == "query" else {},
        "body": {"amount": 5, "currency": "CNY"} if what == "create" else {},
        "idempotency_key": "key-1" if what == "create" else None,
    }
    return Call(
        operation=OPERATIONS[what],
        caller=Caller("prt_a", "app_a", environment=environment, request_id="req-1"),
        deadline=datetime.now(UTC) + timedelta(seconds=seconds),
        **(given | change),
    )
