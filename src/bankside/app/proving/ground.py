"""The ground of a proof: a partner's app with a key for every wire, and a data space of its own.

Always true: what a proof does stays in its space; the space is written down before anything is
called and removed afterwards (its app is blocked, its keys are revoked, it holds no product), and
one that a killed run left is removed by the next. What was booked stays in the books, as it must.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from bankside.app.acting import act_as
from bankside.app.publish import catalogue, publish_snapshot
from bankside.catalog import lifecycle, subscribe
from bankside.catalog.lifecycle import ProductVersion
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.errors import NotFound
from bankside.kernel.ids import PartnerId, derived_id
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Signer, generate, public_der, signer
from bankside.partners import (
    NewApp,
    NewKey,
    block_app,
    create_app,
    create_partner,
    list_keys,
    list_subscriptions,
    read_partner,
    register_key,
    revoke_key,
    unsubscribe,
)

# One partner an installation: the same id for ever.
PARTNER: Final = PartnerId(derived_id("partner", "bankside", "product proofs"))
# As fast as the client is; the ceiling of `partners.apps`.
RATE_PER_SECOND = 50_000
# A run takes a minute; what is open for longer was killed.
LEFT_BEHIND = timedelta(hours=1)
ALGORITHMS: Final[Mapping[str, str]] = {
    "native": "ecdsa-p256-sha256",
    "icbc": "rsa-sha256",
    "alipay": "rsa-sha256",
    "alipay3": "rsa-sha256",
}


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls on one wire."""

    app: str
    key: str
    alg: str
    sign: Signer


@dataclass(frozen=True, slots=True)
class Place:
    """Where a version is proven: its space, the identity on each wire, and who lives there."""

    space: str
    identities: Mapping[str, Identity]
    people: Mapping[str, Any]


@asynccontextmanager
async def ground(
    home: Path, pool: Pool, clock: Clock, version: ProductVersion
) -> AsyncIterator[Place]:
    """A ground for one version, removed at the end. Raises what a contract on it may be refused."""
    vault = Vault.at(home)
    await _clear(pool, clock)
    private = {alg: generate(alg) for alg in sorted(set(ALGORITHMS.values()))}
    async with transaction(pool) as db:
        app, keys = await _app(db, clock, vault, version, private)
    try:
        told = await act_as(pool, clock, vault, (app, "platform.spaces.create"), {"app": app})
        space = PartnerId(told["space"])
        kept = lifecycle.Ground(space, PARTNER, app, version.product, version.version)
        async with transaction(pool) as db:
            await lifecycle.open_ground(db, version, kept, clock.now())
        await publish_snapshot(home, pool, clock)
        people = await act_as(pool, clock, vault, (app, "platform.people.query"), {})
        identities = {
            wire: Identity(app, keys[wire], alg, signer(alg, private[alg]))
            for wire, alg in ALGORITHMS.items()
        }
        yield Place(space, identities, people)
    finally:
        await _closed(pool, clock, app)
        await publish_snapshot(home, pool, clock)


async def _app(
    db: Connection, clock: Clock, vault: Vault, version: ProductVersion, keys: Mapping[str, bytes]
) -> tuple[str, dict[str, str]]:
    """A sandbox app that holds the product, and the id of its key on each wire."""
    try:
        await read_partner(db, PARTNER)
    except NotFound:
        names = {"name_zh": "产品验证", "name_en": "Product proofs"}
        await create_partner(db, clock, partner_id=PARTNER, **names)
    new = NewApp(
        name=f"{version.product} {version.version}"[:80],
        rate_per_second=RATE_PER_SECOND,
        burst=RATE_PER_SECOND,
    )
    app = await create_app(db, clock, PARTNER, new)
    registered: dict[str, str] = {}
    for wire, alg in ALGORITHMS.items():
        key = NewKey(wire=wire, alg=alg, material=public_der(keys[alg]))
        registered[wire] = (await register_key(db, clock, vault, PARTNER, app.id, key)).id
    await subscribe(db, clock, catalogue(), app, [version.product])
    return app.id, registered


async def _clear(pool: Pool, clock: Clock) -> None:
    """Remove what killed runs left."""
    async with transaction(pool) as db:
        left = await lifecycle.open_grounds(db, clock.now() - LEFT_BEHIND)
        for each in left:
            await _remove(db, clock, PartnerId(each.space), each.app)
            await lifecycle.close_ground(db, each.space, clock.now())


async def _closed(pool: Pool, clock: Clock, app: str) -> None:
    """The app calls no more, wherever it stands by now."""
    async with transaction(pool) as db:
        mine = [each for each in await lifecycle.open_grounds(db) if each.app == app]
        await _remove(db, clock, PartnerId(mine[0].space if mine else PARTNER), app)
        for each in mine:
            await lifecycle.close_ground(db, each.space, clock.now())


async def _remove(db: Connection, clock: Clock, owner: PartnerId, app: str) -> None:
    for key in await list_keys(db, owner, app):
        if key.is_active(clock.now()):
            await revoke_key(db, clock, owner, app, key.id)
    held = await list_subscriptions(db, owner, app)
    if held:
        await unsubscribe(db, clock, owner, app, held)
    await block_app(db, clock, owner, app, reason="the proof is done")
