"""Facts one room tells the others: past tense, frozen, versioned, complete enough to act on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """A fact about one object. ``type`` is ``room.noun.verb_past`` (``orders.order.completed``).

    ``object_seq`` counts the object's events from 1: consumers see them in this order.
    ``body`` is JSON; amounts in it are decimal strings.
    """

    id: str
    type: str
    partner: str
    object_id: str
    object_seq: int
    body: Mapping[str, Any]
    v: int = 1
