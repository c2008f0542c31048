"""Carrying out an operation by asking the bank's own service behind it.

Always true: every check of the edge has passed before; a write is sent at most once, unless its
upstream itself keeps the idempotency key; what is not known is never called failed; one upstream's
trouble takes a bounded number of connections and waiting calls, and no other product's.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import structlog

from bankside.gateway.upstream import errors
from bankside.gateway.upstream.breaker import Breaker, RepeatBudget
from bankside.gateway.upstream.checking import Checker
from bankside.gateway.upstream.connection import ExchangeFailed, RawAnswer
from bankside.gateway.upstream.keys import KeyStore, once
from bankside.gateway.upstream.pool import NoRoom, Pool, Unreachable
from bankside.gateway.upstream.reading import Reading, garbled, read
from bankside.gateway.upstream.writing import Secrets, written
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import Clock
from bankside.kernel.egress import Egress
from bankside.kernel.idempotency import KeyScope
from bankside.kernel.secrets import SealBroken, Vault
from bankside.kernel.snapshot import Forward, Snapshot, Upstream
from bankside.kernel.telemetry import Counter

log = structlog.get_logger(__name__)

# Left of the caller's time for us: our answer is signed and written in it.
OWN_SECONDS = 0.05
# Upstreams remembered beyond those of the snapshot in force: calls in flight still use them.
HOSTS_KEPT = 500
# Larger requests are checked in a thread: nobody else's call waits for theirs.
CHECKED_INLINE_VALUES = 500

CALLS = Counter(
    "bankside_upstream_calls_total", "Calls forwarded to a service of the bank", ("product", "end")
)


class Current(Protocol):
    """Where the snapshot in force is found."""

    @property
    def current(self) -> Snapshot:
        """What calls are served from."""


class Notes(Protocol):
    """Where the operator is told of answers that differ from their description."""

    async def mismatch(self, product: str, operation: str, text: str) -> None:
        """Count one; ``text`` holds nothing of the answer."""


@dataclass(slots=True)
class _Host:
    """What one worker knows of one upstream address."""

    key: tuple[str, int, int]
    pool: Pool
    reads: Breaker = field(default_factory=Breaker)
    writes: Breaker = field(default_factory=Breaker)
    budget: RepeatBudget = field(default_factory=RepeatBudget)

    def breaker(self, *, writes: bool) -> Breaker:
        return self.writes if writes else self.reads


@dataclass(slots=True)
class _Asked:
    """One forwarded call on its way; ``is_sent``: its bytes may have reached the upstream."""

    call: Call
    upstream: Upstream
    forward: Forward
    checker: Checker
    message: bytes
    keyed: bool
    is_sent: bool = False

    @property
    def writes(self) -> bool:
        return self.call.operation.writes

    @property
    def is_repeatable(self) -> bool:
        """Whether asking twice has the effect of asking once."""
        return not self.writes or (self.keyed and bool(self.forward.key_header))

    def sending(self) -> None:
        """From here on nobody knows what has arrived."""
        self.is_sent = True

    def seconds_left(self, now: datetime) -> float:
        """Time for a whole answer: the upstream's, or what the caller has left when less."""
        own = self.upstream.answer_ms / 1_000
        deadline = self.call.deadline
        if deadline is None:
            return own
        return max(0.0, min(own, (deadline - now).total_seconds() - OWN_SECONDS))


@dataclass(slots=True)
class _Verdict:
    """What one call says about its upstream's health: once, whatever happens first."""

    breaker: Breaker
    time: Callable[[], float]
    settled: bool = False

    def failed(self) -> None:
        """It failed, or takes too long."""
        if not self.settled:
            self.settled = True
            self.breaker.failed(self.time())

    def succeeded(self) -> None:
        """It came back as it should."""
        if not self.settled:
            self.settled = True
            self.breaker.succeeded(self.time())


