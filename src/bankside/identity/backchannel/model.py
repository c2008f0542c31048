"""A request that waits for a customer's answer, as the customer and as the client see it."""

from dataclasses import dataclass
from datetime import datetime

from bankside.identity.authorisations import Asked, Detail

GRANT_TYPE = "urn:openid:params:grant-type:ciba"
# OpenID CIBA Core section 7.3: how long a client waits between two polls, and what a hurry costs.
INTERVAL_SECONDS, SLOW_DOWN_SECONDS, INTERVAL_SECONDS_MAX = 5, 5, 60
# The value must leave its hour's partition before that is emptied (`values`).
LIFE_SECONDS, LIFE_SECONDS_MAX = 300, 600
# It has to fit a phone's screen beside the amount.
BINDING_MESSAGE_MAX = 64
# A customer is not to be worn down with requests: more than these are refused.
WAITING_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting(Asked):
    """What waits on the customer's page. ``id`` is the page's name for it, no value of a client.

    ``binding_message`` is what the client shows at the same time ("" without one).
    """

    customer: str
    binding_message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A checked request of a client: ask ``login`` for this, for so many seconds."""

    login: str
    scopes: tuple[str, ...]
    details: tuple[Detail, ...]
    binding_message: str
    seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """The request as its client finds it when it asks for tokens."""

    expires_at: datetime
    interval_seconds: int
    polled_at: datetime | None
    answered_at: datetime | None
    grant_id: str | None
    used_at: datetime | None
