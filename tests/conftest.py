"""The database every test runs on: one real server a run, one migrated database a worker.

The server is the embedded one in a temporary home, or the one that BANKSIDE_TEST_DATABASE_URL
names (any PostgreSQL >= 15, a role that may create databases). The template is migrated once a
run; workers and tests that want a fresh database clone it.

A run's folders (databases, platforms, pytest's own) stand in memory where there is enough of it:
every commit is still flushed, which takes no time there, and a fresh database costs a tenth.
BANKSIDE_TEST_ON_DISK=1 keeps them in the usual place, where they can be looked at afterwards.
"""

import asyncio
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
from _pytest.nodeid import NodeId
from tests.platform import Platform, running

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import DATABASE_TROUBLE, Connection, Pool, open_pool
from bankside.kernel.migrate import migrate
from bankside.kernel.postgres import EmbeddedPostgres, check_external

_HOME_PREFIX = "bankside-test-"
# Files are handed to workers whole, in this order, then by name: the longest begin first, because
# the last one to begin decides when a run ends; and all that want a platform stand together.
_LONGEST = (
    # Before the journeys: the SDKs pay at the demo's only merchant, and journeys add others.
    "sdks/",
    "journeys/test_isolation",
    "journeys/test_every_product",
    "journeys/test_crash",
    "journeys/",
    "crash/",
)
_MEMORY = Path("/dev/shm")
# Two platforms and a test server with their write-ahead logs; a smaller machine uses its disk.
_MEMORY_BYTES_MIN = 6 << 30


class Databases:
    """The databases of one test run: a migrated template and its clones, all dropped at the end.

    The process that began the run owns the server; workers get ``run`` and ``server`` from it.
    """

    def __init__(self, run: str, server: str) -> None:
        self.run = run
        self.server = server
        self._numbers = itertools.count(1)

    @classmethod
    def begin(cls) -> "Databases":
        """Find or start the server and migrate the template."""
        run = f"bankside_test_{os.getpid()}"
        server = os.environ.get("BANKSIDE_TEST_DATABASE_URL") or _embedded()
        databases = cls(run, server)
        asyncio.run(databases._make_template())
        return databases

    def url(self, name: str) -> str:
        return urlunsplit(urlsplit(self.server)._replace(path=f"/{name}"))

    async def _make_template(self) -> None:
        await check_external(self.server)
        await self._on_server(f'create database "{self.run}_template"')
        await migrate(self.url(f"{self.run}_template"))

    async def clone(self) -> str:
        """A new database equal to the template; its name."""
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
        name = f"{self.run}_{worker}_{os.getpid()}_{next(self._numbers)}"
        # In memory copying files is quicker than logging each page; on a disk it is slower.
        how = " strategy file_copy" if _in_memory() else ""
        await self._on_server(f'create database "{name}" template "{self.run}_template"{how}')
        return name

    async def drop(self, name: str) -> None:
        # `with (force)` fails while autovacuum, a superuser's process, works there; a plain drop
        # sends autovacuum away by itself, but not what a killed test has left connected.
        await self._on_server(
            "select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity"
            f" where datname = '{name}' and usename = current_user"
        )
        await self._on_server(f'drop database if exists "{name}"')

    async def end(self) -> None:
        """Drop whatever this run made, also what a killed worker left behind."""
        db = await asyncpg.connect(self.server)
        try:
            names = await db.fetch(
                "select datname from pg_catalog.pg_database where starts_with(datname, $1)",
                f"{self.run}_",
            )
        finally:
            await db.close()
        for row in names:
            await self.drop(row["datname"])

    async def _on_server(self, sql: str) -> None:
        db = await asyncpg.connect(self.server)
        try:
            await db.execute(sql)
        finally:
            await db.close()


_embedded_server: EmbeddedPostgres | None = None
_databases: Databases | None = None
_folder: Path | None = None


def _in_memory() -> bool:
    """Whether the databases of this run stand in memory."""
    named = "BANKSIDE_TEST_DATABASE_URL" in os.environ
    return not named and Path(tempfile.gettempdir()).is_relative_to(_MEMORY)


