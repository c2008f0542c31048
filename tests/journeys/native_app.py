"""A demo app on the native wire: one signed call, one proven answer."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.journeys.dialects import Native
from tests.journeys.raw import Heard, Line, Message, send

from bankside.kernel.signing.rfc9421 import Identity, Request, sign_request


@dataclass(frozen=True)
class Answered:
    """What a call was answered with; ``code`` is empty for a success."""

    status: int
    body: dict[str, Any]
    request_id: str
    hit: bool = False

    @property
    def code(self) -> str:
        """The stable code of a refusal."""
        return str(self.body.get("code", "")) if self.status >= 400 else ""


@dataclass(frozen=True)
class NativeApp:
    """Calls any path as one app; ``token`` makes it act for a tenant."""

    edge: str
    dialect: Native
    token: str = ""

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str = "",
        told_at: str = "",
        through: Line | None = None,
    ) -> Answered:
        """Sign, send, prove; ``told_at`` is the order's address for callbacks; ``through`` uses a
        connection that is open already.
        """
        message = self.message(method, path, body, query=query, key=key, told_at=told_at)
        heard = through.send(message) if through is not None else send(self.edge, message)
        return self.answered(heard, message)

    def answered(self, heard: Heard, message: Message) -> Answered:
        """A heard answer, its signature checked; other content types have no body here."""
        said = (
            self.dialect.read(heard, message).content
            if "json" in heard.headers.get("content-type", "")
            else {}
        )
        return Answered(
            heard.status,
            dict(said),
            heard.headers["x-request-id"],
            heard.headers.get("idempotency-hit") == "true",
        )

    def message(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        key: str = "",
        told_at: str = "",
    ) -> Message:
        """The signed request; ``body`` is JSON, or bytes as they are."""
        raw = body if isinstance(body, bytes) else b"" if body is None else _json(body)
        head = {"host": "bank.example"}
        if method != "GET":
            head |= {"content-type": "application/json", "idempotency-key": key or _random()}
        if told_at:
            head["notify-url"] = told_at
        if self.token:
            head["x-app-auth-token"] = self.token
        party = self.dialect.party
        request = Request(method, quote(path, safe="/"), urlencode(query or {}), head, raw)
        head |= sign_request(
            request,
            Identity(key_id=party.key_id, alg=party.alg, sign=party.sign),
            created=int(time.time()),
            nonce=_random(),
        )
        target = request.path + (f"?{request.query}" if request.query else "")
        return Message(method, target, tuple(head.items()), raw)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=True).encode()


def _random() -> str:
    return os.urandom(16).hex()
