"""The snapshot: what the catalogue compiles and the edge serves from.

Public: Operation, Key, App, Snapshot.
"""

from bankside.kernel.snapshot.model import App, Key, Operation, Snapshot

__all__ = ["App", "Key", "Operation", "Snapshot"]
