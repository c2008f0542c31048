"""The layer that settles, for each request, which certificate its sender proved to hold.

It stands outside whatever rewrites a request's sender (``x-forwarded-for``), because trust hangs on
the address that really connected. What it found stands in the scope as ASGI's TLS extension.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from bankside.kernel.certificates import (
    CertificateMalformed,
    TrustedHops,
    certificate_of_header,
    certificate_thumbprint,
)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class ClientCertificates:
    """An ASGI application around ``app``; ``header`` is "" where no proxy speaks for clients."""

    def __init__(self, app: App, *, header: str, trusted: Sequence[str]) -> None:
        self._app = app
        self._header = header.lower().encode()
        self._trusted = TrustedHops(trusted)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with the one certificate that counts."""
        if scope["type"] == "http" and self._header:
            self._settle(scope)
        await self._app(scope, receive, send)

    def _settle(self, scope: Scope) -> None:
        said = [value for name, value in scope["headers"] if name == self._header]
        if not said:
            return
        scope["headers"] = [each for each in scope["headers"] if each[0] != self._header]
        peer = scope.get("client")
        if peer is None or peer[0] not in self._trusted:
            return
        # Behind a proxy the handshake was the proxy's own: its certificate is nobody's client.
        chain = []
        if len(said) == 1:
            try:
                chain = [certificate_of_header(said[0].decode("latin-1"))]
            except CertificateMalformed:
                chain = []
        certificate_in_scope(scope, chain)


def certificate_in_scope(scope: Scope, chain: Sequence[bytes]) -> None:
    """The certificates that the sender proved, its own first; DER or PEM each."""
    extensions = dict(scope.get("extensions") or {})
    scope["extensions"] = {**extensions, "tls": {"client_cert_chain": list(chain)}}


def presented_thumbprint(scope: Mapping[str, Any]) -> str | None:
    """``x5t#S256`` of the sender's certificate; None without one that can be read."""
    found = (scope.get("extensions") or {}).get("tls") or {}
    chain = found.get("client_cert_chain") or ()
    if not chain:
        return None
    first = chain[0]
    try:
        return certificate_thumbprint(first.encode() if isinstance(first, str) else first)
    except CertificateMalformed:
        return None
