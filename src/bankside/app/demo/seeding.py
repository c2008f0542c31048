"""Seeds the demo bank: partners with their apps and keys, then each partner's data space.

Every object is looked up first and made only when it is not there, so an installation that has the
demo gets what a newer version added, and nothing twice.
"""

from pathlib import Path
from typing import Any

from bankside.app.demo.clients import seed_clients
from bankside.app.demo.contracts import Ground, bank_key_facts, seed_partner
from bankside.app.demo.dataspace import Authenticators, seed_data_space
from bankside.app.demo.people import seed_people
from bankside.app.demo.spec import bank_spec, demo_id
from bankside.app.publish import catalogue
from bankside.identity.realms import BANK, Realm
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.secrets import Vault
from bankside.partners import ensure_platform_keys, snapshot_view


async def seed(pool: Pool, vault: Vault, clock: Clock, home: Path) -> dict[str, Any]:
    """The demo stands; all that ``demo.json`` tells of it, without the addresses."""
    spec = bank_spec()
    facts: dict[str, Any] = {
        name: []
        for name in (
            *("bank_keys", "apps", "oauth_clients"),
            *("customers", "merchants", "payer_tokens"),
            *("staff", "partner_users"),
        )
    }
    async with transaction(pool) as db:
        ground = await _ground(db, vault, clock, home)
        facts["bank_keys"] = ground.bank_keys
        for partner in spec.partners:
            facts["apps"] += await seed_partner(ground, partner)
            facts["oauth_clients"] += await seed_clients(ground, partner)
    factors = Authenticators(vault, home)
    for partner in spec.partners:
        async with transaction(pool) as db:
            told = await seed_data_space(db, clock, factors, spec, partner)
        for name, rows in told.items():
            facts[name] += rows
    async with transaction(pool) as db:
        facts["staff"] = await seed_people(db, clock, factors, Realm.STAFF, BANK, spec.staff)
        for partner in spec.partners:
            space = demo_id("partner", partner.key)
            facts["partner_users"] += await seed_people(
                db, clock, factors, Realm.PARTNER, space, partner.users
            )
    return facts


async def _ground(db: Connection, vault: Vault, clock: Clock, home: Path) -> Ground:
    platform = await ensure_platform_keys(db, clock, vault)
    view = await snapshot_view(db, clock)
    return Ground(
        db=db,
        clock=clock,
        vault=vault,
        home=home,
        shelf=catalogue(),
        tokens=frozenset(token for app in view.apps.values() for token in app.tenants),
        bank_keys=bank_key_facts(home, platform),
    )
