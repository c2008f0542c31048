"""Typed, prefixed, sortable identifiers, made in one place.

Always true: an id is ``<prefix>_<26 characters>``; ids made later sort after earlier ones (48-bit
milliseconds first), and 80 random bits make a clash unthinkable. Every kind is declared here once.
Source of the layout: ULID specification (Crockford base 32, lower case here).
"""

import hashlib
import re
import secrets
from datetime import UTC, datetime
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
GrantId = NewType("GrantId", str)
ConsentId = NewType("ConsentId", str)
SessionId = NewType("SessionId", str)
PersonId = NewType("PersonId", str)
PasskeyId = NewType("PasskeyId", str)
WebhookId = NewType("WebhookId", str)

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
    "solution_run": "run",
    "event": "evt",
    "request": "req",
    "payer_token": "ptk",
    "grant": "grt",
    "consent": "cns",
    "session": "ses",
    "beneficiary": "bnf",
    "standing_order": "sto",
    "funds_confirmation": "fcf",
    "person": "usr",
    "passkey": "psk",
    "webhook": "whk",
    "break": "brk",
    "sandbox": "sbx",
}

_SPACE = f"{PREFIXES['sandbox']}_"
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}")
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str, clock: Clock) -> str:
    """A fresh id of a declared kind; wrap it in that kind's type at the call."""
    milliseconds = int(clock.now().timestamp() * 1000)
    number = (milliseconds << 80) | secrets.randbits(80)
    return f"{PREFIXES[kind]}_{encode(number, 26)}"


def derived_id(kind: str, *parts: str) -> str:
    """The same id for the same parts, every time: for seeds and loaders of outside data.

    The time part is zero, so derived ids sort before all others and are told apart by sight; the
    rest is the first 80 bits of SHA-256 over the parts, which keeps the ids of two spaces apart.
    """
    digest = hashlib.sha256("\x1f".join((kind, *parts)).encode()).digest()
    return f"{PREFIXES[kind]}_{encode(int.from_bytes(digest[:10], 'big'), 26)}"


def is_reference(text: str) -> bool:
    """Whether the text could be an id or code of ours at all.

    Look-ups answer NotFound without it: a NUL or a lone surrogate must not reach the database,
    which would answer with an error instead of no row.
    """
    return _REFERENCE.fullmatch(text) is not None


def is_space(partner: str) -> bool:
    """Whether the partner id is the data space of one sandbox app, with a clock of its own."""
    return partner.startswith(_SPACE)


def made_at(id_: str) -> datetime:
    """The instant an id of ``new_id`` was made, to the millisecond."""
    number = 0
    for character in id_.rpartition("_")[2]:
        number = number * 32 + _ALPHABET.index(character)
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)


def encode(number: int, length: int) -> str:
    """``number`` in Crockford base 32, ``length`` lower-case characters."""
    characters = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        characters.append(_ALPHABET[rest])
    return "".join(reversed(characters))
