"""Private set matching of the bank's list with a caller's: neither side shows its values.

Diffie-Hellman on Curve25519 (RFC 7748), semi-honest: the caller sends its values blinded by a
secret of its own, ``a.H(x)``; the bank answers ``b.a.H(x)`` in the same order, and ``b.H(y)`` of
its own list. The caller blinds the latter by ``a`` as well and counts what is equal. ``H`` is
SHA-256 of the value as lists spell it, taken as a point; ``b`` is drawn for one order and dropped.
"""

import hashlib
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from bankside.bank.registers import listed_keys
from bankside.orders.inputs import fault, refuse
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room
from bankside.orders.preparations.score import consented

# The answer is kept with the order: 64 characters a value.
OWN_MAX = 1_000


async def matching(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Both lists, blinded. Raises ConsentMissing, InputInvalid for a value that is no point."""
    await consented(room, order, form)
    secret = X25519PrivateKey.generate()
    doubled: list[str] = []
    faults = []
    for index, each in enumerate(form["values"]):
        try:
            doubled.append(_times(secret, bytes.fromhex(each["value"])))
        except ValueError:
            faults.append(fault(f"/values/{index}/value", "field.pattern", "no point of the curve"))
    refuse(faults)
    keys = await listed_keys(room.db, limit=OWN_MAX)
    own = [_times(secret, hashlib.sha256(key.encode()).digest()) for key in keys]
    result = {
        "protocol": "ecdh-psi-x25519-1",
        "doubled": doubled,
        "own": sorted(own),
        "matched": None,
    }
    return Prepared(order, {"match": result})


def _times(secret: X25519PrivateKey, point: bytes) -> str:
    """The point times the secret, as hex. Raises ValueError for a point of small order."""
    return secret.exchange(X25519PublicKey.from_public_bytes(point)).hex()


PREPARATIONS: Mapping[str, Prepare] = {"query.match": matching}
