"""What can be wrong with a folder of the Berka bank, and how it is told."""

from collections.abc import Sequence
from dataclasses import dataclass

from bankside.kernel.errors import Invalid, Refused

# A folder of the wrong data has thousands of faults; the first ones tell which it is.
FAULTS_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong at one place of one file; ``line`` 1 is the header, 0 the whole file."""

    file: str
    line: int
    column: str
    found: str
    expected: str

    def __str__(self) -> str:
        place = f" line {self.line}, {self.column}" if self.line else ""
        return f"{self.file}{place}: found {self.found}, expected {self.expected}"


class FilesInvalid(Invalid):
    """The files cannot be loaded; nothing was written."""

    code = "load.files_invalid"

    def __init__(self, faults: Sequence[Fault]) -> None:
        shown = list(faults[:FAULTS_SHOWN_MAX])
        rest = len(faults) - len(shown)
        lines = [str(fault) for fault in shown] + ([f"and {rest} more"] if rest else [])
        super().__init__(
            "\n  ".join(["nothing was loaded:", *lines]),
            errors=[
                {
                    "pointer": f"/{fault.file}/{fault.line}/{fault.column}",
                    "code": self.code,
                    "detail": str(fault),
                }
                for fault in shown
            ],
        )
        self.faults = tuple(faults)


class OtherFilesLoaded(Refused):
    """Another version of these files was loaded into this data space; nothing was changed."""

    code = "load.other_files_loaded"


class PostingRefused(Refused):
    """The ledger refused a derived posting; the load stands where it was and can be resumed."""

    code = "load.posting_refused"
