"""One proven call and its answer, as the edge hands them to whatever executes the operation.

The edge fills a ``Call`` after every check has passed; the room that runs the product returns an
``Answer`` or raises a ``BanksideError``. Wires turn both into their own dialect.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from bankside.kernel.caller import Caller
from bankside.kernel.snapshot import Operation


class Callback(msgspec.Struct, frozen=True):
    """Where the caller of a form dialect wants to be told what later becomes of its order.

    Also where it wants its payer's browser to come back to after our page. ``wire`` is whose form
    it is told in, ``repeats`` what of the request stands there again (``sign_type``, ``api``,
    ``encrypt_type``). The address passed the rules of ``kernel.egress``.
    """

    wire: str
    url: str
    repeats: Mapping[str, str] = {}


# Structs, not dataclasses: one of each is made for every call, and a frozen dataclass takes a
# microsecond to make.
class Call(msgspec.Struct, frozen=True):
    """A checked request in the platform's own shape, whatever wire it came by.

    ``body`` is the decoded JSON object ({} without one); amounts in it are
    ``{"amount": "12.34", "currency": "CNY"}``. After ``deadline`` nobody waits. ``return_to`` is
    the ``return_url`` of dialects that name one beside the business content. ``outcome`` is what a
    sandbox app asks to happen instead (``X-Sandbox-Outcome``); empty for live apps.
    ``trace`` is the caller's ``traceparent`` as it was sent, "" without one.
    """

    operation: Operation
    caller: Caller
    path: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    body: Mapping[str, Any] = {}
    idempotency_key: str | None = None
    deadline: datetime | None = None
    callback: Callback | None = None
    return_to: Callback | None = None
    outcome: str = ""
    trace: str = ""


class Answer(msgspec.Struct, frozen=True):
    """What the caller gets: an HTTP status and a JSON object, or bytes of a named content type.

    ``hit`` is true when this is the stored first answer of a repeated key.
    ``facts`` go into the call record only (``order``, ``branch`` ...), never to the caller.
    """

    status: int
    body: Mapping[str, Any] | bytes
    content_type: str = "application/json"
    hit: bool = False
    facts: Mapping[str, str] = {}
