"""How fast one source may knock at the authorization server and at the login pages.

Counted in this process's memory, before anything is read or asked of the database: a flood costs
the web process next to nothing. What has to outlive a restart (failed logins) is counted in the
database by ``identity.sessions``; clients that have proven themselves have a pace of their own.
Over the limit: 429 with Retry-After (OWASP API4, 2023).
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Any

import msgspec
import structlog
from litestar.exceptions import TooManyRequestsException

from bankside.identity.sessions import source_of
from bankside.kernel.local_limits import LocalLimits

Application = Callable[[Any, Any, Any], Awaitable[None]]

# Calls a second of one source. A partner's servers often share one address, and so do the customers
# of a mobile network; what a person types is slow, and both may come in a burst.
OAUTH_RATE, LOGIN_RATE = 100, 10
# As many at once as in this many seconds.
BURST_SECONDS = 5

# Where somebody proves something: passwords, codes, passkeys, enrolment links.
_LOGIN = re.compile(r"/(login|second-factor|passkey|passkey/options|passkeys|enrol/[^/]*)$")

_log = structlog.get_logger("security")


@dataclass(frozen=True, slots=True)
class Pacing:
    """The pace of every source, in calls a second."""

    oauth: int = OAUTH_RATE
    login: int = LOGIN_RATE
    _limits: LocalLimits = field(default_factory=LocalLimits)

    def guard(self, app: Application) -> Application:
        """The application behind the limits."""

        async def guarded(scope: Any, receive: Any, send: Any) -> None:
            wait = self._wait(scope) if scope["type"] == "http" else 0.0
            if not wait:
                await app(scope, receive, send)
            elif _kind(scope["method"], scope["path"]) == "oauth":
                await _refuse(send, ceil(wait))
            else:
                headers = {"retry-after": str(ceil(wait))}
                raise TooManyRequestsException(headers=headers)

        return guarded

    def _wait(self, scope: Any) -> float:
        """Seconds until this call may be made; 0.0: now."""
        kind = _kind(scope["method"], scope["path"])
        if kind is None:
            return 0.0
        rate = self.login if kind == "login" else self.oauth
        source = source_of(scope["client"][0] if scope.get("client") else "")
        burst = rate * BURST_SECONDS
        wait = self._limits.take(f"{kind} {source}", monotonic(), rate=rate, burst=burst)
        if wait:
            _log.warning("source_throttled", kind=kind, source=source)
        return wait


def _kind(method: str, path: str) -> str | None:
    """Which limit a call counts for; None: none."""
    if method == "POST" and _LOGIN.search(path):
        return "login"
    return "oauth" if path.startswith("/oauth/") else None


async def _refuse(send: Any, seconds: int) -> None:
    """429 in the words of RFC 6749; people at a login page get a page."""
    body = msgspec.json.encode(
        {
            "error": "temporarily_unavailable",
            "error_description": f"too many calls from this address; come again in {seconds} s",
        }
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(seconds).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body})
