"""Typed, prefixed, sortable identifiers, made in one place.

Always true: an id is ``<prefix>_<26 characters>``; ids made later sort after earlier ones (48-bit
milliseconds first), and 80 random bits make a clash unthinkable. Every kind is declared here once.
Source of the layout: ULID specification (Crockford base 32, lower case here).
"""

import secrets
from typing import NewType

from bankside.kernel.clock import Clock

PartnerId = NewType("PartnerId", str)
TenantId = NewType("TenantId", str)
AppId = NewType("AppId", str)
KeyId = NewType("KeyId", str)
CustomerId = NewType("CustomerId", str)
AccountId = NewType("AccountId", str)
BranchId = NewType("BranchId", str)
MerchantId = NewType("MerchantId", str)
OrderId = NewType("OrderId", str)
EventId = NewType("EventId", str)
RequestId = NewType("RequestId", str)

# One prefix a kind. A product's own resource ids use its order's id: one noun, one id.
PREFIXES: dict[str, str] = {
    "partner": "prt",
    "tenant": "tnt",
    "app": "app",
    "key": "key",
    "customer": "cus",
    "account": "acc",
    "branch": "brn",
    "merchant": "mch",
    "order": "ord",
    "event": "evt",
    "request": "req",
    "payer_token": "ptk",
}

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str, clock: Clock) -> str:
    """A fresh id of a declared kind; wrap it in that kind's type at the call."""
    milliseconds = int(clock.now().timestamp() * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    return f"{PREFIXES[kind]}_{encode(number, 26)}"


def encode(number: int, length: int) -> str:
    """``number`` in Crockford base 32, ``length`` lower-case characters."""
    characters = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        characters.append(_ALPHABET[rest])
    return "".join(reversed(characters))
