"""`bankside return-address`: where an app's payers may be sent back to from a hosted page."""

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, emit
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.partners import (
    add_return_address,
    home_of,
    remove_return_address,
    return_addresses,
)


async def add(
    installation: Installation, partner: str, app: str, address: str, *, as_json: bool
) -> int:
    """Payers may be sent to the address and below it from now on."""
    async with installation.pool() as pool, transaction(pool) as db:
        home = await home_of(db, PartnerId(partner), app)
        await add_return_address(db, installation.clock, home, app, address)
        known = await return_addresses(db, home, app)
    return _told(app, known, as_json=as_json)


async def remove(
    installation: Installation, partner: str, app: str, address: str, *, as_json: bool
) -> int:
    """Nobody is sent there any more."""
    async with installation.pool() as pool, transaction(pool) as db:
        home = await home_of(db, PartnerId(partner), app)
        await remove_return_address(db, installation.clock, home, app, address)
        known = await return_addresses(db, home, app)
    return _told(app, known, as_json=as_json)


async def listed(installation: Installation, partner: str, app: str, *, as_json: bool) -> int:
    """The app's addresses."""
    async with installation.pool() as pool, pool.acquire() as db:
        home = await home_of(db, PartnerId(partner), app)
        known = await return_addresses(db, home, app)
    return _told(app, known, as_json=as_json)


def _told(app: str, known: list[str], *, as_json: bool) -> int:
    emit(
        {"app": app, "return_addresses": known},
        as_json=as_json,
        text=lambda: "\n".join(known) or "none",
    )
    return DONE
