"""Answers of the OAuth endpoints: JSON that nobody stores, refusals in the words of RFC 6749."""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import asyncpg
import msgspec
import structlog
from litestar import Response

from bankside.identity.errors import ClientInvalid, GrantInvalid, OAuthRefused, ProofInvalid
from bankside.identity.http.server import AnyRequest
from bankside.identity.jose import ALGORITHMS
from bankside.identity.revocations import RevocationUnconfirmed
from bankside.kernel.db import CONNECTION_LOST

NO_STORE: Mapping[str, str] = {
    "cache-control": "no-store",
    "pragma": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
RETRY_SECONDS = 2
# What passes by itself: the call changed nothing and may be repeated.
_PASSING: tuple[type[Exception], ...] = (
    *CONNECTION_LOST,
    TimeoutError,
    asyncpg.LockNotAvailableError,
    asyncpg.QueryCanceledError,
    asyncpg.DeadlockDetectedError,
    RevocationUnconfirmed,
)
# RFC 6749 section 5.2: a description has printable ASCII without quotes and backslashes.
_UNPRINTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")

_log = structlog.get_logger("oauth")


async def answered(
    request: AnyRequest, work: Callable[[], Awaitable[Response[Any]]], *, resource: bool = False
) -> Response[Any]:
    """What ``work`` answers, or the refusal it raised; ``resource``: refused by RFC 6750 header."""
    try:
        return await work()
    except OAuthRefused as refused:
        if isinstance(refused, ClientInvalid | GrantInvalid | ProofInvalid):
            # A security event; the detail names the check that failed and holds no secret.
            path = request.url.path
            _log.warning("oauth_refused", path=path, error=refused.error, why=refused.detail)
        return challenge(refused) if resource and refused.status != 404 else refusal(refused)
    except _PASSING as error:
        _log.error("oauth_unavailable", path=request.url.path, cause=repr(error))
        body = {"error": "temporarily_unavailable", "error_description": "repeat the call"}
        return answer(body, status=503, headers={"retry-after": str(RETRY_SECONDS)})


def answer(
    body: Mapping[str, Any], *, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response[Any]:
    """A JSON answer that nobody stores."""
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type="application/json",
        headers={**NO_STORE, **(headers or {})},
    )


def refusal(error: OAuthRefused) -> Response[Any]:
    """RFC 6749 section 5.2."""
    retry = {"retry-after": str(error.retry_after)} if error.retry_after else None
    return answer(described(error), status=error.status, headers=retry)


def challenge(error: OAuthRefused) -> Response[Any]:
    """RFC 9449 section 7.1: a resource says 401 (or 403) and why in WWW-Authenticate."""
    said = described(error)
    parts = [f'{name}="{value}"' for name, value in said.items()]
    algorithms = " ".join(ALGORITHMS)
    header = f'DPoP realm="bankside", {", ".join(parts)}, algs="{algorithms}"'
    status = error.status if error.status in {401, 403} else 401
    return answer(said, status=status, headers={"www-authenticate": header})


def described(error: OAuthRefused) -> dict[str, str]:
    """The two members of every refusal."""
    return {"error": error.error, "error_description": _UNPRINTABLE.sub("'", error.detail)}
