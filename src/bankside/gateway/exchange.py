"""One call on its way through the edge: an object filled from left to right, and its reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from bankside.gateway.serving import Serving
from bankside.gateway.tokens import Access
from bankside.kernel.call import Answer, Callback
from bankside.kernel.errors import BanksideError, problem
from bankside.kernel.snapshot import App, Key, Operation


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal as a value: any stage may return one, and the call jumps to the answer."""

    code: str
    status: int
    title: str
    detail: str = ""
    retry_after: int | None = None
    errors: tuple[Mapping[str, str], ...] = ()
    extra: Mapping[str, Any] | None = None
    hit: bool = False
    uk_code: str | None = None

    @classmethod
    def of(cls, error: BanksideError) -> "Refusal":
        """The value form of a raised refusal."""
        return cls(
            code=error.code,
            status=error.status,
            title=error.headline(),
            detail=error.detail,
            retry_after=error.retry_after,
            errors=tuple(error.errors),
            extra=error.extra | ({"iso_reason": error.iso_reason} if error.iso_reason else {}),
            hit=error.hit,
            uk_code=error.uk_code,
        )

    def problem(self, request_id: str) -> dict[str, Any]:
        """RFC 9457 body, the same shape as ``kernel.errors.problem``."""
        error = BanksideError(self.detail, errors=self.errors, extra=self.extra)
        body = problem(error, request_id=request_id)
        return body | {
            "type": f"urn:bankside:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail or self.title,
            "code": self.code,
        }


# Structs: one of each is made for every call, and the C library fills them five times as fast.
class Reply(msgspec.Struct, eq=False):
    """What the server writes: status, headers (lower-case names, no CR or LF) and the body.

    ``lines`` are ``count`` further header lines as text, each ending in CRLF: a dialect that always
    writes the same ones writes them at once.
    """

    status: int
    fields: list[tuple[str, str]]
    body: bytes
    lines: str = ""
    count: int = 0

    @property
    def headers(self) -> list[tuple[str, str]]:
        """All headers, for whoever reads a reply."""
        lines = (each.partition(": ") for each in self.lines.split("\r\n")[:-1])
        return [*self.fields, *((name, value) for name, _, value in lines)]


class Exchange(msgspec.Struct, eq=False):
    """Everything known about one call; each field is written by one stage and read by later ones.

    From the server: ``method``, ``path`` (as sent, without query), ``query`` (raw, without ``?``),
    ``headers`` (lower-case names, latin-1 text, repeated fields joined by ``, ``), ``body``,
    ``peer``, ``now`` (epoch seconds, float), ``request_id``.
    From the wire's ``read``: ``wire``, ``app_id``, ``key_id`` (None: any key of the wire),
    ``timestamp`` (epoch seconds), ``replay_key``, ``operation``, ``path_params``, ``tenant_token``,
    ``idempotency_key``, ``wire_state`` (the wire's own notes: string to sign, signature, form ...);
    from its ``decode``: ``callback`` and ``return_to``, in dialects whose requests name where to
    tell of the order and where its payer's browser goes back to.
    From the token wire's stage: ``access`` (the proven token), ``proof`` (the DPoP ``jti``).
    ``consent`` is the id a signed call names; ``since`` the last revocation known for either.
    From the stages: ``app`` (None for an unknown one), ``key`` (the one that verified), ``tenant``,
    ``body_json`` (decoded), ``serving`` (what this call is served from, also after a swap).
    From execution: exactly one of ``answer`` and ``refusal``; ``stage`` names where a refusal fell.
    ``unsigned`` asks the wire to leave the answer unsigned: only when signing itself is what is
    overloaded.
    """

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    peer: str
    now: float
    request_id: str
    wire: Any = None
    wire_state: Any = None
    app_id: str = ""
    key_id: str | None = None
    timestamp: float = 0.0
    replay_key: str | None = None
    operation: Operation | None = None
    path_params: Mapping[str, str] = {}
    query_params: Mapping[str, str] = {}
    tenant_token: str | None = None
    idempotency_key: str | None = None
    app: App | None = None
    key: Key | None = None
    tenant: str | None = None
    body_json: Mapping[str, Any] = {}
    answer: Answer | None = None
    refusal: Refusal | None = None
    stage: str = ""
    serving: Serving | None = None
    unsigned: bool = False
    access: Access | None = None
    consent: str | None = None
    since: int = 0
    proof: str = ""
    callback: Callback | None = None
    return_to: Callback | None = None
    outcome: str = ""
