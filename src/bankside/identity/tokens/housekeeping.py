"""Expired state leaves by emptying whole partitions, never row by row."""

import asyncpg

from bankside.identity.revocations import forget_revocations
from bankside.identity.tokens import store
from bankside.identity.values import HOUR_SECONDS, SLOTS
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

KINDS = (
    "pushed_requests",
    "interactions",
    "authorisation_codes",
    "assertion_jtis",
    "proof_jtis",
    "access_tokens",
    "ciba_requests",
)
# Nothing lives longer than 600 s, so the hour before this one holds the last live values. Two hours
# on both sides are kept, for processes whose clocks differ.
KEPT_HOURS = 2
# Small enough to stay far below 50 ms; what is left goes with the next run.
REFRESH_TOKENS_MAX = 500


async def drop_expired(db: Connection, clock: Clock) -> int:
    """Empty the partitions whose values have all expired; how many were emptied.

    ``db`` is in no transaction: each partition is emptied on its own, one that is in use is left
    for the next run. A worker calls this every few minutes.
    """
    hour = int(clock.now().timestamp()) // HOUR_SECONDS
    kept = {(hour + away) % SLOTS for away in range(-KEPT_HOURS, KEPT_HOURS + 1)}
    emptied = 0
    for kind in KINDS:
        for slot in set(range(SLOTS)) - kept:
            try:
                emptied += await store.clear_slot(db, kind, slot)
            except asyncpg.LockNotAvailableError:
                continue
    await store.delete_refresh(db, clock.now(), REFRESH_TOKENS_MAX)
    await forget_revocations(db)
    return emptied
