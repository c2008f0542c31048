"""The facts this room publishes; whoever serves snapshots compiles a new one after each of them."""

from bankside.kernel import outbox
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id

PARTNER_CREATED = "partners.partner.created"
PARTNER_BLOCKED = "partners.partner.blocked"
PARTNER_UNBLOCKED = "partners.partner.unblocked"
TENANT_CREATED = "partners.tenant.created"
TENANT_TOKEN_REISSUED = "partners.tenant.token_reissued"  # noqa: S105 - the name of an event
TENANT_BLOCKED = "partners.tenant.blocked"
TENANT_UNBLOCKED = "partners.tenant.unblocked"
APP_CREATED = "partners.app.created"
APP_BLOCKED = "partners.app.blocked"
APP_UNBLOCKED = "partners.app.unblocked"
APP_SUBSCRIBED = "partners.app.subscribed"
APP_UNSUBSCRIBED = "partners.app.unsubscribed"
APP_RATE_CHANGED = "partners.app.rate_changed"
APP_KEY_REGISTERED = "partners.app.key_registered"
APP_KEY_ROTATED = "partners.app.key_rotated"
APP_KEY_REVOKED = "partners.app.key_revoked"
APP_ANSWER_KEY_CHOSEN = "partners.app.answer_key_chosen"

# Every event above starts with this; a consumer that recompiles needs no list.
PREFIX = "partners."


async def publish(
    db: Connection, clock: Clock, fact: str, *, of: tuple[str, str, int], **body: object
) -> None:
    """The fact commits with the change; ``of`` is (partner, object, the object's new version)."""
    partner, object_id, version = of
    event = Event(
        id=new_id("event", clock),
        type=fact,
        partner=partner,
        object_id=object_id,
        object_seq=version,
        body=body,
    )
    await write_all(db, [outbox.publish(event)])
