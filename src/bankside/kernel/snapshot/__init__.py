"""The snapshot: what the catalogue compiles and the edge serves from.

Public: Operation, Key, App, Snapshot, SnapshotInvalid; encode, decode, content_hash.
"""

from bankside.kernel.snapshot.codec import SnapshotInvalid, content_hash, decode, encode
from bankside.kernel.snapshot.model import App, Key, Operation, Snapshot

__all__ = [
    "App",
    "Key",
    "Operation",
    "Snapshot",
    "SnapshotInvalid",
    "content_hash",
    "decode",
    "encode",
]
