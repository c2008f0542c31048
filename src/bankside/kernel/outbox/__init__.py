"""The outbox: events committed with the change they tell of, relayed afterwards, at least once.

Always true: an event row exists exactly when its change is committed. The relay (worker) claims by
state, never by a remembered last id, because identity order is not commit order. A consumer sees
the events of one object in their order, and may see an event twice: it is idempotent by event id.
A consumer that fails or is slow holds up no other consumer, and no other object.

Public: publish, publish_to, queued, tell; Relay, Consumer, DeliverLater, GiveUp, RETRY_SECONDS;
register_consumer, registered, forget_consumer, stop_consumer; Delivery, deliveries, attempts_at,
following; DeadLetter, dead_letters, replay_one, replay_range, replay_dead.
"""

from bankside.kernel.outbox.history import (
    DeadLetter,
    Delivery,
    attempts_at,
    dead_letters,
    deliveries,
    following,
    replay_dead,
    replay_one,
    replay_range,
)
from bankside.kernel.outbox.relay import (
    RETRY_SECONDS,
    Consumer,
    DeliverLater,
    GiveUp,
    Relay,
)
from bankside.kernel.outbox.store import (
    forget_consumer,
    publish,
    publish_to,
    queued,
    register_consumer,
    registered,
    stop_consumer,
    tell,
)

__all__ = [
    "RETRY_SECONDS",
    "Consumer",
    "DeadLetter",
    "DeliverLater",
    "Delivery",
    "GiveUp",
    "Relay",
    "attempts_at",
    "dead_letters",
    "deliveries",
    "following",
    "forget_consumer",
    "publish",
    "publish_to",
    "queued",
    "register_consumer",
    "registered",
    "replay_dead",
    "replay_one",
    "replay_range",
    "stop_consumer",
    "tell",
]
