"""One edge worker: the gateway with its ports filled in.

Starts from the last snapshot on disk when the database is away; follows the published ones by
LISTEN/NOTIFY and a periodic look.
"""

import asyncio
import contextlib
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import structlog

from bankside.app import process
from bankside.app.executing import executing
from bankside.app.forwarding import forwarder, forwarding
from bankside.app.leases import hold_lease, known_tokens
from bankside.app.outcomes import acted
from bankside.app.publish import CHANNEL, snapshot_verifier
from bankside.app.settings import Settings
from bankside.catalog import latest_snapshot
from bankside.gateway import (
    Alipay3Wire,
    AlipayWire,
    IcbcWire,
    NativeWire,
    NoSnapshot,
    Pipeline,
    Ports,
    RecordMeter,
    ReplayByWire,
    ReplayStore,
    Reply,
    RouteFacts,
    Server,
    SharedLimits,
    SnapshotHolder,
    Tokens,
    TokenWire,
    TrustedProxies,
    Wire,
    follow,
    open_listeners,
    parse_addresses,
    slots_for,
)
from bankside.kernel import telemetry
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Pool, open_pool
from bankside.kernel.egress import Egress
from bankside.kernel.heartbeat import beat
from bankside.kernel.metering import SegmentWriter
from bankside.kernel.secrets import Vault
from bankside.partners.webhooks import Webhooks

LISTEN_RETRY_SECONDS = 1.0
# What the widest wires allow behind and ahead together: the ICBC-style one and Alipay-style v2.
REPLAY_WINDOW_SECONDS = 1_200
# Wires that allow no more than this have a store of their own, which is small: native and token.
REPLAY_BRIEF_SECONDS = 120
# The wide windows belong to dialects whose answers are signed by RSA: far fewer calls a second.
REPLAY_LONG_PART = 4
# A call's objects die by reference count; looking for cycles among them is looking in vain.
GC_THRESHOLDS = (50_000, 50, 50)

_log = structlog.get_logger("edge")


def run(settings: Settings) -> None:
    """Serve partner calls until SIGTERM."""
    process.run(settings, "edge", lambda stop: _serve(settings, stop))


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    clock, vault = SystemClock(), Vault.at(settings.home)
    url = process.database_url(settings)
    holder = SnapshotHolder(
        vault, snapshot_verifier(settings.home), settings.home / "snapshot", clock
    )
    pool = await open_pool(url, eager=False)
    writer = SegmentWriter(settings.home / "segments", f"edge-{process.instance()}", clock)
    await _first_snapshot(holder, pool)
    shared, now = settings.home / "shared", clock.now().timestamp()
    shared.mkdir(parents=True, exist_ok=True)
    tokens = known_tokens(pool, clock)
    async with executing(
        pool, clock, address=settings.edge_address, pages=settings.issuer, vault=vault
    ) as orders:
        egress = Egress(loopback=settings.egress_loopback)
        orders.keep_webhooks(Webhooks(clock, vault, egress))
        forward = forwarder(settings, holder, pool, clock, vault)
        wires = _wires(settings, tokens)
        meter = RecordMeter(writer)
        pipeline = Pipeline(
            Ports(
                snapshots=holder,
                wires=wires,
                handle=acted(forwarding(orders.handle, forward)),
                replay=_replay(shared, now, wires, settings.replay_rate),
                limits=SharedLimits(shared / "limits", now=now),
                meter=telemetry.counting(meter),
                tokens=tokens,
            )
        )
        server = Server(
            pipeline,
            routes=RouteFacts(
                body_limit=pipeline.body_limit, options=pipeline.allowed, refusal=pipeline.refused
            ),
            internal=_probes(holder, meter),
            proxies=TrustedProxies(settings.trusted_proxies),
        )
        sockets = (
            process.given_sockets() or open_listeners(parse_addresses(settings.edge_listen))[0]
        )
        _spare_collector()
        await server.start(sockets)
        async with _background(
            beat(pool, clock, "edge", address=settings.edge_url),
            _following(holder, pool, url),
            hold_lease(url, tokens),
        ):
            await stop.wait()
            await server.stop()
        forward.close()
    await writer.close()
    await pool.close()


