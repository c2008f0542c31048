"""The snapshot in force: taken from a signed blob, swapped by one assignment, kept on disk.

Always true: a blob that does not verify or contradicts itself changes nothing, the old snapshot
stays in force; calls in flight keep the one they began with. The last good blob lies on disk, so
the edge starts without the control plane and the database; one older than a day serves reads only.
"""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import structlog

from bankside.gateway.serving import Serving
from bankside.kernel.clock import Clock
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Verifier
from bankside.kernel.snapshot import SnapshotInvalid, decode

log = structlog.get_logger(__name__)

# A configuration that nobody could renew for a day may name apps that were blocked since.
AGE_SECONDS_MAX = 24 * 3600
# Notifications can be lost with their connection; the state is compared this often without any.
CHECK_SECONDS = 30.0
# The newest blob and two before it, for whoever has to look at what was in force.
BLOBS_KEPT = 3


class NoSnapshot(Exception):
    """There is no snapshot in force yet: neither published nor on disk."""


class SnapshotHolder:
    """Holds what is served from; one a worker. ``folder`` keeps the last good blobs."""

    def __init__(self, vault: Vault, verifier: Verifier, folder: Path, clock: Clock) -> None:
        self._vault = vault
        self._verifier = verifier
        self._folder = folder
        self._clock = clock
        self._current: Serving | None = None

    @property
    def current(self) -> Serving:
        """What new calls are served from. Raises NoSnapshot before the first."""
        if self._current is None:
            raise NoSnapshot
        return self._current

    @property
    def version(self) -> int:
        """Version in force; 0 before the first."""
        return self._current.version if self._current is not None else 0

    def replace(self, blob: bytes) -> Serving:
        """Put a published blob in force at once and keep it on disk. Raises SnapshotInvalid."""
        serving = Serving.of(decode(blob, self._verifier), self._vault)
        return self._put_in_force(serving, blob)

    async def replace_gently(self, blob: bytes) -> Serving:
        """The same while calls are being served: decoded in a thread, derived in short slices."""
        snapshot = await asyncio.to_thread(decode, blob, self._verifier)
        building = Serving.build(snapshot, self._vault)
        while True:
            try:
                next(building)
            except StopIteration as done:
                return self._put_in_force(done.value, blob)
            await asyncio.sleep(0)

    def start_from_disk(self) -> Serving:
        """Put the newest good blob on disk in force. Raises NoSnapshot when there is none."""
        for path in self._kept():
            try:
                snapshot = decode(path.read_bytes(), self._verifier)
            except (SnapshotInvalid, OSError) as error:
                log.error("kept_snapshot_unusable", path=path.name, error=str(error))
                continue
            age = self._clock.now().timestamp() - snapshot.built_at
            old = age > AGE_SECONDS_MAX
            log.warning("serving_from_disk", version=snapshot.version, age=age, reads_only=old)
            self._current = Serving.of(snapshot, self._vault, reads_only=old)
            return self._current
        raise NoSnapshot

    def _put_in_force(self, serving: Serving, blob: bytes) -> Serving:
        self._current = serving
        log.info("snapshot_in_force", version=serving.version)
        try:
            self._keep(serving.version, blob)
        except OSError as error:
            # Serving goes on; only a cold start without the database would miss this version.
            log.error("snapshot_not_kept", version=serving.version, error=str(error))
        return serving

    def _keep(self, version: int, blob: bytes) -> None:
        """Write under a temporary name, sync, rename: a crash leaves the old blob or the new."""
        self._folder.mkdir(parents=True, exist_ok=True)
        target = self._folder / f"{version:012d}.blob"
        if target.exists() and target.read_bytes() == blob:
            target.touch()
            return
        # Workers of one machine keep the same blob: each writes its own temporary file.
        temporary = self._folder / f".{version:012d}.{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(blob)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(target)
        for path in self._kept()[BLOBS_KEPT:]:
            # Another worker may have removed it already.
            with contextlib.suppress(FileNotFoundError):
                path.unlink()

    def _kept(self) -> list[Path]:
        """Kept blobs, the last one in force first (versions start again with a new database)."""
        found = []
        for path in self._folder.glob("*.blob"):
            with contextlib.suppress(FileNotFoundError):
                found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found, reverse=True)]


async def follow(
    holder: SnapshotHolder,
    fetch: Callable[[int], Awaitable[bytes | None]],
    versions: "asyncio.Queue[int]",
) -> None:
    """Keep ``holder`` at the newest published snapshot until cancelled.

    ``versions`` brings the version number of each notification; ``fetch(version in force)`` reads
    the newest blob, None when that is the one in force. Without notifications it is asked every
    CHECK_SECONDS. A fetch that fails or a blob that is invalid leaves the old snapshot in force.
    """
    while True:
        with contextlib.suppress(TimeoutError):
            if await asyncio.wait_for(versions.get(), CHECK_SECONDS) == holder.version:
                continue
        try:
            blob = await fetch(holder.version)
            if blob is not None:
                await holder.replace_gently(blob)
        except Exception as error:  # noqa: BLE001 - nothing that fails here may stop the serving
            log.error("snapshot_not_replaced", in_force=holder.version, error=repr(error))