def _move_to_memory() -> None:
    """Make the run's own folder in memory the place for everything temporary, workers included."""
    global _folder  # noqa: PLW0603 - one run a process, removed by a pytest hook
    _remove_dead_homes(_MEMORY)
    if os.environ.get("BANKSIDE_TEST_ON_DISK") or not _has_memory():
        return
    _folder = _MEMORY / f"{_HOME_PREFIX}{os.getpid()}"
    _folder.mkdir(exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(_folder)


def _has_memory() -> bool:
    """Whether so much memory is free, and may be used for files."""
    try:
        room = os.statvfs(_MEMORY)
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return False
    free = next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable"))
    return min(room.f_bavail * room.f_frsize, free, _allowance()) >= _MEMORY_BYTES_MIN


def _allowance() -> float:
    """The bytes a container may still use; files in memory count."""
    control = Path("/sys/fs/cgroup")
    try:
        most = (control / "memory.max").read_text("ascii").strip()
        used = int((control / "memory.current").read_text("ascii"))
    except (OSError, ValueError):
        return float("inf")
    return float("inf") if most == "max" else int(most) - used


def _embedded() -> str:
    """Start a server in a temporary home; it stops when this process ends, however it ends."""
    global _embedded_server  # noqa: PLW0603 - one server a process, stopped by a pytest hook
    _remove_dead_homes(Path(tempfile.gettempdir()))
    home = Path(tempfile.gettempdir()) / f"{_HOME_PREFIX}{os.getpid()}"
    _embedded_server = EmbeddedPostgres(home, sync_new=False)
    return _embedded_server.start()


def _remove_dead_homes(place: Path) -> None:
    """Folders of runs that were killed: their server ended with them, the files stayed."""
    for home in place.glob(f"{_HOME_PREFIX}*"):
        pid = home.name.removeprefix(_HOME_PREFIX)
        if pid.isdigit() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(home, ignore_errors=True)


def _begun() -> Databases:
    global _databases  # noqa: PLW0603 - one run a process, ended by a pytest hook
    if _databases is None:
        _databases = Databases.begin()
    return _databases


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        _move_to_memory()
    config.addinivalue_line("markers", "database: uses the run's PostgreSQL; set by conftest")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses the database, so that `-m database` repeats it on another PostgreSQL."""
    for item in items:
        if isinstance(item, pytest.Function) and "databases" in item.fixturenames:
            item.add_marker("database")
    items.sort(key=_turn)


def _turn(item: pytest.Item) -> int:
    """Where in ``_LONGEST`` the test's file stands."""
    file = item.nodeid.partition("tests/")[2]
    found = (at for at, beginning in enumerate(_LONGEST) if file.startswith(beginning))
    return next(found, len(_LONGEST))


@pytest.hookimpl(trylast=True, specname="pytest_collection_modifyitems")
def pytest_groups_stay_together(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Name each test's ``xdist_group`` where the scheduler looks for it: at the end of its id.

    pytest-xdist 3.8 writes it to ``_nodeid``, which pytest 9.2 no longer reads: every worker then
    starts a platform of its own.
    """
    if not config.option.__dict__.get("loadgroup"):
        return
    for item in items:
        group = item.get_closest_marker("xdist_group")
        if group is not None and not item.nodeid.endswith(f"@{group.args[0]}"):
            item._id = NodeId.parse(f"{item.nodeid}@{group.args[0]}")  # type: ignore[attr-defined]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """xdist: the controller owns the server, because it outlives every worker."""
    databases = _begun()
    node.workerinput["bankside_databases"] = (databases.run, databases.server)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if _embedded_server is not None:
        _embedded_server.stop()
        home = Path(tempfile.gettempdir()) / f"{_HOME_PREFIX}{os.getpid()}"
        shutil.rmtree(home, ignore_errors=True)
    elif _databases is not None:
        with suppress(*DATABASE_TROUBLE):
            asyncio.run(_databases.end())
    if _folder is not None:
        shutil.rmtree(_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def databases(request: pytest.FixtureRequest) -> Databases:
    """The run's databases; tests want ``database_url`` or ``fresh_url`` instead."""
    given = getattr(request.config, "workerinput", {}).get("bankside_databases")
    return Databases(*given) if given else _begun()


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The whole platform with its demo bank, as `make run` starts it: one a test worker."""
    with running(tmp_path_factory.mktemp("platform") / "home") as started:
        yield started


@pytest.fixture(scope="session")
def database_url(databases: Databases) -> str:
    """This worker's own migrated database; tests share it, so they keep to ids of their own."""
    return databases.url(asyncio.run(databases.clone()))


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    """A pool on this worker's database. What is committed there stays for later tests."""
    opened = await open_pool(database_url)
    yield opened
    await asyncio.wait_for(opened.close(), 10)


@pytest.fixture
async def db(database_url: str) -> AsyncIterator[Connection]:
    """One connection inside a transaction that is rolled back when the test ends."""
    connection = await asyncpg.connect(
        database_url, server_settings={"timezone": "UTC", "search_path": "pg_catalog"}
    )
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.fixture
def fresh_url(databases: Databases) -> Iterator[str]:
    """A migrated database for this test alone, dropped afterwards."""
    name = asyncio.run(databases.clone())
    yield databases.url(name)
    asyncio.run(databases.drop(name))


@pytest.fixture
async def fresh_pool(fresh_url: str) -> AsyncIterator[Pool]:
    """A pool on ``fresh_url``."""
    opened = await open_pool(fresh_url)
    yield opened
    await asyncio.wait_for(opened.close(), 10)


@pytest.fixture
def clock() -> FixedClock:
    """Monday 2 March 2026, 10:00 in Beijing."""
    return FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