def _spare_collector() -> None:
    """Catalogue and first snapshot stay for good: no later collection looks through them again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _wires(settings: Settings, tokens: Tokens) -> tuple[Wire, ...]:
    """All dialects in the order of asking; the last claims everything."""
    egress = Egress(loopback=settings.egress_loopback)
    return (
        AlipayWire(egress=egress),
        Alipay3Wire(egress=egress),
        IcbcWire(egress=egress),
        TokenWire(settings.edge_address, tokens, certificate_header=settings.certificate_header),
        NativeWire(settings.edge_address, egress=egress),
    )


def _replay(folder: Path, now: float, wires: Iterable[Wire], rate: int) -> ReplayByWire:
    """What remembers nonces, with room for ``rate`` calls a second."""
    brief, long = REPLAY_BRIEF_SECONDS, REPLAY_WINDOW_SECONDS
    return ReplayByWire(
        ReplayStore(folder / "replay-brief", now=now, window_s=brief, slots=slots_for(rate, brief)),
        ReplayStore(
            folder / "replay",
            now=now,
            window_s=long,
            slots=slots_for(max(1, rate // REPLAY_LONG_PART), long),
        ),
        short=[each.name for each in wires if each.window_behind + each.window_ahead <= brief],
    )


async def _first_snapshot(holder: SnapshotHolder, pool: Pool) -> None:
    """Take the newest published snapshot, or the last one on disk while the database is away."""
    try:
        blob = await _newest(pool, 0)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        _log.warning("database_away_at_start", error=type(error).__name__)
        blob = None
    if blob is None:
        holder.start_from_disk()
    else:
        holder.replace(blob)


async def _newest(pool: Pool, version: int) -> bytes | None:
    """The newest blob when it is not ``version``."""
    async with pool.acquire(timeout=2) as db:
        latest = await latest_snapshot(db)
    return latest[1] if latest is not None and latest[0] != version else None


async def _following(holder: SnapshotHolder, pool: Pool, url: str) -> None:
    versions: asyncio.Queue[int] = asyncio.Queue()
    async with _background(_listening(url, versions)):
        await follow(holder, lambda version: _newest(pool, version), versions)


async def _listening(url: str, versions: "asyncio.Queue[int]") -> None:
    """Hear announcements on a connection of our own; after each loss, ask once and hear again."""
    while True:
        try:
            await _hear(url, versions)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            _log.warning("announcements_not_heard", error=type(error).__name__)
        await asyncio.sleep(LISTEN_RETRY_SECONDS)


async def _hear(url: str, versions: "asyncio.Queue[int]") -> None:
    """Put announced versions into the queue until the connection is lost."""
    connection = await asyncpg.connect(url, timeout=2)
    lost = asyncio.Event()
    connection.add_termination_listener(lambda _: lost.set())
    await connection.add_listener(CHANNEL, lambda _c, _p, _ch, text: versions.put_nowait(int(text)))
    versions.put_nowait(0)
    await lost.wait()


def _probes(holder: SnapshotHolder, meter: RecordMeter) -> dict[str, Callable[[], Reply]]:
    text = [("content-type", "text/plain; charset=utf-8")]

    def ready() -> Reply:
        try:
            version = holder.current.version
        except NoSnapshot:
            return Reply(503, text, b"no snapshot\n")
        if meter.failing:
            return Reply(503, text, b"call records cannot be written\n")
        return Reply(200, text, f"ready, snapshot {version}\n".encode())

    def metrics() -> Reply:
        kind = [("content-type", telemetry.EXPOSITION_TYPE)]
        return Reply(200, kind, telemetry.exposition())

    return {
        "/healthz": lambda: Reply(200, text, b"ok\n"),
        "/readyz": ready,
        "/metrics": metrics,
    }


@asynccontextmanager
async def _background(*work: Awaitable[None]) -> AsyncIterator[None]:
    """Run ``work`` beside the block; all of it ends with the block."""
    tasks = [asyncio.ensure_future(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
