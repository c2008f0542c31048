"""The same use cases from a terminal: calls, the signature doctor, loads, verification.

Always true: `--json` prints one JSON value on stdout and nothing else there; progress and errors go
to stderr; exit codes are 0 done, 1 refused by the platform, 2 usage, 3 unauthenticated, 4 network
or database out of reach, 5 a bug of ours. Modules are imported when their command runs, so that
`--help` answers at once.

Public: Installation (what `app` hands in), build (the command tree), main_with, fail, NETWORK,
USAGE.
"""

from bankside.cli.installation import Installation
from bankside.cli.output import NETWORK, USAGE, fail
from bankside.cli.tree import build, main_with

__all__ = ["NETWORK", "USAGE", "Installation", "build", "fail", "main_with"]
