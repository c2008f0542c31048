"""A proof that our addresses are free, before sockets with SO_REUSEPORT are bound.

With that option a second installation of the same user would silently share our port.
"""

import socket

from bankside.gateway import ListenInvalid, open_listeners, parse_addresses
from bankside.kernel.errors import Unavailable


class AddressTaken(Unavailable):
    """An address we were told to serve cannot be served."""

    code = "setting.address_taken"


def bound(listen: str, *, workers: int, setting: str) -> list[list[socket.socket]]:
    """Listening sockets for each worker, or AddressTaken naming the setting to change."""
    try:
        addresses = parse_addresses(listen)
        for address in addresses:
            if address.port:
                _prove_free(address.host, address.port)
        return open_listeners(addresses, workers=workers)
    except (ListenInvalid, OSError) as error:
        raise AddressTaken(
            f"{listen} cannot be served ({error}); stop what uses it, or set {setting} to another"
            " address"
        ) from error


def _prove_free(host: str, port: int) -> None:
    family, kind, protocol, _, name = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        # Connections of an earlier run in TIME_WAIT are no reason to refuse.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(name)
