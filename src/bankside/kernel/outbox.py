"""The outbox: events committed with the change they tell of, relayed afterwards, at least once.

Always true: an event row exists exactly when its change is committed. The relay (worker) claims by
state, never by a remembered last id, because identity order is not commit order.
"""

import msgspec

from bankside.kernel.db import Write
from bankside.kernel.events import Event

_INSERT = """
insert into kernel.outbox (event_id, type, v, partner_id, object_id, object_seq, body)
values ($1, $2, $3, $4, $5, $6, $7::text::jsonb)
"""


def publish(event: Event) -> Write:
    """The row that publishes ``event`` when the caller's transaction commits."""
    return Write(
        _INSERT,
        (
            event.id,
            event.type,
            event.v,
            event.partner,
            event.object_id,
            event.object_seq,
            msgspec.json.encode(event.body).decode(),
        ),
    )
