"""Forwarding: operations that a service of the bank behind the platform carries out.

Always true: the gateway's checks have passed before a byte leaves; nothing an upstream writes but
the members of an answer its description promises reaches a partner; an upstream's trouble stays its
own (bounded connections, bounded waiting, a circuit that opens).

Public: Forwarder; the ports KeyStore and Notes; Checker.
"""

from bankside.gateway.upstream.checking import Checker
from bankside.gateway.upstream.forwarding import Forwarder, Notes
from bankside.gateway.upstream.keys import KeyStore

__all__ = ["Checker", "Forwarder", "KeyStore", "Notes"]
