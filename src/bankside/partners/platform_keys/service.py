"""Use cases of the platform keys slice."""

import hashlib

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import ALGORITHMS, generate, public_der, signer
from bankside.partners.platform_keys import store
from bankside.partners.platform_keys.errors import (
    DefaultKeyInUse,
    PlatformKeyExists,
    PlatformKeyUnknown,
    WireUnknown,
)
from bankside.partners.platform_keys.model import ANSWER_ALGORITHMS, NewPlatformKey, PlatformKey


async def ensure_platform_keys(db: Connection, clock: Clock, vault: Vault) -> list[PlatformKey]:
    """Every wire has a default key, and so has the snapshot; the keys that already stand stay."""
    await store.lock(db)
    covered = {key.wire for key in await store.every(db) if key.is_default}
    for wire, alg in ANSWER_ALGORITHMS.items():
        if wire not in covered:
            new = NewPlatformKey(wire=wire, alg=alg, is_default=True)
            await create_platform_key(db, clock, vault, new)
    return await store.every(db)


async def create_platform_key(
    db: Connection, clock: Clock, vault: Vault, new: NewPlatformKey
) -> PlatformKey:
    """A key pair of the bank, its private part sealed; the wire's default when asked.

    Raises PlatformKeyExists, WireUnknown, and ``key.invalid`` for a bad or weak private key.
    """
    if new.wire not in ANSWER_ALGORITHMS or new.alg not in ALGORITHMS or new.alg == "hmac-sha256":
        raise WireUnknown(f"the bank signs nothing with {new.alg} on wire {new.wire}")
    await store.lock(db)
    private = new.private if new.private is not None else generate(new.alg)
    signer(new.alg, private)  # raises when the bytes are no key of that algorithm
    public = public_der(private)
    number = sum(key.wire == new.wire for key in await store.every(db)) + 1
    key_id = new.id or f"bank-{new.wire}-{number}"
    key = PlatformKey(
        id=key_id,
        wire=new.wire,
        alg=new.alg,
        public_der=public,
        sealed=vault.seal(private, purpose=f"key:{key_id}"),
        fingerprint=hashlib.sha256(public).digest(),
        is_default=False,
        created_at=clock.now(),
    )
    if not await store.insert(db, key):
        raise PlatformKeyExists(f"the bank already has a key {key_id}")
    if new.is_default:
        await store.set_default(db, key)
    return await read_platform_key(db, key_id)


async def read_platform_key(db: Connection, key_id: str) -> PlatformKey:
    """The key, or PlatformKeyUnknown."""
    found = await store.find(db, key_id)
    if found is None:
        raise PlatformKeyUnknown(f"the bank has no key {key_id}")
    return found


async def make_default(db: Connection, key_id: str) -> None:
    """Answers on the key's wire are signed by it from the next snapshot on."""
    await store.lock(db)
    await store.set_default(db, await read_platform_key(db, key_id))


async def retire(db: Connection, clock: Clock, key_id: str) -> None:
    """The key leaves the snapshot. Raises DefaultKeyInUse for the default of a wire."""
    await store.lock(db)
    if (await read_platform_key(db, key_id)).is_default:
        raise DefaultKeyInUse(f"{key_id} still signs the answers of its wire")
    await store.retire(db, key_id, clock.now())


def private_key(vault: Vault, key: PlatformKey) -> bytes:
    """The DER PKCS#8 private key. Raises SealBroken under another installation's KEK."""
    return vault.open(key.sealed, purpose=f"key:{key.id}")
