"""Calling an address that somebody outside chose: only public https, and nothing behind our walls.

Always true: the name is resolved once, every address it has must be a public one, and the
connection goes to exactly that address (a second look-up could answer otherwise); no redirect is
followed; time and bytes are limited. Source: OWASP API Security Top 10 (2023), API7.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

import httptools

from bankside.kernel.errors import Refused

SECONDS_MAX = 5.0
BYTES_MAX = 65_536
URL_LENGTH_MAX = 500
HTTPS_PORT = 443
HTTP_PORT = 80
_CHUNK = 16_384
LOOPBACK_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})
# Browsers read a backslash as a slash: an address that holds one is not what it seems to be.
_NO_ADDRESS = frozenset(' \\"<>')

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class EgressRefused(Refused):
    """The address is not one that we call, or it did not answer as it should."""

    code = "egress.refused"
    status = 422


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Target:
    """Where a connection goes: to ``address``, which ``host`` led to and which was checked."""

    host: str
    port: int
    secure: bool
    address: str


@dataclass(frozen=True, slots=True)
class Egress:
    """How this installation calls out. ``loopback``: on a machine of one's own the loopback
    addresses may be called too, over plain http and on any port; never set it elsewhere.
    ``internal``: services of the bank itself that its operator named (``host:port``); they may be
    called wherever they stand, but for addresses that only a machine's own software uses.
    """

    loopback: bool = False
    tls: ssl.SSLContext | None = None
    internal: frozenset[str] = frozenset()

    async def get(self, url: str) -> bytes:
        """The body behind ``url``, at most BYTES_MAX; or EgressRefused within SECONDS_MAX."""
        answer = await self.call("GET", url, {"accept": "application/json"}, seconds=SECONDS_MAX)
        if answer.status != 200:
            raise EgressRefused("the answer is not 200; redirects are not followed")
        return answer.body

    async def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        body: bytes | None = None,
        seconds: float,
    ) -> Answer:
        """What ``url`` answered, whatever its status; or EgressRefused.

        ``headers`` are ours, lower case; Host, Content-Length and Connection are set here.
        """
        try:
            async with asyncio.timeout(seconds):
                return await self._called(method, url, headers, body)
        except TimeoutError as error:
            raise EgressRefused(f"no answer within {seconds:.0f} s") from error
        except (OSError, ValueError, httptools.HttpParserError) as error:
            raise EgressRefused("the address cannot be reached") from error

    def checked(self, url: str) -> SplitResult:
        """The parts of an address that may be called as far as its text tells; or EgressRefused."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise EgressRefused("this is no address") from error
        plain = len(url) <= URL_LENGTH_MAX and url.isascii() and url.isprintable()
        if not plain or not host or " " in url or "@" in parts.netloc or parts.fragment:
            raise EgressRefused("give an https address without user and fragment")
        if parts.scheme in {"http", "https"} and (
            self.loopback or self._is_internal(host, _port(parts))
        ):
            return parts
        if parts.scheme != "https" or port not in {None, HTTPS_PORT}:
            raise EgressRefused(f"only https on port {HTTPS_PORT} is called")
        return parts

    async def target(self, url: str) -> Target:
        """Where a connection for ``url`` goes: its name is resolved now; or EgressRefused."""
        parts = self.checked(url)
        host, secure, port = parts.hostname or "", parts.scheme == "https", _port(parts)
        return Target(host, port, secure, await self._resolved(host, port, secure=secure))

    def _is_internal(self, host: str, port: int) -> bool:
        name = f"[{host}]" if ":" in host else host
        return f"{name}:{port}" in self.internal

    async def _called(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        to = await self.target(url)
        context = (self.tls or ssl.create_default_context()) if to.secure else None
        reader, writer = await asyncio.open_connection(
            to.address, to.port, ssl=context, server_hostname=to.host if to.secure else None
        )
        try:
            writer.write(_asked(method, self.checked(url), headers, body))
            return await _answered(reader)
        finally:
            writer.close()

    async def _resolved(self, host: str, port: int, *, secure: bool) -> str:
        """The one address to connect to; EgressRefused when any the name has is not public."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = [ipaddress.ip_address(each[4][0]) for each in found]
        if self.loopback and addresses and all(each.is_loopback for each in addresses):
            return str(addresses[0])
        if self._is_internal(host, port) and addresses:
            if any(
                each.is_link_local or each.is_multicast or each.is_unspecified for each in addresses
            ):
                raise EgressRefused("the name leads to an address that no service has")
            return str(addresses[0])
        if not secure or port != HTTPS_PORT or not addresses:
            raise EgressRefused(f"only https on port {HTTPS_PORT} is called")
        if not all(is_public(each) for each in addresses):
            raise EgressRefused("the name leads to an address that is not public")
        return str(addresses[0])


def browser_address(url: str) -> SplitResult:
    """The parts of an address that we may send a browser to; or EgressRefused.

    Nothing of ours is reached by it, so any https port will do, and plain http on the reader's own
    machine, where partners try things out (RFC 8252, section 7.3).
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise EgressRefused("this is no address") from error
    plain = len(url) <= URL_LENGTH_MAX and url.isascii() and url.isprintable()
    if not plain or not host or set(url) & _NO_ADDRESS or "@" in parts.netloc or parts.fragment:
        raise EgressRefused("give an https address without user and fragment")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK_HOSTS):
        raise EgressRefused("only https is opened, and http on this machine")
    return parts


def _port(parts: SplitResult) -> int:
    return parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)


def is_public(address: _Address) -> bool:
    """Whether an address is on the open internet and is written as such.

    IPv6 forms that hide an IPv4 address are none: mapped and NAT64 ones are reserved, 6to4 is not
    used by anybody's server.
    """
    if isinstance(address, ipaddress.IPv6Address) and address.sixtofour is not None:
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _asked(
    method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes | None
) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    said = {"host": parts.netloc, "user-agent": "bankside", "accept-encoding": "identity"}
    said |= {**headers, "connection": "close"}
    if body is not None:
        said["content-length"] = str(len(body))
    # A line break in a header would be a request of its own; none of ours can hold one.
    assert not any("\r" in value or "\n" in value for value in said.values())
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in said.items())]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


class _Reading:
    """What httptools tells while it reads the answer."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.headers: dict[str, str] = {}
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


async def _answered(reader: asyncio.StreamReader) -> Answer:
    reading = _Reading()
    parser = httptools.HttpResponseParser(reading)
    received = 0
    while not reading.complete:
        chunk = await reader.read(_CHUNK)
        received += len(chunk)
        if received > 2 * BYTES_MAX or len(reading.body) > BYTES_MAX:
            raise EgressRefused(f"the answer has more than {BYTES_MAX} bytes")
        if not chunk:
            break
        parser.feed_data(chunk)
    if len(reading.body) > BYTES_MAX:
        raise EgressRefused(f"the answer has more than {BYTES_MAX} bytes")
    if not parser.get_status_code() or (
        not reading.complete and "content-length" in reading.headers
    ):
        raise EgressRefused("the connection was closed without a whole answer")
    return Answer(parser.get_status_code(), reading.headers, bytes(reading.body))
