"""`bankside app block` and `bankside app unblock`: an app's calls end, on every edge, at once."""

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, emit
from bankside.identity import block_client
from bankside.identity.revocations import applied_everywhere
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.partners import unblock_app


async def block(
    installation: Installation, partner: str, app: str, reason: str, *, as_json: bool
) -> int:
    """Signed calls are refused from the snapshot that is published here on, tokens are dead."""
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            await block_client(db, installation.clock, partner, app, reason=reason)
        await installation.publish(pool)
        await applied_everywhere(pool)
    emit({"app": app, "status": "blocked"}, as_json=as_json, text=lambda: f"{app} is blocked")
    return DONE


async def unblock(
    installation: Installation, partner: str, app: str, reason: str, *, as_json: bool
) -> int:
    """The app may sign and ask for tokens again; old access tokens stay dead."""
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            await unblock_app(db, installation.clock, PartnerId(partner), app, reason=reason)
        await installation.publish(pool)
    emit({"app": app, "status": "active"}, as_json=as_json, text=lambda: f"{app} is active")
    return DONE
