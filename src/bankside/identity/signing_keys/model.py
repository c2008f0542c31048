"""A signing key as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bankside.kernel.secrets import Vault

Status = Literal["next", "active", "retired"]

# How long clients may keep our key set; a key is published at least this long before it signs.
KEYS_CACHE_SECONDS = 300
# The longest life of what we sign (id_token) and, with room for clocks, of its verification.
SIGNED_SECONDS_MAX = 600


@dataclass(frozen=True, slots=True)
class Minter:
    """Who signs as this server: the vault that opens its active key, under the issuer's name."""

    vault: Vault
    issuer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """One key pair: ``public_jwk`` is what clients see, ``sealed`` the DER PKCS#8 private part."""

    kid: str
    public_jwk: Mapping[str, Any]
    sealed: bytes = field(repr=False)
    status: Status
    created_at: datetime
    retired_at: datetime | None = None

    def is_published(self, at: datetime) -> bool:
        """Whether clients may still need it."""
        if self.retired_at is None:
            return True
        return at < self.retired_at + timedelta(seconds=SIGNED_SECONDS_MAX)
