"""Secret values: how they are minted, where they stand, and what of them is kept.

Always true: a value has 256 random bits; only its SHA-256 is stored; it carries its hour's slot in
clear, so its row is found in one partition (`migrations/0062-single-use.sql`).
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime

SLOTS = 8
HOUR_SECONDS = 3600

CODE, ACCESS_TOKEN, REFRESH_TOKEN, AUTH_REQ_ID = "ac", "at", "rt", "ar"
REQUEST_URI = "urn:ietf:params:oauth:request_uri:"
_RANDOM = re.compile(r"[0-7][A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the row of a value stands."""

    slot: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class Binding:
    """What a token is bound to: the thumbprint of a DPoP key (RFC 9449) or of a certificate
    (RFC 8705); exactly one of them, the other is empty.
    """

    jkt: str = ""
    x5t: str = ""


def mint(kind: str, at: datetime) -> tuple[str, Place]:
    """A new value of a kind, and its place."""
    slot = slot_at(at)
    value = f"{kind}{slot}{secrets.token_urlsafe(32)}"
    return value, Place(slot, digest(value))


def place_of(kind: str, value: str) -> Place | None:
    """The place of a value of this kind; None when it cannot be one of ours."""
    rest = value.removeprefix(kind)
    if len(rest) == len(value) or not _RANDOM.fullmatch(rest):
        return None
    return Place(int(rest[0]), digest(value))


def slot_at(at: datetime) -> int:
    """The slot of an instant's hour."""
    return int(at.timestamp()) // HOUR_SECONDS % SLOTS


def digest(value: str) -> bytes:
    """SHA-256 of a value: what the database keeps of it."""
    return hashlib.sha256(value.encode()).digest()
