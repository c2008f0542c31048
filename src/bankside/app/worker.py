"""The worker process: everything that happens without a caller waiting.

Jobs wake orders; the relay carries events; the shipper lands call records; the day's end and the
time-outs of holds and unpaid orders run by the clock. All of it may run in several workers.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import structlog

from bankside.app import process
from bankside.app.callbacks import Callbacks
from bankside.app.executing import executing
from bankside.app.publish import publish_snapshot
from bankside.app.settings import Settings
from bankside.app.told_oddly import oddly
from bankside.catalog.imports import forget_keys
from bankside.catalog.lifecycle import PREFIX
from bankside.identity import drop_expired
from bankside.identity.consents import record_expiries
from bankside.identity.decisions import forget_answers
from bankside.identity.passkeys import forget_challenges
from bankside.identity.sessions import forget_old
from bankside.kernel import jobs
from bankside.kernel.calendar import business_date
from bankside.kernel.clock import Clock, ShiftedClock, SystemClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.events import Event
from bankside.kernel.heartbeat import beat
from bankside.kernel.metering import Shipper
from bankside.kernel.outbox import Consumer, Relay
from bankside.kernel.secrets import Vault
from bankside.orders import Orders
from bankside.orders.solutions.events import CHANNEL as RUNS_CHANNEL
from bankside.partners import EVENT_PREFIX, moved_clocks
from bankside.partners.webhooks import Sender

EXPIRE_EVERY_SECONDS = 5.0
DAY_END_LOOK_SECONDS = 30.0
# Values of one hour go at once, hours later: how often we look decides nothing but the space used.
DROP_EXPIRED_SECONDS = 300.0
CONSENTS_SECONDS = 30.0
RETRY_SECONDS = 5.0

_log = structlog.get_logger("worker")


def run(settings: Settings) -> None:
    """Work until SIGTERM."""
    process.run(settings, "worker", lambda stop: _work(settings, stop))


async def _work(settings: Settings, stop: asyncio.Event) -> None:
    clock = SystemClock()
    url = process.database_url(settings)
    pool = await open_pool(url, size=6)

    async def republish(event: Event, _: str) -> None:
        version = await publish_snapshot(settings.home, pool, clock)
        _log.info("snapshot_published", version=version, cause=event.type)

    vault, egress = Vault.at(settings.home), Egress(loopback=settings.egress_loopback)
    async with executing(pool, clock, vault=vault) as orders:

        async def wake_runs(event: Event, _: str) -> None:
            await orders.wake_runs(event.partner, event.object_id)

        sender = Sender(pool, clock, vault, egress)
        callbacks = Callbacks(pool, clock, vault, egress)
        relay = Relay(
            pool,
            [
                Consumer(name="snapshot", deliver=republish, types=(EVENT_PREFIX, PREFIX)),
                Consumer(name=RUNS_CHANNEL, deliver=wake_runs, types=None),
                *(oddly(each, pool) for each in (sender.consumer, *callbacks.consumers)),
            ],
            clock,
        )
        shipper = Shipper(pool, settings.home / "segments", clock)
        work: list[tuple[str, Callable[[], Awaitable[object]]]] = [
            ("beat", lambda: beat(pool, clock, "worker")),
            ("relay", relay.run),
            ("shipper", shipper.run),
            ("jobs", lambda: jobs.Worker(url, {"orders.resume": orders.resume_job}).run()),
            ("expire", lambda: _every(EXPIRE_EVERY_SECONDS, orders.expire)),
            ("expired", lambda: _every(DROP_EXPIRED_SECONDS, lambda: _drop_expired(pool, clock))),
            ("consents", lambda: _every(CONSENTS_SECONDS, lambda: _record_expiries(pool, clock))),
            ("day end", lambda: _every(DAY_END_LOOK_SECONDS, lambda: _day_end(orders, clock))),
        ]
        tasks = [asyncio.create_task(_kept(name, start)) for name, start in work]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await pool.close()


async def _kept(name: str, start: Callable[[], Awaitable[object]]) -> None:
    """Start a part again when it fails: one broken part never stops the others."""
    while True:
        try:
            await start()
        except Exception as error:  # noqa: BLE001 - logged, and tried again
            _log.error("part_failed", part=name, exc_info=error)
        await asyncio.sleep(RETRY_SECONDS)


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    while True:
        await work()
        await asyncio.sleep(seconds)


async def _drop_expired(pool: Pool, clock: Clock) -> None:
    """Codes, tokens, sessions and the like that are long dead leave the database."""
    async with pool.acquire() as db:
        await drop_expired(db, clock)
        await forget_old(db, clock)
        await forget_challenges(db, clock)
        await forget_answers(db, clock)
        await forget_keys(db, clock)


async def _record_expiries(pool: Pool, clock: Clock) -> None:
    """Who listens is told of consents that ended by the clock; nothing else waits for this."""
    async with transaction(pool) as db:
        await record_expiries(db, clock)
        for space, ahead in (await moved_clocks(db)).items():
            await record_expiries(db, ShiftedClock(clock, ahead), partner=space)


async def _day_end(orders: Orders, clock: Clock) -> None:
    """Close and clear the newest business date whose cut-off has passed, and earlier ones that
    wait for their working day or for a network's word; again changes nothing.
    """
    await orders.clear_due(business_date(clock.now()) - timedelta(days=1))
