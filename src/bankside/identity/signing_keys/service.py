"""Use cases of the signing keys slice."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from joserfc.jwk import ECKey

from bankside.identity import jose
from bankside.identity.signing_keys import store
from bankside.identity.signing_keys.errors import NextKeyTooYoung
from bankside.identity.signing_keys.model import KEYS_CACHE_SECONDS, SigningKey, Status
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.secrets import Vault

ALGORITHM = "ES256"


async def ensure_keys(db: Connection, clock: Clock, vault: Vault) -> list[SigningKey]:
    """There is an active and a next key; all keys, oldest first."""
    found = await store.every(db)
    if {"active", "next"} <= {key.status for key in found}:
        return found
    await store.lock(db)
    standing = {key.status for key in await store.every(db)}
    missing: list[Status] = [each for each in ("active", "next") if each not in standing]
    for status in missing:
        await store.insert(db, _generated(clock, vault, status))
    return await store.every(db)


async def published_keys(db: Connection, clock: Clock, vault: Vault) -> list[Mapping[str, Any]]:
    """The public keys clients need now, as JWKs."""
    keys = await ensure_keys(db, clock, vault)
    return [key.public_jwk for key in keys if key.is_published(clock.now())]


async def rotate_keys(db: Connection, clock: Clock, vault: Vault) -> list[SigningKey]:
    """The next key signs from now on, and a new next one is published; all keys, oldest first.

    Raises NextKeyTooYoung while clients may hold a key set without the next key.
    """
    await store.lock(db)
    keys = await ensure_keys(db, clock, vault)
    following = next(key for key in keys if key.status == "next")
    if clock.now() < following.created_at + timedelta(seconds=KEYS_CACHE_SECONDS):
        raise NextKeyTooYoung(f"wait until it stood for {KEYS_CACHE_SECONDS} s")
    await store.retire_active(db, clock.now())
    await store.promote_next(db)
    await store.insert(db, _generated(clock, vault, "next"))
    return await store.every(db)


async def sign(
    db: Connection, clock: Clock, vault: Vault, claims: Mapping[str, Any], *, typ: str = "JWT"
) -> str:
    """A JWT of the type ``typ`` over ``claims`` under the active key."""
    keys = await ensure_keys(db, clock, vault)
    active = next(key for key in keys if key.status == "active")
    private = ECKey.import_key(vault.open(active.sealed, purpose=f"key:{active.kid}"))
    return jose.signed({"alg": ALGORITHM, "typ": typ, "kid": active.kid}, claims, private)


def _generated(clock: Clock, vault: Vault, status: Status) -> SigningKey:
    key = ECKey.generate_key("P-256", private=True)
    kid = key.thumbprint()
    public = {**key.as_dict(private=False), "kid": kid, "alg": ALGORITHM, "use": "sig"}
    return SigningKey(
        kid=kid,
        public_jwk=public,
        sealed=vault.seal(key.as_der(private=True), purpose=f"key:{kid}"),
        status=status,
        created_at=clock.now(),
    )
