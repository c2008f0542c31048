"""What the catalogue needs of this room to compile a snapshot."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from bankside.kernel.clock import NO_TIME, Clock
from bankside.kernel.db import Connection
from bankside.kernel.snapshot import App, Key
from bankside.partners.apps import every as every_app
from bankside.partners.apps import every_subscription
from bankside.partners.keys import CONTENT_ALGORITHM, AppKey, every_active, every_answer_key
from bankside.partners.platform_keys import every as every_platform_key
from bankside.partners.sandboxes import announced_loads, moved_clocks
from bankside.partners.tenants import tokens as every_token

# The end of time of a key without one; far beyond any clock, within a 64-bit integer.
_NO_END = 2**40
_NO_LOAD = (0, datetime.fromtimestamp(0, UTC))


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """All apps with their keys, products and tenants, and the bank's keys, at one instant.

    ``scopes`` of the apps are empty: what a product asks for is the catalogue's knowledge.
    """

    apps: Mapping[str, App]
    platform_keys: Mapping[str, Key]
    default_answer_keys: Mapping[str, str]


async def snapshot_view(db: Connection, clock: Clock) -> SnapshotView:
    """The view of this transaction; keys that have ended are left out.

    Blocked apps and apps of blocked partners are in it as inactive: the edge tells them so after
    their signature was verified, and nobody else.
    """
    verifying, content = _by_app(await every_active(db, clock.now()))
    own = [
        key
        for key in await every_platform_key(db)
        if key.wire != "snapshot" and key.retired_at is None
    ]
    answers: dict[str, dict[str, str]] = defaultdict(dict)
    for app_id, wire, key_id in await every_answer_key(db):
        # A retired key signs nothing: its apps fall back to the default of the wire.
        if any(key.id == key_id for key in own):
            answers[app_id][wire] = key_id
    tokens: dict[str, dict[str, str]] = defaultdict(dict)
    for partner, tenant, token_hash in await every_token(db):
        tokens[partner][token_hash.hex()] = tenant
    products = await every_subscription(db)
    ahead = await moved_clocks(db)
    loads = await announced_loads(db, clock)
    return SnapshotView(
        apps={
            each.id: App(
                id=each.id,
                partner=each.partner,
                environment=each.environment,
                active=active,
                products=frozenset(products.get(each.id, ())),
                rate_per_second=each.rate_per_second,
                burst=each.burst,
                keys=verifying.get(each.id, {}),
                content_keys=content.get(each.id, {}),
                answer_keys=answers.get(each.id, {}),
                tenants=tokens.get(each.partner, {}),
                load_rate=loads.get(each.partner, _NO_LOAD)[0],
                load_until=_epoch(loads.get(each.partner, _NO_LOAD)[1]),
                ahead_s=int(ahead.get(each.partner, NO_TIME).total_seconds()),
            )
            for each, active in await every_app(db)
        },
        platform_keys={
            key.id: Key(key.id, key.alg, key.sealed, _epoch(key.created_at)) for key in own
        },
        default_answer_keys={key.wire: key.id for key in own if key.is_default},
    )


_ByWire = dict[str, tuple[Key, ...]]


def _by_app(registered: list[AppKey]) -> tuple[dict[str, _ByWire], dict[str, _ByWire]]:
    """App id to its verifying keys by wire, and the same of its content keys."""
    verifying: dict[str, _ByWire] = defaultdict(dict)
    content: dict[str, _ByWire] = defaultdict(dict)
    for each in registered:
        kind = content if each.alg == CONTENT_ALGORITHM else verifying
        end = _NO_END if each.not_after is None else _epoch(each.not_after)
        key = Key(each.id, each.alg, each.material, _epoch(each.not_before), end)
        wires = kind[each.app]
        wires[each.wire] = (*wires.get(each.wire, ()), key)
    return verifying, content


def _epoch(instant: datetime) -> int:
    return math.floor(instant.timestamp())
