"""The snapshot: what the catalogue compiles and the edge serves from.

Public: Access, Operation, Key, App, Snapshot, SnapshotInvalid; encode, decode, content_hash,
token_scope.
"""

from bankside.kernel.snapshot.codec import SnapshotInvalid, content_hash, decode, encode
from bankside.kernel.snapshot.model import Access, App, Key, Operation, Snapshot, token_scope

__all__ = [
    "Access",
    "App",
    "Key",
    "Operation",
    "Snapshot",
    "SnapshotInvalid",
    "content_hash",
    "decode",
    "encode",
    "token_scope",
]
