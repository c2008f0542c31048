"""A passkey, whose it is, where it counts, and the challenge it answers."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from ipaddress import ip_address
from urllib.parse import urlsplit

from bankside.identity.realms import Realm
from bankside.kernel.ids import PasskeyId


class Ceremony(StrEnum):
    """What a challenge is for; one of them never answers for the other."""

    REGISTER = "register"
    SIGN_IN = "sign_in"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """Where passkeys count: a domain (``id``) and the one origin whose pages may ask for them."""

    id: str
    origin: str

    @classmethod
    def of(cls, address: str) -> "RelyingParty | None":
        """The relying party of our public address; None where browsers allow no passkeys.

        A passkey is bound to a domain, never to a number (WebAuthn section 5.1.2); this machine has
        the name ``localhost`` beside its number.
        """
        parts = urlsplit(address)
        host = parts.hostname or ""
        try:
            number = ip_address(host)
        except ValueError:
            return cls(host, address)
        if not number.is_loopback:
            return None
        port = f":{parts.port}" if parts.port else ""
        return cls("localhost", f"{parts.scheme}://localhost{port}")


@dataclass(frozen=True, slots=True)
class Holder:
    """A person, and what its passkeys are called on its devices."""

    realm: Realm
    partner: str
    person: str
    login: str

    @property
    def handle(self) -> bytes:
        """What the authenticator keeps and gives back; ids only (WebAuthn section 5.4.3)."""
        return f"{self.partner}/{self.person}".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A new passkey as its browser sends it, and the name its person gives it."""

    answer: str
    name: str
    browser: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """A passkey as stored; ``public_key`` is a COSE key, ``flagged_at`` when it looked copied."""

    partner: str
    id: PasskeyId
    person: str
    name: str
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]
    created_at: datetime
    used_at: datetime | None
    flagged_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What a browser was asked to answer; ``person`` is empty when anybody may."""

    value: bytes
    ceremony: Ceremony
    realm: Realm
    partner: str
    person: str
