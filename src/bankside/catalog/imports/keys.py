"""Idempotency keys of forwarded writes, kept over workers and restarts.

Always true: one call at a time holds a key; a call that never came back makes its key unknown, not
free; a first answer is given again for seven days. Source: reliability guide section 3.
"""

from datetime import timedelta

from bankside.catalog.imports import store_keys
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.idempotency import Begun, KeyScope

# Longer than any forwarded call may take: who holds a key for longer is gone.
RUNNING_SECONDS_MAX = 120
KEYS_KEPT_DAYS = 7
FORGET_AT_ONCE = 10_000


class ForwardedKeys:
    """The keys of one installation."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def begin(self, scope: KeyScope, request_hash: bytes, *, may_resume: bool) -> Begun:
        """Take the key when it is free; else how it stands, with status and answer."""
        now = self._clock.now()
        async with transaction(self._pool) as db:
            if await store_keys.take(db, scope, request_hash, now):
                return Begun("fresh")
            row = await store_keys.found(db, scope)
            if row is None:
                return Begun("running")  # Freed between the two statements: ask again.
            if row.request_hash != request_hash:
                return Begun("other")
            if row.state == "answered":
                return Begun("answered", row.status, row.answer)
            is_held = (now - row.began_at).total_seconds() < RUNNING_SECONDS_MAX
            if row.state == "running" and is_held:
                return Begun("running")
            if not may_resume:
                return Begun("unknown")
            await store_keys.resume(db, scope, now)
        return Begun("fresh")

    async def answered(self, scope: KeyScope, status: int, answer: bytes) -> None:
        """Keep the first answer."""
        async with self._pool.acquire() as db:
            await store_keys.settle(db, scope, "answered", status, answer)

    async def unknown(self, scope: KeyScope) -> None:
        """Nobody knows what came of it."""
        async with self._pool.acquire() as db:
            await store_keys.settle(db, scope, "unknown")

    async def free(self, scope: KeyScope) -> None:
        """Nothing happened: the key may be used again."""
        async with self._pool.acquire() as db:
            await store_keys.drop(db, scope)


async def forget_keys(db: Connection, clock: Clock) -> int:
    """Forget keys older than what partners are promised; how many went."""
    before = clock.now() - timedelta(days=KEYS_KEPT_DAYS)
    return await store_keys.forget_before(db, before, limit=FORGET_AT_ONCE)
