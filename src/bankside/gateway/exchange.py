"""One call on its way through the edge: an object filled from left to right, and its reply."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bankside.gateway.serving import Serving
from bankside.kernel.call import Answer
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


class Reply:
    """What the server writes: status, headers (lower-case names, no CR or LF) and the body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class Exchange:
    """Everything known about one call; each field is written by one stage and read by later ones.

    From the server: ``method``, ``path`` (as sent, without query), ``query`` (raw, without ``?``),
    ``headers`` (lower-case names, latin-1 text, repeated fields joined by ``, ``), ``body``,
    ``peer``, ``now`` (epoch seconds, float), ``request_id``.
    From the wire's ``read``: ``wire``, ``app_id``, ``key_id`` (None: any key of the wire),
    ``timestamp`` (epoch seconds), ``replay_key``, ``operation``, ``path_params``, ``tenant_token``,
    ``idempotency_key``, ``wire_state`` (the wire's own notes: string to sign, signature, form ...).
    From the stages: ``app`` (None for an unknown one), ``key`` (the one that verified), ``tenant``,
    ``body_json`` (decoded), ``serving`` (what this call is served from, also after a swap).
    From execution: exactly one of ``answer`` and ``refusal``; ``stage`` names where a refusal fell.
    ``unsigned`` asks the wire to leave the answer unsigned: only when signing itself is what is
    overloaded.
    """

    __slots__ = (
        "answer",
        "app",
        "app_id",
        "body",
        "body_json",
        "headers",
        "idempotency_key",
        "key",
        "key_id",
        "method",
        "now",
        "operation",
        "path",
        "path_params",
        "peer",
        "query",
        "query_params",
        "refusal",
        "replay_key",
        "request_id",
        "serving",
        "stage",
        "tenant",
        "tenant_token",
        "timestamp",
        "unsigned",
        "wire",
        "wire_state",
    )

    # tidy: arguments - the server fills all of them at once, on the hot path
    def __init__(  # noqa: PLR0913, PLR0917 - the server fills all of them at once, positionally
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        body: bytes,
        peer: str,
        now: float,
        request_id: str,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
        self.now = now
        self.request_id = request_id
        self.wire: Any = None
        self.wire_state: Any = None
        self.app_id: str = ""
        self.key_id: str | None = None
        self.timestamp: float = 0.0
        self.replay_key: str | None = None
        self.operation: Operation | None = None
        self.path_params: Mapping[str, str] = {}
        self.query_params: Mapping[str, str] = {}
        self.tenant_token: str | None = None
        self.idempotency_key: str | None = None
        self.app: App | None = None
        self.key: Key | None = None
        self.tenant: str | None = None
        self.body_json: Mapping[str, Any] = {}
        self.answer: Answer | None = None
        self.refusal: Refusal | None = None
        self.stage: str = ""
        self.serving: Serving | None = None
        self.unsigned: bool = False
