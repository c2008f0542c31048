"""The keys of one app on one wire, for whoever speaks to it outside a call of its own."""

from dataclasses import dataclass

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId
from bankside.partners.keys import CONTENT_ALGORITHM, AppKey, list_keys
from bankside.partners.keys.store import answer_key
from bankside.partners.platform_keys import PlatformKey, PlatformKeyUnknown
from bankside.partners.platform_keys import every as every_platform_key


@dataclass(frozen=True, slots=True, kw_only=True)
class WireKeys:
    """``bank`` signs what we say; ``verifying`` proves what the app says; ``content`` encrypts,
    newest first.
    """

    bank: PlatformKey
    verifying: tuple[AppKey, ...]
    content: tuple[AppKey, ...]


async def wire_keys(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, wire: str
) -> WireKeys:
    """The keys that are good now. Raises AppUnknown, PlatformKeyUnknown."""
    now = clock.now()
    keys = [each for each in await list_keys(db, of, app_id) if each.wire == wire]
    active = [each for each in reversed(keys) if each.is_active(now)]
    own = [k for k in await every_platform_key(db) if k.wire == wire and k.retired_at is None]
    chosen = await answer_key(db, of, keys[0].app, wire) if keys else None
    # As in the snapshot: a retired choice falls back to the wire's default.
    bank = next((k for k in own if k.id == chosen), None) or next(
        (k for k in own if k.is_default), None
    )
    if bank is None:
        raise PlatformKeyUnknown(f"the bank has no key on wire {wire}")
    return WireKeys(
        bank=bank,
        verifying=tuple(each for each in active if each.alg != CONTENT_ALGORITHM),
        content=tuple(each for each in active if each.alg == CONTENT_ALGORITHM),
    )
