"""Lets one task at a time work on a thing (an order, an idempotency key) within this process.

Between processes the database decides (``journal_one_writer``, ``idempotency_key_once``); this only
spares the racing calls of one process from undoing each other's batches.
"""

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Occupied(Exception):
    """Somebody else held the thing for as long as one was ready to wait."""


class Turnstile:
    """Locks by name, each existing only while somebody holds or awaits it."""

    def __init__(self) -> None:
        self._locks: dict[Hashable, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def turn(self, name: Hashable, *, wait_seconds: float) -> AsyncIterator[None]:
        """Hold ``name`` for the block. Raises Occupied when it stays taken that long."""
        lock, waiting = self._locks.get(name, (asyncio.Lock(), 0))
        self._locks[name] = (lock, waiting + 1)
        try:
            try:
                async with asyncio.timeout(wait_seconds):
                    await lock.acquire()
            except TimeoutError as error:
                raise Occupied from error
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, waiting = self._locks[name]
            if waiting == 1:
                del self._locks[name]
            else:
                self._locks[name] = (lock, waiting - 1)
