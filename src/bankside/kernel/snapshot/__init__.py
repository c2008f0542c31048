"""The snapshot: what the catalogue compiles and the edge serves from.

Public: Access, Operation, Key, App, Snapshot, Stage, StageState, SnapshotInvalid; Upstream,
Forward, SentField, SentReply, MapRule, RefusalRule; encode, decode, content_hash, token_scope.
"""

from bankside.kernel.snapshot.codec import SnapshotInvalid, content_hash, decode, encode
from bankside.kernel.snapshot.model import (
    Access,
    App,
    Key,
    Operation,
    Snapshot,
    Stage,
    StageState,
    token_scope,
)
from bankside.kernel.snapshot.upstreams import (
    Forward,
    MapRule,
    RefusalRule,
    SentField,
    SentReply,
    Upstream,
)

__all__ = [
    "Access",
    "App",
    "Forward",
    "Key",
    "MapRule",
    "Operation",
    "RefusalRule",
    "SentField",
    "SentReply",
    "Snapshot",
    "SnapshotInvalid",
    "Stage",
    "StageState",
    "Upstream",
    "content_hash",
    "decode",
    "encode",
    "token_scope",
]
