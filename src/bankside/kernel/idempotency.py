"""What an idempotency key is unique in, and how a key stands when a call with it begins.

Always true: equal keys of two partners, tenants, apps or operations are different keys.
Source: reliability guide section 3.
"""

from hashlib import sha256
from typing import Literal, NamedTuple
from uuid import UUID

from bankside.kernel.call import Call

Standing = Literal["fresh", "running", "unknown", "answered", "other"]


class KeyScope(NamedTuple):
    """What a key is unique in, in the order of the columns that keep it."""

    partner: str
    tenant: str
    app: str
    operation: str
    key: str

    @classmethod
    def of(cls, call: Call) -> "KeyScope":
        """The scope of a call's key."""
        caller, key = call.caller, call.idempotency_key or ""
        return cls(caller.partner, caller.tenant or "", caller.app, call.operation.id, key)

    @property
    def derived(self) -> str:
        """The key a service behind the platform is given: two partners' equal keys differ there."""
        return str(UUID(bytes=sha256("\0".join(self).encode()).digest()[:16], version=4))


class Begun(NamedTuple):
    """How a key stands when a call begins; ``status`` and ``answer`` (JSON) of an answered one."""

    standing: Standing
    status: int = 0
    answer: bytes = b""
