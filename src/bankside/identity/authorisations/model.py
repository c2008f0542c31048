"""What travels from a pushed request to a grant, as values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bankside.identity.values import Place

# The time to open the page; the interaction carries on from there (guide: 60 s and 600 s).
REQUEST_SECONDS = 60
INTERACTION_SECONDS = 600
CODE_SECONDS = 60
# Reloads and link previews open interactions too; a stranger with the link must not open thousands.
OPENED_MAX = 30

# One entry of authorization_details (RFC 9396), as the client sent it.
Detail = Mapping[str, Any]


# How the answer travels: as parameters, or as one signed JWT (JARM).
ResponseMode = Literal["query", "jwt"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedRequest:
    """A checked authorization request (RFC 9126). ``state`` and ``nonce`` go back as they came."""

    partner: str
    client_id: str
    place: Place
    redirect_uri: str
    scopes: tuple[str, ...]
    details: tuple[Detail, ...]
    state: str | None
    nonce: str | None
    code_challenge: str
    dpop_jkt: str | None
    created_at: datetime
    response_mode: ResponseMode = "query"

    @property
    def expires_at(self) -> datetime:
        """Until when a browser may open it."""
        return self.created_at + timedelta(seconds=REQUEST_SECONDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a client asks a customer, wherever the customer is: all that a page shows of it.

    ``authorization_details`` are as the client sent them. ``opened_at``: since when it is before
    the customer; ``expires_at``: until when it can be answered.
    """

    id: str
    partner: str
    client_id: str
    client_name: str
    scopes: tuple[str, ...]
    authorization_details: tuple[Detail, ...]
    opened_at: datetime
    expires_at: datetime

    @property
    def purpose(self) -> str | None:
        """Why the client asks, in its own words."""
        said = (each.get("purpose") for each in self.authorization_details)
        return next((text for text in said if text), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Interaction(Asked):
    """One customer in front of our page, in one browser, with one pushed request."""

    request: PushedRequest = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What the customer ``subject`` said yes to, until ``until``, and how they proved themselves.

    ``authorization_details`` are those of the interaction, each as asked for; an entry may be left
    out, and may gain ``accounts`` (ids) or ``debtorAccount`` that the customer chose.
    ``amr``: RFC 8176 words such as ``pwd``, ``otp``, ``hwk``.
    """

    subject: str
    scopes: frozenset[str]
    authorization_details: tuple[Detail, ...]
    auth_time: datetime
    amr: tuple[str, ...]
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a customer allowed a client; ended by its revocation or by ``expires_at``."""

    partner: str
    id: str
    client_id: str
    subject: str
    scopes: tuple[str, ...]
    details: tuple[Detail, ...]
    auth_time: datetime
    amr: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether tokens of this grant are good at an instant."""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """An authorization code as it stands: what was bound to it."""

    grant_id: str
    redirect_uri: str
    code_challenge: str
    dpop_jkt: str | None
    nonce: str | None
    expires_at: datetime
    used_at: datetime | None
