"""Use cases of the revocations slice. Times are the database's own, so no edge's clock counts."""

import asyncio
from datetime import timedelta

from bankside.identity.revocations import store
from bankside.identity.revocations.errors import RevocationUnconfirmed
from bankside.identity.revocations.model import LEASE, Revocation
from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Connection, Pool

# An edge hears at once and answers within some milliseconds.
_LOOK_SECONDS = 0.01
# A lease is over after one second; whoever still answers then neither applies nor lapses.
_WAIT_SECONDS_MAX = 5.0
# An edge that comes back after longer forgets all tokens instead of catching up.
_KEPT = timedelta(hours=1)
BATCH = 1_000


async def renew_lease(db: Connection, edge: str, applied: int) -> None:
    """The edge may answer for a ``LEASE`` from now; whoever revokes waits for it that long.

    The edge counts its own second from *before* it calls this, and believes it only after it has
    looked for revocations once more: then no revocation was acknowledged in between unseen.
    """
    await store.renew(db, edge, applied, LEASE)


async def revocations_since(db: Connection, applied: int) -> tuple[list[Revocation], bool]:
    """Up to ``BATCH`` revocations after ``applied``, and whether any before them are missing."""
    head, found = await store.since(db, applied, BATCH)
    missing = found[0].seq != applied + 1 if found else head > applied
    return found, missing


async def last_revocation(db: Connection) -> int:
    """The last number given: what an edge that remembers nothing knows already."""
    return await store.head(db)


async def end_lease(db: Connection, edge: str) -> None:
    """The edge has stopped: nobody waits for it."""
    await store.end(db, edge)


async def applied_everywhere(pool: Pool) -> None:
    """Every edge with a live lease has applied what was revoked before this call.

    Call it after the commit of a revocation and before it is acknowledged. Raises
    RevocationUnconfirmed.
    """
    async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
        seq = await store.head(db)
        behind = await store.behind(db, seq)
    try:
        async with asyncio.timeout(_WAIT_SECONDS_MAX):
            while behind:
                await asyncio.sleep(_LOOK_SECONDS)
                # A connection for each look: many who revoke at once must not starve one another.
                async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
                    behind = await store.behind(db, seq)
    except TimeoutError as error:
        raise RevocationUnconfirmed(retry_after=1) from error


async def forget_revocations(db: Connection) -> None:
    """What every edge has known for long is removed. A worker calls this every few minutes."""
    await store.forget(db, _KEPT)
