"""Who the peer is when a proxy stands in front.

Only addresses named in the settings are believed; from all others the forwarding headers are
removed, so that no later stage can be told who calls by the caller.
"""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from bankside.kernel.certificates import CERTIFICATE_HEADERS

# X-Forwarded-*, RFC 7239, and the fields in which proxies hand on a client certificate (RFC 9440).
FORWARDING = CERTIFICATE_HEADERS | {
    "client-cert-chain", "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-port",
    "x-forwarded-prefix", "x-forwarded-proto", "x-forwarded-server", "x-forwarded-ssl",
    "x-real-ip",
}  # fmt: skip

# The peer name of a Unix socket, which has no address.
UNIX_PEER = "unix"

# Longer chains of proxies are made up.
_HOPS_MAX = 16


class TrustedProxies:
    """The addresses whose forwarding headers are believed."""

    __slots__ = ("_networks", "_unix")

    def __init__(self, entries: Iterable[str] = ()) -> None:
        """``entries``: addresses, networks (``10.0.0.0/8``), ``unix``; else ValueError."""
        names = [entry.strip() for entry in entries if entry.strip()]
        self._unix = UNIX_PEER in names
        self._networks: list[IPv4Network | IPv6Network] = [
            ip_network(name) for name in names if name != UNIX_PEER
        ]

    def believes(self, peer: str) -> bool:
        """Whether this peer may say for whom it speaks."""
        if peer == UNIX_PEER:
            return self._unix
        if not self._networks:
            return False
        try:
            address = ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)

    def speaker(self, peer: str, forwarded_for: str) -> str:
        """The nearest address in the chain that is no trusted proxy itself.

        Read from the right: what stands further left was written by whoever called the proxy.
        """
        speaker = peer
        for hop in reversed(forwarded_for.split(",")[-_HOPS_MAX:]):
            try:
                address = str(ip_address(hop.strip()))
            except ValueError:
                break
            speaker = address
            if not self.believes(address):
                break
        return speaker
