"""Which database this installation uses, checked before anything is stored in it."""

import asyncio
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import asyncpg

from bankside.kernel.db import Connection
from bankside.kernel.postgres.errors import PostgresFault, PostgresTaken, PostgresUnfit
from bankside.kernel.postgres.keeper import Keeper
from bankside.kernel.postgres.server import EmbeddedPostgres

URL_VARIABLE = "BANKSIDE_DATABASE_URL"
OLDEST_VERSION = 15
CONNECT_SECONDS = 5.0
_DURABILITY = ("fsync", "full_page_writes", "synchronous_commit")


@contextmanager
def database(home: Path, *, own: bool = False) -> Iterator[str]:
    """Yield the URL of this installation's database, ready and durable.

    ``BANKSIDE_DATABASE_URL`` names somebody's server: it is checked and used as it is. Otherwise
    the embedded server of ``home`` is started, kept running and stopped here; or, when another
    process of the same home owns it, that one is used. ``own``: refuse instead (PostgresTaken).
    Raises PostgresFault with a text for the operator.
    """
    if external := os.environ.get(URL_VARIABLE):
        # In a thread of its own, so that callers inside and outside an event loop may enter.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, check_external(external)).result()
        yield external
        return
    server = EmbeddedPostgres(home)
    try:
        url = server.start()
    except PostgresTaken:
        if own:
            raise
        yield server.attach()
        return
    keeper = Keeper(server)
    try:
        yield url
    finally:
        keeper.stop()
        server.stop()


async def check_external(url: str) -> None:
    """Return when ``url`` may hold a bank's books; PostgresFault or PostgresUnfit when not."""
    try:
        connection = await asyncpg.connect(url, timeout=CONNECT_SECONDS)
    except ConnectionError as error:
        if "rejected SSL upgrade" in str(error):
            raise PostgresUnfit(
                f"{URL_VARIABLE} asks for TLS (sslmode), but that server offers none; the embedded "
                "PostgreSQL never does: it listens on this machine's loopback address only"
            ) from error
        raise _unreachable(error) from error
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise _unreachable(error) from error
    try:
        await _check_server(connection)
    finally:
        await connection.close()


async def _check_server(connection: Connection) -> None:
    version = connection.get_server_version()
    if version.major < OLDEST_VERSION:
        raise PostgresUnfit(
            f"PostgreSQL {version.major} is too old: bankside needs {OLDEST_VERSION} or newer"
        )
    rows = await connection.fetch(
        "select name, setting from pg_catalog.pg_settings where name = any($1::text[])",
        list(_DURABILITY),
    )
    # `synchronous_commit` has stronger values than `on`; only these let an answered payment vanish.
    weak = [row["name"] for row in rows if row["setting"] in {"off", "local"}]
    if weak:
        raise PostgresUnfit(
            f"the server would lose acknowledged payments in a crash: {', '.join(weak)} must be on"
        )


def _unreachable(error: Exception) -> PostgresFault:
    # The text of the error names host and port, never the password.
    reason = str(error) or type(error).__name__
    return PostgresFault(f"the database of {URL_VARIABLE} is not reachable: {reason}")
