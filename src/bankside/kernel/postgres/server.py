"""The embedded server of one home folder: made once, started, watched and stopped by its owner.

Files, all in ``<home>/postgres``: ``data/`` (the cluster and its Unix socket), ``password`` (0600),
``port``, ``server.log``, ``lock`` (held by the owner; its text is the owner's pid).
The server's working folder is ``data`` and it knows it as ``/proc/self/cwd``: so it needs no right
on the folders above, whatever uid it runs under.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from bankside.kernel.postgres.cluster import (
    ROLE,
    installed_binaries,
    make_cluster,
    server_environment,
)
from bankside.kernel.postgres.errors import PostgresFault, PostgresTaken
from bankside.kernel.postgres.lock import HomeLock
from bankside.kernel.postgres.osuser import OSUser, choose

# A crash recovery of a demo bank takes under 5 s; a big one may replay WAL for minutes.
START_SECONDS = 180.0
# How long another process's start, or a dying predecessor, is waited for.
HANDOVER_SECONDS = 20.0
STOP_SECONDS = 30.0
# A port that was free a moment ago may be taken by the time the server binds it.
PORT_TRIES = 5
LOG_BYTES_MAX = 16 * 2**20
_POLL_SECONDS = 0.01

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "/proc/self/cwd",
    "max_connections": "200",
    # Acknowledged means durable: no setting of ours turns these off.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "wal_level": "replica",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "checkpoint_timeout": "15min",
    "recovery_init_sync_method": "syncfs",
    "shared_buffers": "256MB",
    # Short statements by the thousand: compiling them costs more than it saves.
    "jit": "off",
    "logging_collector": "off",
    "log_destination": "stderr",
    "log_checkpoints": "off",
    # A failed statement is told to the program that sent it; its text may hold a customer's data.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_line_prefix": "%m [%p] ",
}


class EmbeddedPostgres:
    """One home's server. ``start`` owns it; ``attach`` uses the one another process owns.

    Start it from the main thread: the server stops when the thread that started it ends.
    """

    def __init__(self, home: Path, *, port: int | None = None, sync_new: bool = True) -> None:
        """``port``: insist on this one. ``sync_new=False``: for data that may vanish (tests)."""
        self._folder = home.resolve() / "postgres"
        self._data = self._folder / "data"
        self._asked_port = port
        self._sync_new = sync_new
        self._lock = HomeLock(self._folder)
        self._process: subprocess.Popen[bytes] | None = None
        # Stands in the server's command line, so that a pid can be proved to be ours.
        self._mark = f"bankside.home={self._folder.parent}"

    @property
    def url(self) -> str:
        """Where the running server is reached, password included: never log it."""
        password = (self._folder / "password").read_text().strip()
        port = (self._folder / "port").read_text().strip()
        return f"postgresql://{ROLE}:{password}@127.0.0.1:{port}/{ROLE}?sslmode=disable"

    @property
    def pid(self) -> int | None:
        """The server's process id while this object owns a live one."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(self) -> str:
        """Own this home's server: make it if new, recover it if it crashed; the URL it answers at.

        Raises PostgresTaken when another process owns it, or has the port that was asked for.
        """
        if self.pid is not None:
            return self.url
        self._lock.take()
        try:
            user = choose(installed_binaries())
            self._outlive_predecessor()
            if not self._data.exists():
                make_cluster(self._data, user, sync=self._sync_new)
            user.own(self._data)
            self._launch(user)
        except BaseException:
            self._lock.release()
            raise
        return self.url

    def attach(self, seconds: float = HANDOVER_SECONDS) -> str:
        """The URL of the server another process owns, once it is ready; PostgresFault if never."""
        if not _until(self._ready_elsewhere, seconds):
            raise PostgresFault(
                f"{self._folder.parent} is owned by process {self._lock.owner()}, "
                f"but its PostgreSQL did not answer within {seconds:.0f} s"
            )
        return self.url

    def restart(self) -> None:
        """Start the server we own again after it died, on the same port."""
        self._asked_port = int((self._folder / "port").read_text())
        self._outlive_predecessor()
        self._launch(choose(installed_binaries()))

    def stop(self) -> None:
        """End the server that ``start`` began: fast stop, then immediate stop if it hangs."""
        try:
            self._end()
        finally:
            self._lock.release()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)
                process.wait(STOP_SECONDS)

    def _outlive_predecessor(self) -> None:
        """Wait for, then end, a server whose owner died; drop a pid file only of a dead one."""
        if not _until(lambda: self._running() is None, HANDOVER_SECONDS / 2):
            pid = self._running()
            if pid is not None:
                os.kill(pid, signal.SIGINT)
            if not _until(lambda: self._running() is None, STOP_SECONDS):
                raise PostgresTaken(f"an older PostgreSQL of this home (pid {pid}) does not stop")
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _running(self) -> int | None:
        """The pid in postmaster.pid when that process lives and is this home's server."""
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (FileNotFoundError, ProcessLookupError, ValueError):
            return None
        return pid if self._mark.encode() in words else None

    def _ready_elsewhere(self) -> bool:
        return self._running() is not None and self._says_ready()

    def _says_ready(self) -> bool:
        """Whether postmaster.pid's eighth line (its status) is ``ready``."""
        try:
            lines = (self._data / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _launch(self, user: OSUser) -> None:
        deadline = time.monotonic() + START_SECONDS
        for attempt in range(PORT_TRIES):
            port = self._asked_port or self._free_port(attempt)
            began = self._spawn(user, port)
            if _until(self._settled, deadline - time.monotonic()) and self.pid is not None:
                (self._folder / "port").write_text(str(port))
                return
            said = self._log_since(began)
            if self.pid is not None:
                self._end()
                raise PostgresFault(f"PostgreSQL was not ready after {START_SECONDS:.0f} s: {said}")
            if "shared memory block" in said:
                # The last backends of a killed postmaster are still on their way out.
                time.sleep(1)
            elif "Address already in use" not in said:
                raise PostgresFault(f"PostgreSQL ended at start: {said}")
            elif self._asked_port:
                raise PostgresTaken(f"port {port} is in use by another program")
        raise PostgresFault(f"PostgreSQL did not start in {PORT_TRIES} tries: {said}")

    def _spawn(self, user: OSUser, port: int) -> int:
        """Start the server on ``port``; where its log began."""
        settings = _SETTINGS | {"port": str(port)}
        words = [f"{name}={value}" for name, value in settings.items()] + [self._mark]
        arguments = [part for word in words for part in ("-c", word)]
        log_path = self._folder / "server.log"
        if log_path.exists() and log_path.stat().st_size > LOG_BYTES_MAX:
            log_path.rename(log_path.with_suffix(".log.1"))
        with log_path.open("ab") as log:
            began = log.tell()
            self._process = subprocess.Popen(
                user.command("postgres", "-D", "/proc/self/cwd", *arguments),
                cwd=self._data,
                env=server_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in the terminal is for us: we stop the server after the last call.
                start_new_session=True,
            )
        return began

    def _settled(self) -> bool:
        """Whether the server we spawned is ready, or has ended."""
        return self.pid is None or (self._running() == self.pid and self._says_ready())

    def _log_since(self, began: int) -> str:
        with (self._folder / "server.log").open("rb") as log:
            log.seek(began)
            return log.read(4_000).decode(errors="replace").strip()

    def _free_port(self, attempt: int) -> int:
        """The port of last time when it is free, else any free one of the loopback address."""
        remembered = self._folder / "port"
        if attempt == 0 and remembered.exists():
            return int(remembered.read_text())
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
            return port


def _until(true: Callable[[], bool], seconds: float) -> bool:
    """Ask ``true`` every few milliseconds; whether it became so within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True
