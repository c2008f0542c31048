"""A partner as a value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bankside.kernel.ids import PartnerId

# A blocked partner, app or tenant keeps its records; its calls are refused from the next snapshot.
Status = Literal["active", "blocked"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """Who signed the contract with the bank."""

    id: PartnerId
    name_zh: str
    name_en: str
    status: Status
    created_at: datetime
