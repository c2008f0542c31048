"""Listening sockets for all workers, bound by the parent before it gives up its privileges.

``BANKSIDE_EDGE_LISTEN`` is a comma-separated list: ``host:port`` (IPv4 or a name), ``[IPv6]:port``,
``:port`` (all IPv4 addresses), ``unix:/path``. Port 80 is possible because binding comes before
`drop_privileges`; some SDKs ignore the port of an address and go to 80.
Source: socket(7) SO_REUSEPORT: the kernel spreads new connections over the sockets of one address.
"""

import errno
import os
import pwd
import socket
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# More addresses than this in one list is a mistake in a script.
ADDRESSES_MAX = 16
# Group and owner may connect: the proxy in front runs in our group.
_UNIX_MODE = 0o660


class ListenInvalid(ValueError):
    """An address of the list cannot be listened on; the message names it and the reason."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen: ``host`` and ``port``, or ``path`` of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_addresses(text: str) -> list[Address]:
    """The addresses of a list such as ``127.0.0.1:8080,[::1]:8080,unix:/run/edge.sock``."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not 1 <= len(entries) <= ADDRESSES_MAX:
        raise ListenInvalid(f"1 to {ADDRESSES_MAX} addresses are expected, not {len(entries)}")
    addresses = [_parse(entry) for entry in entries]
    for index, address in enumerate(addresses):
        if address in addresses[:index] and (address.path or address.port):
            raise ListenInvalid(f"{address} stands twice in the list")
    return addresses


def open_listeners(
    addresses: Sequence[Address], *, workers: int = 1, backlog: int = 2048
) -> list[list[socket.socket]]:
    """Listening sockets for each of ``workers``: one list a worker, in the order of ``addresses``.

    Each worker has its own socket of a TCP address; of a Unix path all have the same. A port of 0
    becomes one free port for all workers. Raises ListenInvalid; then nothing stays open.
    """
    opened: list[list[socket.socket]] = [[] for _ in range(workers)]
    try:
        for address in addresses:
            bound = address
            for sockets in opened:
                if address.path and sockets is not opened[0]:
                    sockets.append(opened[0][-1].dup())
                    continue
                sockets.append(_listening(bound, backlog))
                if not address.path and not address.port:
                    bound = Address(address.host, sockets[-1].getsockname()[1])
    except OSError as error:
        for sockets in opened:
            for each in sockets:
                each.close()
        raise ListenInvalid(f"cannot listen on {address}: {_reason(error)}") from error
    return opened


def drop_privileges(user: str) -> None:
    """Become ``user`` for good; only root can, for others nothing changes when it is already so.

    Raises ListenInvalid when there is no such user or the change is not allowed.
    """
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise ListenInvalid(f"there is no user {user}") from None
    if os.geteuid() == entry.pw_uid:
        return
    try:
        os.initgroups(user, entry.pw_gid)
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    except PermissionError:
        raise ListenInvalid(f"only root can become {user}") from None


def _parse(entry: str) -> Address:
    if entry.startswith("unix:"):
        path = entry.removeprefix("unix:")
        if not path:
            raise ListenInvalid(f"{entry}: the path is missing")
        return Address(path=path)
    host, colon, port = entry.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    if not colon or (":" in host and not bracketed):
        raise ListenInvalid(f"{entry}: expected host:port, [IPv6]:port, :port or unix:/path")
    if not (port.isascii() and port.isdigit() and int(port[:6]) <= 65535):
        raise ListenInvalid(f"{entry}: the port is a number from 0 to 65535")
    return Address(host.strip("[]") or "0.0.0.0", int(port))


def _listening(address: Address, backlog: int) -> socket.socket:
    if address.path:
        return _unix_listening(address.path, backlog)
    found = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    family, kind, protocol, _, name = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            # So that 0.0.0.0 and [::] can both be listed, and no peer is an IPv4-mapped address.
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(name)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _unix_listening(path: str, backlog: int) -> socket.socket:
    _remove_abandoned(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.bind(path)
        Path(path).chmod(_UNIX_MODE)
        listener.listen(backlog)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_abandoned(path: str) -> None:
    """Remove a socket file nobody listens on; what is something else, or in use, stays."""
    place = Path(path)
    if not place.exists() or not stat.S_ISSOCK(place.stat().st_mode):
        return  # bind makes the socket, or says what stands there
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            place.unlink()
            return
    raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
