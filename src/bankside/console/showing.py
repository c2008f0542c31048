"""How values stand on every page."""

from datetime import datetime

from bankside.kernel.clock import BANK_ZONE


def shown_time(at: datetime) -> str:
    """``2026-03-01 14:05`` in the bank's zone; the page names the zone once."""
    return at.astimezone(BANK_ZONE).strftime("%Y-%m-%d %H:%M")
