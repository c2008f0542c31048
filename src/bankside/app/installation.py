"""This installation as the command line sees it: settings, database and what spans rooms."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bankside.app.settings import Settings
from bankside.kernel.calendar import business_date
from bankside.kernel.clock import Clock, SystemClock

if TYPE_CHECKING:
    from bankside.bank.clearing import Batch
    from bankside.kernel.db import Pool


class Local:
    """The installation on this machine; implements the CLI's ``Installation``."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @property
    def home(self) -> Path:
        return self.settings.home

    @property
    def issuer(self) -> str:
        return self.settings.issuer

    @property
    def egress_loopback(self) -> bool:
        return self.settings.egress_loopback

    @property
    def upstream_hosts(self) -> frozenset[str]:
        return self.settings.upstream_hosts

    @property
    def clock(self) -> Clock:
        return SystemClock()

    @asynccontextmanager
    async def pool(self) -> AsyncIterator["Pool"]:
        """The running platform's database, or the embedded one started for this command."""
        from bankside.kernel.db import open_pool
        from bankside.kernel.migrate import migrate
        from bankside.kernel.postgres import database

        with database(self.home) as url:
            await migrate(url)
            pool = await open_pool(url, size=4)
            try:
                yield pool
            finally:
                await pool.close()

    async def publish(self, pool: "Pool") -> int:
        from bankside.app.publish import publish_snapshot

        return await publish_snapshot(self.home, pool, self.clock)

    def imported_routes(self) -> int:
        from bankside.app.publish import kept_snapshot
        from bankside.catalog import answering_routes, kind_of

        snapshot = kept_snapshot(self.home)
        routes = answering_routes(snapshot) if snapshot is not None else []
        return sum(kind_of(each) == "imported" for each in routes)

    def runnable(self, product: Any, operation: Any) -> bool:
        from bankside.orders import Orders

        return Orders.runnable(product, operation)

    def refusals(self, product: Any, operation: Any) -> tuple[str, ...]:
        from bankside.orders import Orders

        return Orders.refusals(product, operation)

    async def examine(self, pool: "Pool", request: bytes, theirs: str | None) -> Mapping[str, Any]:
        from bankside.app.doctor import examine

        return await examine(self.settings, pool, self.clock, request, theirs)

    async def close_day(self, pool: "Pool", day: date | None) -> Mapping[str, Any]:
        from bankside.app.executing import executing

        wanted = day or business_date(self.clock.now())
        async with executing(pool, self.clock) as orders:
            return {"date": wanted.isoformat(), "orders": await orders.end_of_day(wanted)}

    async def act_as(
        self, pool: "Pool", app: str, operation: str, body: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        from bankside.app.acting import act_as
        from bankside.kernel.secrets import Vault

        return await act_as(pool, self.clock, Vault.at(self.home), (app, operation), body)

    # tidy: arguments - what to prove, how to repeat it, who answers for it and who is told
    async def prove(
        self,
        pool: "Pool",
        product: str,
        version: int,
        *,
        seed: int,
        by: str,
        tell: Callable[[str], None],
    ) -> Mapping[str, Any]:
        from bankside.app.proving import Asking, prove

        asking = Asking(product=product, version=version, seed=seed, by=by)
        proof = await prove(self.home, self.settings.edge_url, pool, self.clock, asking, tell=tell)
        return proof.document()

    async def clear_day(self, pool: "Pool", day: date | None) -> "Batch":
        from bankside.app.executing import executing

        wanted = day or business_date(self.clock.now()) - timedelta(days=1)
        async with executing(pool, self.clock) as orders:
            return await orders.clear(wanted)
