"""`bankside serve`: everything on one machine, from an empty folder to a signed first call.

Order: own the home folder and the addresses (clear refusals first), the database, migrations, the
demo bank when asked for, the snapshot, then edge workers, web and worker under supervision.
"""

import asyncio
import fcntl
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bankside.app.demo import first_call, seed, write_demo_json
from bankside.app.listen import bound
from bankside.app.publish import publish_snapshot
from bankside.app.settings import Settings
from bankside.app.supervisor import Child, Supervisor
from bankside.app.wait import until_ready
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool
from bankside.kernel.errors import Unavailable
from bankside.kernel.migrate import migrate
from bankside.kernel.postgres import database
from bankside.kernel.secrets import Vault


class HomeTaken(Unavailable):
    """Another `bankside serve` runs on the same home folder."""

    code = "setting.home_taken"


def serve(settings: Settings, *, demo: bool) -> int:
    """Run until a signal; the exit code."""
    began = time.monotonic()
    settings.home.mkdir(parents=True, exist_ok=True)
    with _owned(settings.home):
        edge = bound(
            settings.edge_listen, workers=settings.edge_workers, setting="BANKSIDE_EDGE_LISTEN"
        )
        web = bound(
            settings.web_listen, workers=settings.web_workers, setting="BANKSIDE_WEB_LISTEN"
        )
        _say("database ...")
        with database(settings.home, own=True) as url:
            asyncio.run(_prepare(settings, url, demo=demo))
            common = {"BANKSIDE_HOME": str(settings.home), "BANKSIDE_DATABASE_URL": url}
            children = [
                *(
                    _child(settings, "edge", index, common, [each.fileno() for each in sockets])
                    for index, sockets in enumerate(edge)
                ),
                *(
                    _child(settings, "web", index, common, [each.fileno() for each in sockets])
                    for index, sockets in enumerate(web)
                ),
                _child(settings, "worker", 0, common, []),
            ]
            supervisor = Supervisor(children, say=_say)
            supervisor.start()
            try:
                if until_ready(settings, supervisor):
                    _banner(settings, time.monotonic() - began, demo=demo)
                supervisor.watch()
            finally:
                _say("stopping ...")
                supervisor.stop()
    _say("stopped; your data stays in " + str(settings.home))
    return 0


async def _prepare(settings: Settings, url: str, *, demo: bool) -> None:
    """Bring the database to this version, seed the demo bank once, publish a snapshot."""
    applied = await migrate(url)
    if applied:
        _say(f"database: {len(applied)} migrations applied")
    pool = await open_pool(url, size=4)
    try:
        vault, clock = Vault.at(settings.home), SystemClock()
        if demo:
            _say("demo bank ...")
            facts = await seed(pool, vault, clock, settings.home)
            write_demo_json(
                settings.home,
                facts,
                edge=settings.edge_url,
                web=settings.web_url,
                issuer=settings.issuer,
            )
        await publish_snapshot(settings.home, pool, clock)
    finally:
        await pool.close()


def _child(
    settings: Settings, name: str, index: int, common: dict[str, str], sockets: list[int]
) -> Child:
    return Child(
        name=f"{name}-{index}",
        arguments=[name],
        environment={
            **common,
            "BANKSIDE_SOCKETS": ",".join(map(str, sockets)),
            "BANKSIDE_INDEX": str(index),
        },
        log=settings.home / "logs" / f"{name}-{index}.log",
        pass_fds=sockets,
    )


@contextmanager
def _owned(home: Path) -> Iterator[None]:
    """Hold the home folder's lock, or HomeTaken; the kernel frees it whatever happens to us."""
    with (home / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise HomeTaken(
                f"bankside already runs on {home} (process {lock.read().strip() or '?'});"
                " stop it, or set BANKSIDE_HOME to another folder"
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def _banner(settings: Settings, seconds: float, *, demo: bool) -> None:
    lines = [
        f"bankside is up after {seconds:.1f} s. Ctrl-C stops it.",
        f"  edge  {settings.edge_url}   (APIs: native, ICBC-style, Alipay-style)",
        f"  web   {settings.web_url}   (start page, shelf, health, OpenAPI)",
    ]
    if demo:
        lines += [
            f"  demo  {_shown(settings.home / 'demo.json')}   (apps, keys, customers, merchants)",
            "",
            "Your first signed call, in another terminal:",
            f"  {first_call(settings.home)}",
        ]
    print("\n".join(lines), flush=True)


def _shown(path: Path) -> str:
    """A path as the user would type it from here."""
    return os.path.relpath(path) if path.is_relative_to(Path.cwd()) else str(path)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
