"""The processes of a running platform, as Linux tells of them."""

import os
import signal
import time
from pathlib import Path

from tests.platform import START_SECONDS, Platform


def pids(platform: Platform, kind: str) -> list[int]:
    """The platform's processes of a kind (``web``, ``edge``, ``worker``), by their command."""
    parent = platform.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if _command(pid)[-1:] == [kind]]


def kill_all(platform: Platform, kind: str) -> None:
    """Kill every process of a kind without warning; their successors have begun afterwards."""
    before = pids(platform, kind)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + START_SECONDS
    while len(set(pids(platform, kind)) - set(before)) < len(before):
        assert time.monotonic() < deadline, platform.logs()
        time.sleep(0.05)


def servers(platform: Platform, ports: set[int], kind: str = "web") -> set[int]:
    """Which processes of a kind hold connections from these local ports; ask while they stand."""
    inodes = {f"socket:[{inode}]" for port, inode in _connections() if port in ports}
    return {pid for pid in pids(platform, kind) if inodes & _sockets(pid)}


def _command(pid: str) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().strip("\0").split("\0")
    except OSError:
        return []


def _connections() -> list[tuple[int, str]]:
    """Remote port and inode of every TCP connection over IPv4."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [(int(row[2].partition(":")[2], 16), row[9]) for row in rows]


def _sockets(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(str(link.readlink()))
        except OSError:
            continue
    return found
