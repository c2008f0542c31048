"""A service of a bank that answers each request as its id asks: well, or in every bad way we know.

Run as ``python -m bench.hostile``: prints its port, serves until it is killed. The kind of answer
stands in front of the id (``cut-17``). ``GET /stats`` tells what arrived: requests by kind, and ids
that were written more than once.
"""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import uvloop

# Longer than the edge waits for an answer, and for a byte.
HANG_S = 3.0
LATE_S = 0.1
DRIP_S = 0.05
# More than the edge takes: an answer, a header block, a number of headers.
HUGE_BYTES = 1_500_000
HEADER_BYTES = 20_000
HEADERS = 100

Outcome = tuple[int, str]
READ_FINE, WRITE_FINE = (200, ""), (201, "")
_INVALID: Outcome = (502, "upstream.answer_invalid")
_UNKNOWN: Outcome = (504, "upstream.outcome_unknown")
_BOTH = frozenset({READ_FINE, WRITE_FINE})


@dataclass(frozen=True)
class Kind:
    """A way to answer: how often of a hundred, what a read and a write may end in."""

    weight: int
    read: frozenset[Outcome]
    write: frozenset[Outcome]


def _bad(read: Outcome = _INVALID, write: Outcome = _UNKNOWN) -> Kind:
    return Kind(1, frozenset({read}), frozenset({write}))


KINDS: Mapping[str, Kind] = {
    "well": Kind(60, _BOTH, _BOTH),
    "late": Kind(2, _BOTH, _BOTH),
    "split": Kind(2, _BOTH, _BOTH),
    "chunked": Kind(2, _BOTH, _BOTH),
    # Two answers to one request: the first one is right, the second nobody's.
    "twice": Kind(1, _BOTH | {_INVALID}, _BOTH | {_UNKNOWN}),
    "hang": _bad((504, "upstream.timed_out")),
    "drip": _bad((504, "upstream.timed_out")),
    "cut": _bad(),
    "early": _bad(),
    "garbage": _bad(),
    "huge": _bad(),
    "endless": _bad(),
    "headers": _bad(),
    "header": _bad(),
    "lengths": _bad(),
    "interim": _bad(),
    "upgrade": _bad(),
    "nojson": _bad(),
    "redirect": _bad(),
    "schema": _bad((502, "upstream.answer_mismatch"), (502, "upstream.answer_mismatch")),
    "error": _bad((502, "upstream.failed")),
    "denied": _bad((502, "upstream.credential_refused"), (502, "upstream.credential_refused")),
}

DESCRIPTION: Mapping[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Bench echo", "version": "1"},
    "paths": {
        "/echoes/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {"200": {"$ref": "#/components/responses/Echo"}},
            }
        },
        "/echoes": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {"schema": {"$ref": "#/components/schemas/Echo"}}
                    },
                },
                "responses": {"201": {"$ref": "#/components/responses/Echo"}},
            }
        },
    },
    "components": {
        "responses": {
            "Echo": {
                "description": "what was asked",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Echo"}}},
            }
        },
        "schemas": {
            "Echo": {
                "type": "object",
                "required": ["id"],
                "properties": {
                    "id": {"type": "string", "maxLength": 40},
                    "day": {"type": "string", "format": "date"},
                },
            }
        },
    },
}

Reader = asyncio.StreamReader
Writer = asyncio.StreamWriter


class Hostile:
    """The service: what it was asked, and how it answers."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self.written: Counter[str] = Counter()

    async def serve(self, reader: Reader, writer: Writer) -> None:
        """One connection, request after request."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                method, target, _ = head.split(" ", 2)
                length = head.lower().partition("content-length: ")[2].partition("\r")[0]
                body = await reader.readexactly(int(length or "0"))
                if target == "/stats":
                    writer.write(_answer(200, self._stats()))
                    continue
                asked = json.loads(body)["id"] if body else target.rpartition("/")[2]
                self.seen[asked.partition("-")[0]] += 1
                self.written[asked] += method == "POST"
                await self._say(asked, 201 if method == "POST" else 200, writer)
        except (asyncio.IncompleteReadError, ConnectionError, RuntimeError):
            pass  # The edge ended it; uvloop's closed handles say so by RuntimeError.
        finally:
            writer.close()

    def _stats(self) -> dict[str, Any]:
        twice = [each for each, count in self.written.items() if count > 1]
        return {"seen": dict(self.seen), "twice": twice[:100]}

    async def _say(self, asked: str, status: int, writer: Writer) -> None:
        kind = asked.partition("-")[0]
        right = _answer(status, {"id": asked})
        if kind in _WAYS:
            await _WAYS[kind](right, writer)
        else:
            writer.write(_RAW[kind](right) if kind in _RAW else right)
            if kind in {"cut", "garbage", "huge", "headers", "header"}:
                writer.close()
        await writer.drain()


