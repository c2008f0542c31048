"""A partner who arrives while the platform runs: an app with fresh keys on every wire."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.journeys.dialects import Dialect, Native, Party, Wish
from tests.journeys.parties import FORM_WIRES, bank_verifier
from tests.journeys.raw import send
from tests.platform import Platform

from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool, transaction
from bankside.kernel.postgres import database
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der, signer
from bankside.partners import NewApp, NewKey, create_app, create_partner, register_key, subscribe

# The worker publishes within a second; a loaded machine takes longer.
PUBLISHED_SECONDS = 20.0
NATIVE_ALG = "ecdsa-p256-sha256"


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What the newcomer agreed on."""

    products: Sequence[str]
    rate_per_second: int = 1_000
    burst: int = 1_000


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
    # What is not subscribed is refused before the rate is asked: nothing of the burst is used up.
    wish = Wish(operation="hold")
    deadline = time.monotonic() + PUBLISHED_SECONDS
    # New connections land on either worker: several in a row know the app, then both do.
    known = 0
    while known < 12:
        message = newcomer.dialects[0].message(wish)
        known = 0 if send(platform.edge, message).status == 401 else known + 1
        assert time.monotonic() < deadline, f"the app was not published\n{platform.logs()}"
    return newcomer


async def _registered(platform: Platform, terms: Terms, keys: dict[str, bytes]) -> Newcomer:
    clock, vault = SystemClock(), Vault.at(platform.home)
    wires = [("native", NATIVE_ALG), *((wire, "rsa-sha256") for wire in FORM_WIRES)]
    with database(platform.home) as url:
        pool = await open_pool(url, size=1)
        try:
            async with transaction(pool) as db:
                partner = await create_partner(db, clock, name_zh="新来者", name_en="Newcomer")
                new = NewApp(
                    name="新来者", rate_per_second=terms.rate_per_second, burst=terms.burst
                )
                app = await create_app(db, clock, partner.id, new)
                await subscribe(db, clock, partner.id, app.id, terms.products)
                ids = {}
                for wire, alg in wires:
                    key = NewKey(wire=wire, alg=alg, material=public_der(keys[alg]))
                    ids[wire] = (await register_key(db, clock, vault, partner.id, app.id, key)).id
        finally:
            await pool.close()
    dialects = [
        _dialect(platform, wire, keys[alg], (app.id, ids[wire], alg)) for wire, alg in wires
    ]
    return Newcomer(partner.id, app.id, tuple(dialects))


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
