"""The facts this room publishes."""

from bankside.kernel import outbox
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id

GRANT_AUTHORISED = "identity.grant.authorised"
GRANT_REVOKED = "identity.grant.revoked"
APPROVAL_REQUESTED = "identity.approval.requested"
PERSON_CREATED = "identity.person.created"
PERSON_ENROLLED = "identity.person.enrolled"
PERSON_ROLES_CHANGED = "identity.person.roles_changed"
PERSON_BLOCKED = "identity.person.blocked"
PERSON_UNBLOCKED = "identity.person.unblocked"


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
