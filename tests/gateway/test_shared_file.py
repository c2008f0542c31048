"""The file that all workers of a machine share: whoever makes it is alone until it is whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from bankside.gateway import shared
from bankside.gateway.shared import SharedFile

_TRY_TO_OPEN = """
import sys
from fcntl import LOCK_EX, LOCK_NB, lockf
with open(sys.argv[1], "r+b") as file:
    try:
        lockf(file, LOCK_EX | LOCK_NB, 1, 0)
    except OSError:
        sys.exit(3)
"""


def test_nobody_else_opens_a_file_while_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shared"
    others: list[int] = []

    def meanwhile(count: int) -> bytes:
        # The locks are laid out, and the head that says so is not written yet.
        tried = subprocess.run([sys.executable, "-c", _TRY_TO_OPEN, str(path)], check=False)
        others.append(tried.returncode)
        return bytes(count)

    monkeypatch.setattr(shared.secrets, "token_bytes", meanwhile)

    made = SharedFile(path, layout="a test", stripes=4, count=64, now=1.0)
    made.close()

    assert others == [3], "another process got the lock"
