"""Use cases of the partners slice, for operators of the bank."""

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.partners import events
from bankside.partners.partners import store
from bankside.partners.partners.errors import PartnerExists, PartnerUnknown
from bankside.partners.partners.model import Partner, Status
from bankside.partners.partners.rules import checked_text


async def create_partner(
    db: Connection,
    clock: Clock,
    *,
    name_zh: str,
    name_en: str,
    partner_id: str | None = None,
) -> Partner:
    """A new active partner. ``partner_id`` is given by seeds only. Raises PartnerExists."""
    partner = Partner(
        id=PartnerId(partner_id or new_id("partner", clock)),
        name_zh=checked_text(name_zh),
        name_en=checked_text(name_en),
        status="active",
        created_at=clock.now(),
    )
    if not is_reference(partner.id) or not await store.insert(db, partner):
        raise PartnerExists(f"the partner id {partner.id} is taken or malformed")
    await events.publish(db, clock, events.PARTNER_CREATED, of=(partner.id, partner.id, 1))
    return partner


async def read_partner(db: Connection, partner_id: str) -> Partner:
    """The partner, or PartnerUnknown."""
    found = await store.find(db, partner_id) if is_reference(partner_id) else None
    if found is None:
        raise PartnerUnknown(f"there is no partner {partner_id}")
    return found


async def list_partners(
    db: Connection, *, cursor: str | None = None, limit: int | None = None
) -> Page[Partner]:
    """A page of all partners, by id."""
    size = checked_limit(limit)
    found = await store.page(db, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def block_partner(db: Connection, clock: Clock, partner_id: str, *, reason: str) -> None:
    """All calls of the partner's apps are refused from the next snapshot on."""
    await _set_status(db, clock, partner_id, status="blocked", reason=reason)


async def unblock_partner(db: Connection, clock: Clock, partner_id: str, *, reason: str) -> None:
    """The partner's active apps may call again from the next snapshot on."""
    await _set_status(db, clock, partner_id, status="active", reason=reason)


async def _set_status(
    db: Connection, clock: Clock, partner_id: str, *, status: Status, reason: str
) -> None:
    found = await read_partner(db, partner_id)
    version = await store.set_status(db, found.id, status)
    assert version is not None
    fact = events.PARTNER_BLOCKED if status == "blocked" else events.PARTNER_UNBLOCKED
    await events.publish(
        db, clock, fact, of=(found.id, found.id, version), reason=checked_text(reason)
    )
