"""The web process: the console's application on uvicorn."""

import asyncio
import contextlib
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from bankside.app import process
from bankside.app.demo import first_call
from bankside.app.executing import executing
from bankside.app.page_calls import PageCalls
from bankside.app.publish import catalogue
from bankside.app.returns import Returns
from bankside.app.settings import Settings
from bankside.app.tls import CertificateProtocol, server_tls
from bankside.catalog import KINDS, Catalogue, openapi
from bankside.catalog.lifecycle import World
from bankside.console import (
    Pacing,
    Site,
    build,
    checkout,
    customer,
    documents,
    link_refused,
    operator,
    people,
)
from bankside.console.entry import RealmPages
from bankside.console.operator import Studio
from bankside.identity.certificates import ClientCertificates
from bankside.identity.http import AuthorizationServer, routes
from bankside.kernel import telemetry
from bankside.kernel.clock import Clock, SystemClock
from bankside.kernel.db import Pool, open_pool
from bankside.kernel.egress import Egress
from bankside.kernel.heartbeat import beat
from bankside.kernel.metering import SegmentWriter
from bankside.kernel.secrets import Vault
from bankside.orders import Orders, in_flight

DRAIN_SECONDS = 10
# Pages and the ledger's collector, which holds one while it commits.
POOL_SIZE = 6


def run(settings: Settings) -> None:
    """Serve pages until SIGTERM."""
    process.run(settings, "web", lambda stop: _serve(settings, stop))


async def _serve(settings: Settings, stop: asyncio.Event) -> None:
    clock, vault = SystemClock(), Vault.at(settings.home)
    pool = await open_pool(process.database_url(settings), size=POOL_SIZE, eager=False)
    records = SegmentWriter(settings.home / "segments", f"web-{process.instance()}", clock)
    async with executing(
        pool, clock, address=settings.edge_address, pages=settings.issuer, vault=vault
    ) as orders:
        server = _server(
            settings, build(_site(settings, _Rooms(pool, clock, vault, orders, records)))
        )
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
    await records.close()
    await pool.close()


@dataclass(frozen=True, slots=True)
class _Rooms:
    """What the pages stand on."""

    pool: Pool
    clock: Clock
    vault: Vault
    orders: Orders
    records: SegmentWriter


def _site(settings: Settings, rooms: _Rooms) -> Site:
    """Everything the pages work with; payments at hosted pages are carried out in this process."""
    pool, clock, vault = rooms.pool, rooms.clock, rooms.vault
    authorization = AuthorizationServer(
        pool,
        clock,
        vault,
        settings.issuer,
        mtls_url=settings.mtls_url,
        egress=Egress(loopback=settings.egress_loopback),
    )
    pages = RealmPages(pool, clock, vault, settings.issuer)
    desk = checkout.Checkout(
        pages,
        rooms.orders.payment_pages,
        Returns(pool, clock, vault, settings.issuer),
        PageCalls(pool, clock, rooms.orders.payment_pages, rooms.records),
    )
    return Site(
        catalogue=catalogue(),
        runnable=Orders.runnable,
        pool=pool,
        clock=clock,
        first_call=first_call(settings.home),
        demo_file=f"{settings.home.name}/demo.json",
        openapi=_described,
        exposition=telemetry.exposition,
        routes=[
            *routes(authorization, refused_page=link_refused),
            customer.routes(pages),
            checkout.routes(desk),
            *people.routes(pages),
            operator.routes(pages, Studio(_world())),
            *documents.routes(pages, _documents(pool)),
        ],
        pacing=Pacing(oauth=settings.oauth_rate, login=settings.login_rate),
    )


def _server(settings: Settings, application: Any) -> uvicorn.Server:
    host, _, port = settings.web_listen.rpartition(":")
    server = uvicorn.Server(
        uvicorn.Config(
            _layered(settings, application),
            http=CertificateProtocol,
            ssl_context_factory=_tls_of(settings),
            host=host,
            port=int(port),
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    )
    # Signals are ours: uvicorn would take them over and leave us waiting.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign, assignment]
    return server


def _world() -> World:
    """What the life cycle of products needs of the rest."""
    return World(catalogue=catalogue(), kinds=KINDS, in_flight=in_flight)


def _documents(pool: Pool) -> documents.Documents:
    """The OpenAPI documents of parts of the platform."""
    return documents.Documents(pool, catalogue(), _described)


def _described(shown: Catalogue) -> Mapping[str, Any]:
    return openapi(shown, Orders.runnable, Orders.refusals)


def _layered(settings: Settings, app: Any) -> Any:
    """The application behind what settles who sends: certificate first, address second."""
    # Attempts to log in are counted by source: only our own proxies may name another one.
    if settings.trusted_proxies:
        app = ProxyHeadersMiddleware(app, list(settings.trusted_proxies))
    if not settings.certificate_header:
        return app
    trusted = settings.trusted_proxies
    return ClientCertificates(app, header=settings.certificate_header, trusted=trusted)


def _tls_of(settings: Settings) -> Callable[..., ssl.SSLContext] | None:
    """What makes uvicorn speak TLS; None for plain http."""
    files = settings.web_tls
    if files is None:
        return None
    return lambda *_: server_tls(files.certificate, files.key, files.client_ca)
