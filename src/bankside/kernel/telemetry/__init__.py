"""What the operator sees of a running process: its log lines and its numbers.

Always true: a log line is one JSON object without secrets; a number has few labels, and a stranger
cannot make new ones; the numbers of all processes of a home are summed wherever they are asked for,
and go on where they stood when a process restarts.

Public: configure; Counter, counting, exposition, EXPOSITION_TYPE.
"""

from pathlib import Path

from bankside.kernel.telemetry import logs
from bankside.kernel.telemetry.calls import counting
from bankside.kernel.telemetry.counters import Counter
from bankside.kernel.telemetry.exposition import EXPOSITION_TYPE, exposition
from bankside.kernel.telemetry.shared import share

__all__ = ["EXPOSITION_TYPE", "Counter", "configure", "counting", "exposition"]


def configure(*, level: str, process: str, folder: Path | None = None) -> None:
    """Set up this process once, at its start: log lines of ``level`` and above go to stderr.

    ``folder``: where the processes of this home share their numbers (``<home>/metrics``); without
    one, `exposition` shows this process alone.
    """
    logs.configure(level, process)
    if folder is not None:
        share(folder)
