"""An app as a value: what calls, for which partner, how fast, and for which products."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bankside.kernel.ids import AppId, PartnerId
from bankside.partners.partners import Status

Environment = Literal["sandbox", "live"]

# What an app may do until its contract says otherwise; one call a millisecond is still one app.
RATE_DEFAULT, BURST_DEFAULT = 100, 200
RATE_MAX, BURST_MAX = 100_000, 200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApp:
    """What to register. ``id`` is given by seeds only."""

    name: str
    environment: Environment = "sandbox"
    rate_per_second: int = RATE_DEFAULT
    burst: int = BURST_DEFAULT
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PartnerApp:
    """A registered app. ``version`` counts its changes."""

    id: AppId
    partner: PartnerId
    name: str
    environment: Environment
    status: Status
    rate_per_second: int
    burst: int
    version: int
    created_at: datetime
