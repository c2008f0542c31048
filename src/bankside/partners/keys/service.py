"""Use cases of the keys slice; each takes the partner as its scope and locks the app first."""

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import KeyId, PartnerId, is_reference, new_id
from bankside.kernel.secrets import Vault
from bankside.partners import events
from bankside.partners.apps import PartnerApp, locked, read_app
from bankside.partners.keys import store
from bankside.partners.keys.errors import (
    KeyExists,
    KeyUnknown,
    PlatformKeyRefused,
    RotationRunning,
)
from bankside.partners.keys.model import ROTATION_OVERLAP, SECRET_ALGORITHMS, AppKey, NewKey
from bankside.partners.keys.rules import checked_material, fingerprint
from bankside.partners.platform_keys import PlatformKeyUnknown, has_fingerprint, read_platform_key


async def register_key(
    db: Connection, clock: Clock, vault: Vault, of: PartnerId, app_id: str, new: NewKey
) -> AppKey:
    """The app's first key for a wire and algorithm is accepted from the next snapshot on.

    Raises AppUnknown, KeyExists (rotate instead), PlatformKeyRefused and the refusals of
    ``checked_material``.
    """
    material = checked_material(new)
    found = await locked(db, of, app_id)
    if await _active(db, clock, found, new):
        raise KeyExists(f"{app_id} has a {new.alg} key on wire {new.wire}; rotate it")
    key = await _insert(db, clock, vault, found, new, material)
    await _publish(db, clock, events.APP_KEY_REGISTERED, found, key)
    return key


async def rotate_key(
    db: Connection, clock: Clock, vault: Vault, of: PartnerId, app_id: str, new: NewKey
) -> AppKey:
    """A new key beside the present one, which ends in 7 days.

    Raises AppUnknown, KeyUnknown (nothing to rotate), RotationRunning, PlatformKeyRefused and the
    refusals of ``checked_material``.
    """
    material = checked_material(new)
    found = await locked(db, of, app_id)
    active = await _active(db, clock, found, new)
    if not active:
        raise KeyUnknown(f"{app_id} has no {new.alg} key on wire {new.wire} to rotate")
    if len(active) > 1:
        raise RotationRunning(f"{active[0].id} is accepted until {active[0].not_after}")
    key = await _insert(db, clock, vault, found, new, material)
    await store.end(db, of, found.id, active[0].id, clock.now() + ROTATION_OVERLAP)
    await _publish(db, clock, events.APP_KEY_ROTATED, found, key)
    return key


async def revoke_key(db: Connection, clock: Clock, of: PartnerId, app_id: str, key_id: str) -> None:
    """The key is refused from the next snapshot on. Raises AppUnknown, KeyUnknown."""
    found = await locked(db, of, app_id)
    key = next((each for each in await store.of_app(db, of, found.id) if each.id == key_id), None)
    if key is None:
        raise KeyUnknown(f"{app_id} has no key {key_id}")
    await store.revoke(db, of, found.id, key.id, clock.now())
    await _publish(db, clock, events.APP_KEY_REVOKED, found, key)


async def list_keys(db: Connection, of: PartnerId, app_id: str) -> list[AppKey]:
    """All keys the app ever had, oldest first; or AppUnknown."""
    return await store.of_app(db, of, (await read_app(db, of, app_id)).id)


async def choose_answer_key(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, key_id: str
) -> None:
    """Answers to the app, on the key's wire, are signed by this key of the bank from now on.

    Raises AppUnknown, PlatformKeyUnknown.
    """
    found = await locked(db, of, app_id)
    key = await read_platform_key(db, key_id)
    if key.retired_at is not None:
        raise PlatformKeyUnknown(f"the bank no longer signs with {key_id}")
    await store.choose_answer_key(db, of, found.id, key.wire, key.id)
    await events.publish(
        db,
        clock,
        events.APP_ANSWER_KEY_CHOSEN,
        of=(of, found.id, found.version),
        wire=key.wire,
        key=key.id,
    )


async def _active(db: Connection, clock: Clock, owner: PartnerApp, new: NewKey) -> list[AppKey]:
    now = clock.now()
    return [
        each
        for each in await store.of_app(db, owner.partner, owner.id)
        if (each.wire, each.alg) == (new.wire, new.alg) and each.is_active(now)
    ]


async def _insert(
    db: Connection, clock: Clock, vault: Vault, owner: PartnerApp, new: NewKey, material: bytes
) -> AppKey:
    mark = fingerprint(material)
    if await has_fingerprint(db, mark):
        raise PlatformKeyRefused
    key_id = KeyId(new.id or new_id("key", clock))
    key = AppKey(
        id=key_id,
        partner=owner.partner,
        app=owner.id,
        wire=new.wire,
        alg=new.alg,
        material=(
            vault.seal(material, purpose=f"key:{key_id}")
            if new.alg in SECRET_ALGORITHMS
            else material
        ),
        fingerprint=mark,
        not_before=clock.now(),
    )
    if not is_reference(key_id) or not await store.insert(db, key):
        raise KeyExists(f"the key id {key_id} is taken or malformed")
    return key


async def _publish(db: Connection, clock: Clock, fact: str, owner: PartnerApp, key: AppKey) -> None:
    await events.publish(
        db,
        clock,
        fact,
        of=(owner.partner, owner.id, owner.version),
        key=key.id,
        wire=key.wire,
        alg=key.alg,
        fingerprint=key.fingerprint.hex(),
    )
