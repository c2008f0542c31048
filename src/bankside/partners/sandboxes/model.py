"""The data space of one sandbox app as a value."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bankside.kernel.ids import PartnerId


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A data space: an id that stands where a partner's id stands, and belongs to one app.

    ``parent`` signed the contract. ``ahead``: how far its clock is ahead of the bank's.
    """

    id: PartnerId
    parent: PartnerId
    app: str
    ahead: timedelta
    created_at: datetime
