"""An endpoint a partner is told at, its keys, and the events that leave the house.

Always true: what leaves is a closed list of fields: ids, states, amounts and the partner's own
references, never a customer's data. Source: Standard Webhooks 1.0.0; security guide, section 9.
"""

import re
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

# Each signs every event until the overlap of its rotation ends. An answer with a new key may get
# lost, so there may be a few rotations within one overlap; the header stays short all the same.
ROTATION_OVERLAP_HOURS = 24
KEYS_MAX = 4
# Of the partner itself, and of each of its tenants: an event costs a delivery for each of them.
ENDPOINTS_MAX = 20
TYPES_MAX = 50
# What one call sends again: more is a range for several calls.
REPLAY_MAX = 10_000

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
    # A product that a partner holds is on its way out, withdrawn, or back.
    "product": ("catalog", ("product", "version", "state", "successor", "withdrawn_from")),
    "solution_run": ("orders", ("run", "run_no", "solution", "tenant", "state", "code")),
    "entry": (
        "orders",
        (
            *("subscription", "tenant", "account", "entry", "sequence", "credit_debit"),
            *("amount", "currency", "kind", "group", "booking_date", "value_date"),
        ),
    ),
}
NOUNS = tuple(_NOUNS)

# What a partner causes itself to try its endpoint; no type a partner may ask for begins so.
TEST = "partners.webhook.test"
# Failures whose words are ours, and may be shown to the partner.
_SHOWN_FAILURE = re.compile(
    r"""(?:NotAccepted|EgressRefused|GiveUp|DeliverLater)\((['"])(.{1,200}?)\1.*\)"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a partner is told: every event whose type begins with one of ``types``.

    With ``tenant``: only those of this tenant of the partner.
    """

    id: WebhookId
    partner: PartnerId
    tenant: str | None
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


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What of an endpoint becomes other; what is None stays."""

    url: str | None = None
    types: tuple[str, ...] | None = None
    status: Status | None = None


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


def is_told(types: tuple[str, ...], text: str) -> bool:
    """Whether an endpoint with these types is told of events of exactly the type ``text``."""
    return is_type(text) and not text.endswith(".") and text.startswith(types)


def trial_body(endpoint: Endpoint, as_type: str | None) -> dict[str, Any]:
    """What a test tells: that it is one, in the place of an event of ``as_type`` if that is given.

    It names no object that exists: ``order_test`` and the like.
    """
    if as_type is None:
        return {"as": "webhook.test", "test": True, "endpoint": endpoint.id}
    noun, _, fact = as_type.partition(".")
    return {"as": as_type, "test": True, noun: f"{noun}_test", "status": fact}


def message(event: Event) -> bytes:
    """The body that is signed and sent: type, time of the event, and its data (thin)."""
    return msgspec.json.encode(told(event))


def told(event: Event) -> dict[str, Any]:
    """The message of an event before it becomes bytes."""
    if event.type == TEST:
        noun = str(event.body["as"])
        data = {name: value for name, value in event.body.items() if name != "as"}
    else:
        noun = event.type.split(".", 1)[1]
        fields = _NOUNS[noun.split(".", 1)[0]][1]
        data = {name: event.body[name] for name in fields if name in event.body}
    return {"type": noun, "timestamp": rfc3339(made_at(event.id)), "data": data}


def failure(last_error: str | None) -> str | None:
    """Why the last attempt failed, in words that tell nothing about the inside of the bank."""
    if last_error is None:
        return None
    found = _SHOWN_FAILURE.fullmatch(last_error)
    if found:
        return found[2]
    if last_error.startswith("TimeoutError"):
        return "no answer in time"
    return "the bank could not send it"