class Forwarder:
    """The edge's ``Handle`` for operations that have an upstream."""

    # tidy: arguments - each is a port of the edge
    def __init__(
        self,
        snapshots: Current,
        vault: Vault,
        egress: Egress,
        keys: KeyStore,
        clock: Clock,
        *,
        notes: Notes | None = None,
    ) -> None:
        self._snapshots = snapshots
        self._clock = clock
        self._vault = vault
        self._egress = egress
        self._keys = keys
        self._notes = notes
        self._hosts: dict[str, _Host] = {}
        self._checkers: dict[str, Checker] = {}
        self._upstreams: dict[str, Upstream] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    async def __call__(self, call: Call) -> Answer:
        """The upstream's answer to one proven call; raises the refusals of ``errors``."""
        upstream = self._upstream(call.operation.upstream)
        forward = upstream.forwards[call.operation.id]
        checker = self._checker(upstream)
        keyed = call.operation.writes and call.idempotency_key is not None
        extra = Secrets(self._credential(upstream), KeyScope.of(call).derived if keyed else "")

        def request() -> bytes:
            return written(call, forward, upstream, checker, extra)

        message = await asyncio.to_thread(request) if _is_large(call.body) else request()
        asked = _Asked(call, upstream, forward, checker, message, keyed=keyed)
        if not keyed:
            return await self._sent(asked)
        may_resume = bool(forward.key_header)
        return await once(self._keys, call, lambda: self._sent(asked), may_resume=may_resume)

    def _upstream(self, upstream_id: str) -> Upstream:
        """The upstream; one of the snapshot before is still known to the calls it let in."""
        found = self._snapshots.current.upstreams.get(upstream_id)
        if found is not None:
            self._upstreams[upstream_id] = found
        found = found or self._upstreams.get(upstream_id)
        if found is None:
            raise errors.UpstreamUnconfigured
        self._forget()
        return found

    def _forget(self) -> None:
        if len(self._upstreams) <= HOSTS_KEPT:
            return
        for stale in self._upstreams.keys() - self._snapshots.current.upstreams.keys():
            self._upstreams.pop(stale)
            self._checkers.pop(stale, None)

    def _checker(self, upstream: Upstream) -> Checker:
        if upstream.id not in self._checkers:
            self._checkers[upstream.id] = Checker(upstream)
        return self._checkers[upstream.id]

    def _credential(self, upstream: Upstream) -> str:
        if not upstream.credential:
            return ""
        try:
            purpose = f"upstream:{upstream.product}"
            return self._vault.open(upstream.credential, purpose=purpose).decode("ascii")
        except (SealBroken, UnicodeDecodeError) as error:
            raise errors.UpstreamUnconfigured from error

    def _host(self, upstream: Upstream) -> _Host:
        """Connections and health of the address; a changed address or limit begins anew."""
        key = (upstream.url, upstream.connections, upstream.connect_ms)
        host = self._hosts.get(upstream.product)
        if host is None or host.key != key:
            if host is not None:
                host.pool.close()
            pool = Pool(
                upstream.url,
                self._egress,
                connections=upstream.connections,
                connect_ms=upstream.connect_ms,
            )
            host = self._hosts[upstream.product] = _Host(key, pool)
        return host

    async def _sent(self, asked: "_Asked") -> Answer:
        host = self._host(asked.upstream)
        breaker = host.breaker(writes=asked.writes)
        loop = asyncio.get_running_loop()
        if not breaker.admits(loop.time()):
            self._count(asked, "resting")
            raise errors.UpstreamResting(retry_after=1)
        host.budget.called()
        verdict = _Verdict(breaker, loop.time)
        # A call that hangs speaks against the upstream before its own time is over.
        slow = loop.call_later(asked.upstream.slow_ms / 1_000, verdict.failed)
        try:
            reading = await self._asked_upstream(asked, host, verdict)
        finally:
            slow.cancel()
        if reading.is_failure:
            verdict.failed()
        else:
            verdict.succeeded()
        if reading.mismatch is not None:
            self._tell(asked, reading.mismatch.text)
        if reading.refusal is not None:
            self._count(asked, reading.refusal.code)
            raise reading.refusal
        assert reading.answer is not None, "a reading is an answer or a refusal"
        self._count(asked, "answered")
        return reading.answer

    async def _asked_upstream(self, asked: "_Asked", host: _Host, verdict: "_Verdict") -> Reading:
        """One exchange, or two when the first may be repeated; within the caller's time."""
        try:
            async with asyncio.timeout(asked.seconds_left(self._clock.now())):
                try:
                    raw = await self._exchange(asked, host)
                except ExchangeFailed as error:
                    if not self._may_repeat(asked, host, error):
                        raise
                    raw = await self._exchange(asked, host)
        except NoRoom as error:
            # Our own limit speaks neither for nor against the upstream.
            verdict.settled = True
            raise errors.UpstreamBusy(retry_after=1) from error
        except Unreachable as error:
            log.warning("upstream_unreachable", product=asked.upstream.product, error=str(error))
            verdict.failed()
            self._count(asked, "unreachable")
            raise errors.UpstreamUnreachable(retry_after=1) from error
        except TimeoutError as error:
            # A caller in a hurry says nothing about the upstream; `slow` has spoken when it is so.
            verdict.settled = True
            self._count(asked, "timed_out")
            if asked.is_sent and asked.writes:
                raise errors.UpstreamOutcomeUnknown from error
            if asked.is_sent:
                raise errors.UpstreamTimedOut(retry_after=1) from error
            raise errors.UpstreamBusy(retry_after=1) from error
        except ExchangeFailed as error:
            log.warning("upstream_no_answer", product=asked.upstream.product, error=str(error))
            return garbled(writes=asked.writes)
        return read(
            raw,
            asked.forward,
            asked.checker,
            writes=asked.writes,
            is_sandbox=asked.call.caller.environment == "sandbox",
        )

    async def _exchange(self, asked: "_Asked", host: _Host) -> RawAnswer:
        return await host.pool.exchange(
            asked.message,
            limit=asked.upstream.answer_bytes_max,
            is_repeatable=asked.is_repeatable,
            sending=asked.sending,
        )

    def _may_repeat(self, asked: "_Asked", host: _Host, error: ExchangeFailed) -> bool:
        return asked.is_repeatable and not error.is_answer and host.budget.take()

    def _tell(self, asked: "_Asked", text: str) -> None:
        product, operation = asked.upstream.product, asked.call.operation.id
        log.warning("upstream_answer_mismatch", product=product, operation=operation, what=text)
        if self._notes is not None:
            task = asyncio.ensure_future(self._notes.mismatch(product, operation, text))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _count(self, asked: "_Asked", end: str) -> None:
        CALLS.add(asked.upstream.product, end.removeprefix("upstream."))

    def close(self) -> None:
        """End the connections nobody uses."""
        for host in self._hosts.values():
            host.pool.close()


def _is_large(body: Mapping[str, Any]) -> bool:
    """Whether checking the body takes long enough for others to notice."""
    count, waiting = 0, list(body.values())
    while waiting and count <= CHECKED_INLINE_VALUES:
        each = waiting.pop()
        count += 1
        if isinstance(each, Mapping):
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return count > CHECKED_INLINE_VALUES
