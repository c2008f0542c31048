"""Who owns a home's server: the process that holds a file lock, freed by the kernel at its end."""

import fcntl
import os
from pathlib import Path

from bankside.kernel.postgres.errors import PostgresTaken


class HomeLock:
    """The lock file of ``<home>/postgres``; its text is the owner's pid."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._handle: int | None = None

    def take(self) -> None:
        """Own the home, or PostgresTaken naming who does. Taking it twice changes nothing."""
        if self._handle is not None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise PostgresTaken(
                f"{self._path.parent.parent} is in use by process {self.owner()}; stop that one, "
                "or set BANKSIDE_HOME to another folder"
            ) from None
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle

    def release(self) -> None:
        """Let another process own the home."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def owner(self) -> str:
        """The owner's pid, as far as it is known."""
        try:
            return self._path.read_text().strip() or "unknown"
        except FileNotFoundError:
            return "unknown"
