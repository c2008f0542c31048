"""What a person types wrong is told in one line, with exit code 2, and never as a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def bankside(*arguments: str, home: Path, **settings: str) -> subprocess.CompletedProcess[bytes]:
    """The command line, on a home folder where nothing runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("BANKSIDE_")}
    return subprocess.run(
        [sys.executable, "-m", "bankside", *arguments],
        env=kept | {"BANKSIDE_HOME": str(home)} | settings,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_a_folder_where_a_file_is_to_be_written_is_named(tmp_path: Path) -> None:
    done = bankside("catalogue", "openapi", str(tmp_path), home=tmp_path)

    assert done.returncode == 2
    assert done.stderr.decode().splitlines() == [f"bankside: {tmp_path}: Is a directory"]


@pytest.mark.parametrize(
    ("name", "value"), [("BANKSIDE_LOG", "loud"), ("BANKSIDE_REPLAY_RATE", "many")]
)
def test_a_setting_that_cannot_be_is_named(tmp_path: Path, name: str, value: str) -> None:
    done = bankside("catalogue", "count", home=tmp_path, **{name: value})

    assert done.returncode == 2
    assert done.stderr.decode().startswith(f"bankside: {name}='{value}' is not ")
    assert "Traceback" not in done.stderr.decode()
