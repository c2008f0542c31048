"""Keeps child processes alive: starts them, restarts what falls, stops them all cleanly.

Always true: a child that dies is started again after a back-off that doubles up to a limit; on
SIGINT or SIGTERM every child gets SIGTERM, time to drain, and only then SIGKILL.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

# The edge drains for 25 s at most (gateway); a little more before we insist.
DRAIN_SECONDS = 28.0
BACKOFF_FIRST_SECONDS = 0.2
BACKOFF_MAX_SECONDS = 10.0
# A child that lived this long was healthy: its next fall starts with the short back-off again.
HEALTHY_SECONDS = 30.0
TICK_SECONDS = 0.1
# A log grows by restarts only; what is older than this at a start moves to `.1`.
LOG_BYTES_MAX = 16 * 1024 * 1024


@dataclass
class Child:
    """One supervised process: ``python -m bankside <arguments>``, logging to ``log``."""

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    pass_fds: Sequence[int] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    backoff: float = field(default=BACKOFF_FIRST_SECONDS, init=False)
    start_at: float = field(default=0.0, init=False)
    falls: int = field(default=0, init=False)

    def start(self) -> None:
        """Start the process in its own session, so that Ctrl-C reaches only the supervisor."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_MAX:
            self.log.replace(self.log.with_suffix(".1.log"))
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bankside", *self.arguments],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=tuple(self.pass_fds),
                start_new_session=True,
            )
        self.started = time.monotonic()

    def signal(self, number: signal.Signals) -> None:
        """Send a signal when the process still lives."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Supervisor:
    """Starts children and watches them until it is told to stop."""

    def __init__(self, children: Sequence[Child], *, say: Callable[[str], None]) -> None:
        self._children = list(children)
        self._say = say
        self._stopping = False

    def start(self) -> None:
        """Start all children and take over SIGINT and SIGTERM."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._stop)
        for child in self._children:
            child.start()

    def fallen(self) -> list[Child]:
        """Children that are down at this moment."""
        return [c for c in self._children if c.process is None or c.process.poll() is not None]

    @property
    def stopping(self) -> bool:
        """Whether a signal asked us to stop."""
        return self._stopping

    def watch(self) -> None:
        """Restart what falls until a signal comes."""
        while not self._stopping:
            now = time.monotonic()
            for child in self.fallen():
                self._revive(child, now)
            time.sleep(TICK_SECONDS)

    def stop(self) -> None:
        """SIGTERM to all, wait for the drain, SIGKILL to whoever is left."""
        for child in self._children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + DRAIN_SECONDS
        for child in self._children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.name} did not stop within {DRAIN_SECONDS:.0f} s; killing it")
                child.process.kill()
                child.process.wait()

    def _revive(self, child: Child, now: float) -> None:
        if child.start_at == 0.0:
            code = child.process.returncode if child.process else None
            if now - child.started > HEALTHY_SECONDS:
                child.backoff = BACKOFF_FIRST_SECONDS
            child.falls += 1
            child.start_at = now + child.backoff
            self._say(
                f"{child.name} ended (exit {code}); starting it again in {child.backoff:.1f} s;"
                f" its log: {child.log}"
            )
            child.backoff = min(BACKOFF_MAX_SECONDS, child.backoff * 2)
        elif now >= child.start_at:
            child.start_at = 0.0
            child.start()

    def _stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping = True
