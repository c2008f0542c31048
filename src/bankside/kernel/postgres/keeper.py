"""Starts an owned server again when it dies: an installation survives a killed PostgreSQL."""

import threading
import time

import structlog

from bankside.kernel.postgres.errors import PostgresFault
from bankside.kernel.postgres.server import EmbeddedPostgres

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2
# More deaths than this within a minute: something is wrong that starting again at once does not
# mend (a full disk, no memory), so the next tries leave it time.
DEATHS_MAX = 5
MEMORY_SECONDS = 60.0
PAUSE_SECONDS = 10.0


class Keeper:
    """Watches a started server from a thread of its own, until it is stopped.

    A server it starts lives as long as that thread, which ends with the process.
    """

    def __init__(self, server: EmbeddedPostgres) -> None:
        self._server = server
        self._stopping = threading.Event()
        self._deaths: list[float] = []
        self._thread = threading.Thread(target=self._keep, daemon=True, name="postgres keeper")
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; the server is left as it is."""
        self._stopping.set()
        self._thread.join()

    def _keep(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            if self._server.pid is None:
                self._revive()

    def _revive(self) -> None:
        """Start the server again; after a pause when it has died often."""
        now = time.monotonic()
        self._deaths = [at for at in self._deaths if now - at < MEMORY_SECONDS] + [now]
        log.error("postgres_died", deaths=len(self._deaths))
        if len(self._deaths) > DEATHS_MAX and self._stopping.wait(PAUSE_SECONDS):
            return
        try:
            self._server.restart()
            log.warning("postgres_recovered", pid=self._server.pid)
        except PostgresFault as error:
            log.error("postgres_not_started", error=str(error))
