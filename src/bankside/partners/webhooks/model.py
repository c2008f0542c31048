"""An endpoint a partner is told at, its keys, and the events that leave the house.

Always true: what leaves is a closed list of fields: ids, states, amounts and the partner's own
references, never a customer's data. Source: Standard Webhooks 1.0.0; security guide, section 9.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from bankside.kernel.clock import rfc3339
from bankside.kernel.events import Event
from bankside.kernel.ids import PartnerId, WebhookId, made_at

Signing = Literal["hmac-sha256", "ed25519"]
Status = Literal["active", "disabled"]

# Each signs every event until the overlap of a rotation ends, so there are two at most.
ROTATION_OVERLAP_HOURS = 24
ENDPOINTS_MAX = 20
TYPES_MAX = 50

# The noun of a type as partners see it -> who publishes it, and the fields that go along.
_NOUNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "order": (
        "orders",
        (
            *("order", "parent", "product", "reference", "tenant", "state", "status", "currency"),
            *("amount", "paid", "refunded", "split", "held", "settled", "fee", "code"),
        ),
    ),
    "consent": ("identity", ("consent", "client", "kind", "status", "valid_until")),
}
NOUNS = tuple(_NOUNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a partner is told: every event whose type begins with one of ``types``."""

    id: WebhookId
    partner: PartnerId
    url: str
    types: tuple[str, ...]
    signing: Signing
    status: Status
    reason: str
    version: int
    created_at: datetime

    @property
    def recipient(self) -> str:
        """The endpoint's name in the outbox."""
        return recipient(self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointKey:
    """A key that signs; ``sealed`` is a secret (hmac-sha256) or a seed (ed25519)."""

    id: str
    sealed: bytes = field(repr=False)
    public: bytes | None
    created_at: datetime
    signs_until: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """What to register."""

    url: str
    types: tuple[str, ...]
    signing: Signing = "hmac-sha256"


def recipient(endpoint: str) -> str:
    """The name of an endpoint in the outbox."""
    return f"webhook:{endpoint}"


def internal(types: tuple[str, ...]) -> list[str]:
    """The beginnings of our own event types that ``types`` stand for."""
    return [f"{_NOUNS[each.split('.', 1)[0]][0]}.{each}" for each in types]


def is_type(text: str) -> bool:
    """Whether a partner may ask for events that begin so: ``order.``, ``order.paid``."""
    noun, dot, fact = text.partition(".")
    return bool(dot) and noun in _NOUNS and (not fact or (fact.isascii() and fact.islower()))


def message(event: Event) -> bytes:
    """The body that is signed and sent: type, time of the event, and its data (thin)."""
    noun = event.type.split(".", 1)[1]
    fields = _NOUNS[noun.split(".", 1)[0]][1]
    data: dict[str, Any] = {name: event.body[name] for name in fields if name in event.body}
    said = {"type": noun, "timestamp": rfc3339(made_at(event.id)), "data": data}
    return msgspec.json.encode(said)
