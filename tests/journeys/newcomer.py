"""A partner who arrives while the platform runs: an app with fresh keys on every wire."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.journeys.dialects import Dialect, Native, Party, Wish
from tests.journeys.parties import FORM_WIRES, bank_verifier
from tests.journeys.raw import Heard, send
from tests.platform import Platform

from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der, signer
from bankside.partners import (
    NewApp,
    NewKey,
    block_app,
    create_app,
    create_partner,
    register_key,
    subscribe,
)

# The worker publishes within a second; a loaded machine takes longer.
PUBLISHED_SECONDS = 20.0
# Of the edge, as `tests.platform` starts it.
WORKERS = 2
NATIVE_ALG = "ecdsa-p256-sha256"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the newcomer agreed on."""

    products: Sequence[str]
    rate_per_second: int = 1_000
    burst: int = 1_000
    environment: Literal["sandbox", "live"] = "sandbox"


@dataclass(frozen=True)
class Newcomer:
    """Who it is, and its client of each dialect."""

    partner: str
    app: str
    dialects: tuple[Dialect, ...]


def arrives(platform: Platform, terms: Terms) -> Newcomer:
    """The newcomer, once every edge worker knows its app."""
    keys = {NATIVE_ALG: generate(NATIVE_ALG), "rsa-sha256": generate("rsa-sha256")}
    newcomer = asyncio.run(_registered(platform, terms, keys))
    _seen_by_all(platform, newcomer, lambda heard: heard.status != 401)
    return newcomer


def blocked(platform: Platform, newcomer: Newcomer) -> None:
    """The bank blocks the app; returns once no edge worker lets it in."""
    asyncio.run(_block(platform, newcomer))
    _seen_by_all(platform, newcomer, lambda heard: b"app.blocked" in heard.body)


def _seen_by_all(platform: Platform, newcomer: Newcomer, changed: Callable[[Heard], bool]) -> None:
    """Wait until every worker answers by the new snapshot."""
    # What is not subscribed is refused before the rate is asked: nothing of the burst is used up.
    wish = Wish(operation="hold")
    deadline = time.monotonic() + PUBLISHED_SECONDS
    # The first half of a request id is its worker's own.
    knowing: set[str] = set()
    while len(knowing) < WORKERS:
        heard = send(platform.edge, newcomer.dialects[0].message(wish))
        if changed(heard):
            knowing.add(heard.headers["x-request-id"][:16])
        assert time.monotonic() < deadline, f"nothing was published\n{platform.logs()}"


async def _block(platform: Platform, newcomer: Newcomer) -> None:
    async def blocked(pool: Pool) -> None:
        async with transaction(pool) as db:
            of, app = PartnerId(newcomer.partner), newcomer.app
            await block_app(db, SystemClock(), of, app, reason="a journey")

    await platform.in_database(blocked)


async def _registered(platform: Platform, terms: Terms, keys: dict[str, bytes]) -> Newcomer:
    clock, vault = SystemClock(), Vault.at(platform.home)
    wires = [("native", NATIVE_ALG), *((wire, "rsa-sha256") for wire in FORM_WIRES)]
    new = NewApp(
        name="新来者",
        environment=terms.environment,
        rate_per_second=terms.rate_per_second,
        burst=terms.burst,
    )

    async def registered(pool: Pool) -> tuple[str, str, dict[str, str]]:
        async with transaction(pool) as db:
            partner = await create_partner(db, clock, name_zh="新来者", name_en="Newcomer")
            app = await create_app(db, clock, partner.id, new)
            await subscribe(db, clock, partner.id, app.id, terms.products)
            ids = {}
            for wire, alg in wires:
                key = NewKey(wire=wire, alg=alg, material=public_der(keys[alg]))
                ids[wire] = (await register_key(db, clock, vault, partner.id, app.id, key)).id
        return partner.id, app.id, ids

    partner, app, ids = await platform.in_database(registered)
    dialects = [_dialect(platform, wire, keys[alg], (app, ids[wire], alg)) for wire, alg in wires]
    return Newcomer(partner, app, tuple(dialects))


def _dialect(platform: Platform, wire: str, key: bytes, who: tuple[str, str, str]) -> Dialect:
    app, key_id, alg = who
    bank = platform.demo["bank_keys"][wire]
    trusted = bank_verifier(bank["alg"], bank["public_key_file"])
    sign = signer(alg, key)
    party = Party(
        app_id=app,
        key_id=key_id,
        alg=alg,
        sign=sign,
        forge=sign,
        trusted={wire: trusted, (bank["key_id"], bank["alg"]): trusted},
        payment={"merchant": "mch_00000000000000000000000000", "payer_token": "280000000000000999"},
    )
    return Native(party) if wire == "native" else FORM_WIRES[wire](party)
