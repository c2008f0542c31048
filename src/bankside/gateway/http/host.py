"""What a connection needs of the server it belongs to; `gateway.server.Server` is the one host.

Stands below both, so that neither module knows the other: a connection is tested with any host.
Public: Host, RouteFacts, Call, Internal.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.http.limits import Limits
from bankside.gateway.http.proxies import TrustedProxies
from bankside.kernel.errors import BanksideError

# The pipeline: a Reply at once, or something to await. It sees only whole, checked requests.
Call = Callable[[Exchange], Reply | Awaitable[Reply]]
# Served before the pipeline and never metered: /healthz, /readyz, /metrics.
Internal = Mapping[str, Callable[[], Reply]]


def _no_body(method: str, path: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFacts:
    """What the server asks about a request; a path is as sent, without query.

    ``body_limit(method, path)``: bytes, held between Limits.body_free and body_max; None (also as
    an answer): body_default.
    ``takes_body(method, path)``: whether a GET or DELETE operation declares a body.
    ``options(path)``: the methods served there; empty: 404.
    ``refusal(exchange, error)``: the server's own refusal in the dialect the head speaks.
    """

    body_limit: Callable[[str, str], int | None] | None = None
    takes_body: Callable[[str, str], bool] = _no_body
    options: Callable[[str], Iterable[str]] | None = None
    refusal: Callable[[Exchange, BanksideError], Reply] | None = None


class Host(Protocol):
    """One server, as its connections see it.

    ``now`` is the loop's clock, renewed every tick; ``waits`` are seconds by phase; ``buffered``
    counts the bytes of half-received bodies; ``refused`` counts refusals by code.
    """

    limits: Limits
    routes: RouteFacts
    internal: dict[str, Callable[[], Reply]]
    proxies: TrustedProxies
    loop: asyncio.AbstractEventLoop
    call: Call
    refused: Counter[str]
    buffered: int
    draining: bool
    now: float
    waits: tuple[float, ...]
    answer_wait: float
    date_line: str

    def admit(self, connection: Any) -> bool:
        """Count a new connection in, or say that there is no room for it."""

    def forget(self, connection: Any) -> None:
        """The connection is gone."""

    def next_id(self) -> str:
        """A new request id."""

    def options(self, path: str) -> Reply:
        """The answer to OPTIONS."""

    def refusal(self, x: Exchange, error: BanksideError) -> Reply:
        """A refusal of the server, in the caller's dialect while no call has touched ``x``."""

    def run(self, x: Exchange, result: Awaitable[Reply], connection: Any) -> None:
        """Await a call and hand its answer to the connection."""