def _answer(status: int, body: Any, *more: str) -> bytes:
    content = json.dumps(body).encode()
    head = (f"HTTP/1.1 {status} X", "content-type: application/json", *more)
    return _whole("\r\n".join((*head, f"content-length: {len(content)}")), content)


def _whole(head: str, content: bytes) -> bytes:
    return f"{head}\r\n\r\n".encode() + content


async def _late(right: bytes, writer: Writer) -> None:
    await asyncio.sleep(LATE_S)
    writer.write(right)


async def _hang(_: bytes, writer: Writer) -> None:
    await asyncio.sleep(HANG_S)
    writer.close()


async def _drip(right: bytes, writer: Writer) -> None:
    for at in range(len(right)):
        writer.write(right[at : at + 1])
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def _split(right: bytes, writer: Writer) -> None:
    for at in range(0, len(right), 17):
        writer.write(right[at : at + 17])
        await asyncio.sleep(0)


async def _endless(_: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\n")
    writer.write(b"transfer-encoding: chunked\r\n\r\n")
    for _count in range(HUGE_BYTES // 50_000):
        writer.write(b"c350\r\n" + b" " * 50_000 + b"\r\n")
        await writer.drain()


async def _early(_: bytes, writer: Writer) -> None:
    writer.close()


def _chunked(right: bytes) -> bytes:
    head, _, content = right.partition(b"\r\n\r\n")
    head = head.rpartition(b"\r\n")[0] + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\nx-trailer: content-length\r\n\r\n" % (len(content), content)


_WAYS: Mapping[str, Callable[[bytes, Writer], Awaitable[None]]] = {
    "late": _late,
    "hang": _hang,
    "drip": _drip,
    "split": _split,
    "endless": _endless,
    "early": _early,
}
_RAW: Mapping[str, Callable[[bytes], bytes]] = {
    "chunked": _chunked,
    "twice": lambda right: right + _answer(200, {"id": "nobody"}),
    "cut": lambda right: right[:-5],
    "garbage": lambda _: b"\x16\x03\x01\x00\xff this is no answer\r\n\r\n",
    "huge": lambda _: _whole(f"HTTP/1.1 200 X\r\ncontent-length: {10**9}", b" " * HUGE_BYTES),
    "headers": lambda _: _answer(200, {}, *(f"x-{n}: bomb" for n in range(HEADERS))),
    "header": lambda _: _answer(200, {}, "x-long: " + "b" * HEADER_BYTES),
    "lengths": lambda _: _answer(200, {}, "content-length: 3"),
    "interim": lambda right: b"HTTP/1.1 100 Continue\r\n\r\n" * 6 + right,
    "upgrade": lambda _: b"HTTP/1.1 101 X\r\nupgrade: ws\r\nconnection: upgrade\r\n\r\n",
    "nojson": lambda right: right[:-1] + b"]",
    "redirect": lambda _: _answer(302, {}, "location: http://127.0.0.1:1/"),
    "schema": lambda right: _answer(int(right[9:12]), {"name": 1}),
    "error": lambda _: _answer(500, {"error": "ORA-00600 on core-db-1"}),
    "denied": lambda _: _answer(401, {"error": "who is this"}),
}


async def main() -> None:
    """Serve on a free port of this machine."""
    server = await asyncio.start_server(Hostile().serve, "127.0.0.1", 0, backlog=1_024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
