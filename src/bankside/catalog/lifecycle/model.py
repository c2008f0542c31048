"""A product version and the table of its moves.

Always true: of one product at most one version is live, at most one on trial (sandbox or canary)
and at most one in the making (draft or review); a definition never changes after its draft.
Source: catalogue guide section 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from bankside.catalog.lifecycle.errors import MoveRefused

# Who must have agreed to a move, beside its gates; and which right they need.
DRAFT_RIGHT, PUBLISH_RIGHT = "catalogue.draft", "catalogue.publish"
NOTICE_DAYS = 180
NOTICE_DAYS_MAX = 3_650
QUIET_DAYS = 30
SHARE_MAX = 10_000


class State(StrEnum):
    """Where a product version stands."""

    DRAFT = "draft"
    REVIEW = "review"
    SANDBOX = "sandbox"
    CANARY = "canary"
    LIVE = "live"
    DEPRECATED = "deprecated"
    OFFLINE = "offline"


MAKING = frozenset({State.DRAFT, State.REVIEW})
TRIAL = frozenset({State.SANDBOX, State.CANARY})
STANDING = frozenset({State.LIVE, State.DEPRECATED})


@dataclass(frozen=True, slots=True)
class Passage:
    """One row of the table: who has to agree, and whether an author may be among them.

    ``people`` different persons, each with one of ``rights``.
    """

    people: int
    rights: frozenset[str]
    authors: bool = False


_DRAFTERS = Passage(1, frozenset({DRAFT_RIGHT}), authors=True)
_ONE = Passage(1, frozenset({PUBLISH_RIGHT}))
_TWO = Passage(2, frozenset({PUBLISH_RIGHT}))
PASSAGES: Mapping[tuple[State, State], Passage] = {
    (State.DRAFT, State.REVIEW): _DRAFTERS,
    (State.REVIEW, State.DRAFT): Passage(1, frozenset({DRAFT_RIGHT, PUBLISH_RIGHT}), authors=True),
    (State.REVIEW, State.SANDBOX): _TWO,
    (State.SANDBOX, State.CANARY): _TWO,
    # Widening a canary is a move of its own.
    (State.CANARY, State.CANARY): _TWO,
    # The way back to safety needs nobody else.
    (State.CANARY, State.SANDBOX): _ONE,
    (State.CANARY, State.LIVE): _TWO,
    (State.LIVE, State.DEPRECATED): _TWO,
    (State.DEPRECATED, State.LIVE): _TWO,
    (State.DEPRECATED, State.OFFLINE): _TWO,
}


def passage(state: State, to: State) -> Passage:
    """What a move needs, or MoveRefused. Offline is final."""
    found = PASSAGES.get((state, to))
    if found is None:
        raise MoveRefused(f"a product version that is {state} does not become {to}")
    return found


def onward(state: State) -> tuple[State, ...]:
    """The states that can follow, in the order of the table."""
    return tuple(to for origin, to in PASSAGES if origin is state)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductVersion:
    """A version as stored; ``definition`` None: the one the package ships.

    ``kind`` says what executes it (``catalog.kinds``). ``pilots`` are partners who try it,
    ``share`` basis points of all others. ``revision`` counts its changes from 1.
    """

    product: str
    version: int
    kind: str
    state: State
    definition: Mapping[str, Any] | None
    author: str
    note: str
    pilots: tuple[str, ...] = ()
    share: int = 0
    successor: str = ""
    deprecated_at: datetime | None = None
    sunset_at: datetime | None = None
    offline_at: datetime | None = None
    revision: int = 1
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A definition somebody wants to become a product version."""

    product: str
    kind: str
    definition: Mapping[str, Any]
    author: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What people agree to, beside the state itself.

    ``pilots`` and ``share``: who meets a version on trial. ``successor``: the product that takes
    the place of one that ends, "" for none. ``notice_days`` until it may be withdrawn.
    ``confirmed``: risk tier and data class as the reviewer read them.
    """

    pilots: tuple[str, ...] = ()
    share: int = 0
    successor: str = ""
    notice_days: int = NOTICE_DAYS
    confirmed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Agreement:
    """Somebody's yes to one move of one revision."""

    person: str
    to: State
    terms: Terms
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ground:
    """A data space in which a version is proven: its app, and the partner it was made under."""

    space: str
    parent: str
    app: str
    product: str
    version: int


@dataclass(frozen=True, slots=True)
class Waiver:
    """A partner's signed word that a product may end before its time."""

    partner: str
    key: str
    text: str
    signature: bytes
    at: datetime
