"""Several worker processes that run the same lines on one shared file, all beginning at once."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def fleet(program: str, *arguments: str, size: int = 4) -> Iterator[list[subprocess.Popen[str]]]:
    """``size`` processes of ``program``, each waiting for a line; killed at the end."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(number), *arguments],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for number in range(size)
    ]  # fmt: skip
    try:
        for process in processes:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def go(processes: list[subprocess.Popen[str]]) -> None:
    """Let all begin."""
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()


def outputs(processes: list[subprocess.Popen[str]], seconds: float = 60) -> list[str]:
    """What each printed until its end."""
    return [process.communicate(timeout=seconds)[0] for process in processes]
