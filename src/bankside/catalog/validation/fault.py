"""A fault of the definitions as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, in which file, with which entry (product, cloud, solution ...)."""

    file: str
    entry: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}.yaml: {self.entry}: {self.what}"
