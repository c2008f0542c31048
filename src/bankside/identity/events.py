"""The facts this room publishes."""

from bankside.kernel.outbox import tell

GRANT_AUTHORISED = "identity.grant.authorised"
GRANT_REVOKED = "identity.grant.revoked"
APPROVAL_REQUESTED = "identity.approval.requested"
PERSON_CREATED = "identity.person.created"
PERSON_ENROLLED = "identity.person.enrolled"
PERSON_ROLES_CHANGED = "identity.person.roles_changed"
PERSON_BLOCKED = "identity.person.blocked"
PERSON_UNBLOCKED = "identity.person.unblocked"

publish = tell
