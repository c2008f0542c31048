"""RSA answers: signed in two threads, with a limit on how many wait and on what strangers may cost.

An RSA-2048 signature takes about 240 us, ten times what the rest of a call does: on the event loop
it would hold up every other call, and asking for one is free for a stranger. OpenSSL releases the
interpreter lock, so threads help; for everything faster the hop of 64 us would cost more.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from bankside.gateway.errors import SigningBusy
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.kernel.local_limits import LocalLimits

# Two threads sign 1.9 times as much as one; more only take the processor from the event loop.
THREADS = 2
# 256 waiting signatures are about 30 ms of both threads: longer, and deadlines begin to pass.
WAITING_MAX = 256
# Refusals to callers who proved nothing are signed too, but at most so many a second (12 % of a
# core) and at once; the rest of a flood goes out unsigned.
STRANGER_SIGNATURES = 500
STRANGER_SIGNATURES_BURST = 2_000


class SlowSigning:
    """Decides which answers are signed in a thread, and which not at all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="signing")
        self._limits = LocalLimits()
        self._waiting = 0

    def admit(self, x: Exchange, s: Serving) -> Refusal | None:
        """Refuse, before anything is executed, what could not be signed in time."""
        if self._waiting >= WAITING_MAX and _is_slow(x, s):
            x.unsigned = True
            return Refusal.of(SigningBusy(retry_after=1))
        return None

    def is_due(self, x: Exchange, s: Serving) -> bool:
        """Whether the answer of ``x`` needs a thread; leaves a flood of strangers unsigned."""
        if not _is_slow(x, s):
            return False
        if x.key is None and not x.unsigned:
            wait = self._limits.take(
                "strangers", x.now, rate=STRANGER_SIGNATURES, burst=STRANGER_SIGNATURES_BURST
            )
            x.unsigned = wait > 0
        return not x.unsigned

    async def in_thread(
        self, write: Callable[[Exchange, Serving], Reply], x: Exchange, s: Serving
    ) -> Reply:
        """Write the answer in a thread; the exchange belongs to this call alone."""
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, write, x, s)
        finally:
            self._waiting -= 1


def _is_slow(x: Exchange, s: Serving) -> bool:
    wire = x.wire.name if x.wire is not None else "native"
    chosen = x.app.answer_keys.get(wire) if x.app is not None else None
    return s.slow_answers.get(chosen or wire, False)
