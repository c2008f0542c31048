"""Refusals as classes: one class per reason, each with a stable code and an HTTP status.

Always true: a refusal changes nothing, its ``code`` never changes, and its ``detail`` is written
for the caller (no inner message, no secret). Anything that is not a ``BanksideError`` is a bug.
Source: RFC 9457 (problem details for HTTP APIs).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class BanksideError(Exception):
    """Base of all refusals. Subclasses set ``code``; families below set ``status``."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = ""
    iso_reason: ClassVar[str | None] = None
    # Its name on UK Open Banking paths (OBErrorResponse1.Errors.ErrorCode); None: by family.
    uk_code: ClassVar[str | None] = None
    # Whether a write that ended so may have happened: it is asked again with the same key only.
    outcome_unknown: ClassVar[bool] = False
    # Seconds after which to come again, unless the refusal knows better; None: never unchanged.
    retry_seconds: ClassVar[int | None] = None

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[Mapping[str, str]] = (),
        retry_after: int | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """``errors`` name single fields: ``{"pointer": "/amount", "code": "amount.invalid"}``."""
        super().__init__(detail or self.headline())
        self.detail = detail or self.headline()
        self.errors = tuple(errors)
        self.retry_after = self.retry_seconds if retry_after is None else retry_after
        self.extra = dict(extra or {})
        # True when this is the stored first answer of a repeated idempotency key.
        self.hit = False

    @classmethod
    def headline(cls) -> str:
        """A short title: the class's own, or the first sentence of its docstring."""
        return cls.title or (cls.__doc__ or cls.code).strip().split("\n")[0].rstrip(".")


class Invalid(BanksideError):
    """The payload is malformed."""

    code = "request.invalid"
    status = 422


class Unauthenticated(BanksideError):
    """The caller could not be identified."""

    code = "unauthenticated"
    status = 401


class Forbidden(BanksideError):
    """The caller may not do this."""

    code = "forbidden"
    status = 403


class NotFound(BanksideError):
    """There is no such thing, or the caller may not see it."""

    code = "not_found"
    status = 404


class Refused(BanksideError):
    """A rule of the bank says no to a well-formed request."""

    code = "refused"
    status = 409


class Throttled(BanksideError):
    """The caller is over its rate or quota."""

    code = "limit.rate_exceeded"
    status = 429


class Unavailable(BanksideError):
    """A part the request needs did not answer; repeat it with the same key."""

    code = "unavailable"
    status = 503
    outcome_unknown = True
    retry_seconds = 1


class NotBuilt(BanksideError):
    """The catalogue describes this, but nothing executes it yet."""

    code = "product.not_available"
    status = 501


def problem(error: BanksideError, *, request_id: str) -> dict[str, Any]:
    """The RFC 9457 body of a refusal."""
    body: dict[str, Any] = {
        "type": f"urn:bankside:problem:{error.code}",
        "title": error.headline(),
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
        "request_id": request_id,
    }
    if error.iso_reason:
        body["iso_reason"] = error.iso_reason
    if error.errors:
        body["errors"] = [dict(each) for each in error.errors]
    return body | error.extra
