"""Use cases of the tenants slice; each takes the partner as its scope."""

import hashlib
import secrets

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, TenantId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import events
from bankside.partners.partners import Status, checked_text, read_partner
from bankside.partners.tenants import store
from bankside.partners.tenants.errors import TenantExists, TenantUnknown
from bankside.partners.tenants.model import Tenant

# 256 random bits: what every secret we mint has.
TOKEN_BYTES = 32


async def create_tenant(
    db: Connection,
    clock: Clock,
    of: PartnerId,
    *,
    name_zh: str,
    name_en: str,
    tenant_id: str | None = None,
) -> tuple[Tenant, str]:
    """A new active tenant of the partner, and its ``app_auth_token``, shown this once.

    ``tenant_id`` is given by seeds only. Raises PartnerUnknown, TenantExists.
    """
    owner = await read_partner(db, of)
    tenant = Tenant(
        id=TenantId(tenant_id or new_id("tenant", clock)),
        partner=owner.id,
        name_zh=checked_text(name_zh),
        name_en=checked_text(name_en),
        status="active",
        created_at=clock.now(),
    )
    token = _token()
    if not is_reference(tenant.id) or not await store.insert(db, tenant, token_hash(token)):
        raise TenantExists(f"the tenant id {tenant.id} is taken or malformed")
    await events.publish(db, clock, events.TENANT_CREATED, of=(owner.id, tenant.id, 1))
    return tenant, token


async def read_tenant(db: Connection, of: PartnerId, tenant_id: str) -> Tenant:
    """The partner's tenant; TenantUnknown also for another partner's."""
    found = await store.find(db, of, tenant_id) if is_reference(tenant_id) else None
    if found is None:
        raise TenantUnknown(f"there is no tenant {tenant_id}")
    return found


async def list_tenants(
    db: Connection, of: PartnerId, *, cursor: str | None = None, limit: int | None = None
) -> Page[Tenant]:
    """A page of the partner's tenants, by id."""
    size = checked_limit(limit)
    found = await store.page(db, of, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def reissue_token(db: Connection, clock: Clock, of: PartnerId, tenant_id: str) -> str:
    """A new ``app_auth_token``; the old one is refused from the next snapshot on."""
    found = await read_tenant(db, of, tenant_id)
    token = _token()
    version = await store.set_token(db, of, found.id, token_hash(token))
    assert version is not None
    await events.publish(db, clock, events.TENANT_TOKEN_REISSUED, of=(of, found.id, version))
    return token


async def block_tenant(
    db: Connection, clock: Clock, of: PartnerId, tenant_id: str, *, reason: str
) -> None:
    """Calls for the tenant are refused from the next snapshot on."""
    await _set_status(
        db, clock, await read_tenant(db, of, tenant_id), status="blocked", reason=reason
    )


async def unblock_tenant(
    db: Connection, clock: Clock, of: PartnerId, tenant_id: str, *, reason: str
) -> None:
    """The tenant's token is accepted again from the next snapshot on."""
    await _set_status(
        db, clock, await read_tenant(db, of, tenant_id), status="active", reason=reason
    )


def token_hash(token: str) -> bytes:
    """What is kept of a token: SHA-256."""
    return hashlib.sha256(token.encode()).digest()


def _token() -> str:
    return f"aat_{secrets.token_urlsafe(TOKEN_BYTES)}"


async def _set_status(
    db: Connection, clock: Clock, found: Tenant, *, status: Status, reason: str
) -> None:
    version = await store.set_status(db, found.partner, found.id, status)
    assert version is not None
    fact = events.TENANT_BLOCKED if status == "blocked" else events.TENANT_UNBLOCKED
    await events.publish(
        db, clock, fact, of=(found.partner, found.id, version), reason=checked_text(reason)
    )
