"""The web process: the console's application on uvicorn."""

import asyncio
import contextlib

import uvicorn

from bankside.app import process
from bankside.app.demo import first_call
from bankside.app.publish import catalogue
from bankside.app.settings import Settings
from bankside.catalog import openapi
from bankside.console import Site, build, link_refused
from bankside.console.customer import CustomerPages
from bankside.console.customer import routes as customer_routes
from bankside.identity.http import AuthorizationServer, routes
from bankside.kernel import telemetry
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool
from bankside.kernel.heartbeat import beat
from bankside.kernel.secrets import Vault
from bankside.orders import Orders

DRAIN_SECONDS = 10


def run(settings: Settings) -> None:
    """Serve pages until SIGTERM."""
    process.run(settings, "web", lambda stop: _serve(settings, stop))


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    clock = SystemClock()
    pool = await open_pool(process.database_url(settings), size=4, eager=False)
    vault = Vault.at(settings.home)
    authorization = AuthorizationServer(pool, clock, vault, settings.issuer)
    customers = CustomerPages(pool, clock, vault, settings.issuer)
    site = Site(
        catalogue=catalogue(),
        runnable=Orders.runnable,
        pool=pool,
        clock=clock,
        first_call=first_call(settings.home),
        demo_file=f"{settings.home.name}/demo.json",
        openapi=lambda: openapi(catalogue(), Orders.runnable),
        exposition=telemetry.exposition,
        routes=[*routes(authorization, refused_page=link_refused), customer_routes(customers)],
    )
    host, _, port = settings.web_listen.rpartition(":")
    server = uvicorn.Server(
        uvicorn.Config(
            build(site),
            host=host,
            port=int(port),
            log_config=None,
            access_log=False,
            server_header=False,
            # Attempts to log in are counted by source: only our own proxies may name another one.
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    # Signals are ours: uvicorn would take them over and leave us waiting.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    serving = asyncio.create_task(server.serve(sockets=process.given_sockets() or None))
    beating = asyncio.create_task(beat(pool, clock, "web", address=settings.web_url))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await serving
    for task in (beating, stopping):
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    await pool.close()
