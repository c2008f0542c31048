"""One fact about an order that was asked to be told, as both dialects read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from bankside.kernel.clock import BANK_ZONE

FORM_TYPE = "application/x-www-form-urlencoded;charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """The event ``id`` (the same over all attempts), what happened, and the order as it told it.

    ``name`` is the event's last word (``paid``); ``order`` the event's body: amounts as decimal
    texts, times as RFC 3339, the ids and the partner's own number. ``at`` is this attempt's time.
    """

    id: str
    name: str
    app: str
    order: Mapping[str, Any]
    at: datetime

    @property
    def local_time(self) -> str:
        """The attempt's time as these dialects write it, in GMT+8."""
        return self.at.astimezone(BANK_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def body(form: Mapping[str, str]) -> bytes:
    """A signed form as it is posted."""
    return urlencode(form).encode()
