"""The facts this room publishes; whoever serves snapshots compiles a new one after each of them."""

from bankside.kernel.outbox import tell

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
APP_RETURN_ADDED = "partners.app.return_address_added"
APP_RETURN_REMOVED = "partners.app.return_address_removed"
APP_KEY_REGISTERED = "partners.app.key_registered"
APP_KEY_ROTATED = "partners.app.key_rotated"
APP_KEY_REVOKED = "partners.app.key_revoked"
APP_ANSWER_KEY_CHOSEN = "partners.app.answer_key_chosen"
SANDBOX_CREATED = "partners.sandbox.created"
SANDBOX_LOAD_ANNOUNCED = "partners.sandbox.load_announced"
SANDBOX_CLOCK_MOVED = "partners.sandbox.clock_moved"

# Every event above starts with this; a consumer that recompiles needs no list.
PREFIX = "partners."

publish = tell
