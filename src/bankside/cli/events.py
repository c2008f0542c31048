"""`bankside events`: what could not be delivered, and delivering it again."""

from dataclasses import asdict

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, fail, table
from bankside.kernel import outbox
from bankside.kernel.db import transaction

COLUMNS = ["event_id", "type", "object_id", "attempts", "last_error"]


async def dead(installation: Installation, *, as_json: bool) -> int:
    """List the events that were given up."""
    async with installation.pool() as pool, pool.acquire() as db:
        rows = [asdict(each) for each in await outbox.dead_letters(db)]
    emit(rows, as_json=as_json, text=lambda: table(rows, COLUMNS) if rows else "none")
    return DONE


async def replay(installation: Installation, event: str, *, as_json: bool) -> int:
    """Queue one dead event, or all of them, for delivery with the ids they had."""
    at = installation.clock.now()
    async with installation.pool() as pool, transaction(pool) as db:
        if event == "all":
            count = await outbox.replay_dead(db, at=at)
        else:
            count = await outbox.replay_one(db, event, at=at)
            if not count:
                fail(f"there is no event {event} to deliver again", REFUSED)
    emit({"replayed": count}, as_json=as_json, text=lambda: f"{count} events queued again")
    return DONE
