"""An entry of the bank's list of parties it does no business with."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Listing:
    """``key`` is a name or number as ``rules.listing_key`` spells it; ``source`` names the list."""

    key: str
    source: str
    listed_on: date
