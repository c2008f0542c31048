"""Use cases of the webhooks slice; each takes the partner as its scope, and a tenant to narrow it.

An endpoint is a recipient of the outbox: what it gets, its queue, its dead letters and their replay
are the outbox's; the address and the keys are ours.
"""

from dataclasses import replace
from datetime import timedelta

from bankside.kernel import outbox
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.egress import Egress, EgressRefused
from bankside.kernel.ids import PartnerId, WebhookId, is_reference, new_id
from bankside.kernel.paging import Page, checked_cursor, checked_limit
from bankside.kernel.secrets import Vault
from bankside.partners.partners import read_partner
from bankside.partners.webhooks import signature, store
from bankside.partners.webhooks.errors import (
    EndpointInvalid,
    EndpointRotatedTooOften,
    EndpointsTooMany,
    EndpointUnknown,
)
from bankside.partners.webhooks.model import (
    ENDPOINTS_MAX,
    KEYS_MAX,
    NOUNS,
    ROTATION_OVERLAP_HOURS,
    TYPES_MAX,
    Endpoint,
    EndpointChange,
    EndpointKey,
    NewEndpoint,
    internal,
    is_type,
)


class Webhooks:
    """The endpoints of partners: ``vault`` keeps their keys, ``egress`` says what may be called."""

    def __init__(self, clock: Clock, vault: Vault, egress: Egress) -> None:
        self._clock = clock
        self._vault = vault
        self._egress = egress

    async def create(
        self, db: Connection, of: PartnerId, new: NewEndpoint, *, tenant: str | None = None
    ) -> tuple[Endpoint, str]:
        """A new active endpoint, told of every event from now on; and what to verify with.

        The secret (``whsec_...``) is shown this once. Raises PartnerUnknown, EndpointInvalid,
        EndpointsTooMany.
        """
        await read_partner(db, of)
        self._check_url(new.url)
        _check_types(new.types)
        if await store.count_locked(db, of, tenant) >= ENDPOINTS_MAX:
            raise EndpointsTooMany(f"there are at most {ENDPOINTS_MAX} endpoints")
        endpoint = Endpoint(
            id=WebhookId(new_id("webhook", self._clock)),
            partner=of,
            tenant=tenant,
            url=new.url,
            types=tuple(sorted(set(new.types))),
            signing=new.signing,
            status="active",
            reason="",
            version=1,
            created_at=self._clock.now(),
        )
        await store.insert(db, endpoint)
        await _register(db, endpoint)
        return endpoint, await self._add_key(db, endpoint)

    async def amend(
        self,
        db: Connection,
        of: PartnerId,
        endpoint_id: str,
        change: EndpointChange,
        *,
        tenant: str | None = None,
    ) -> Endpoint:
        """The endpoint has another address, other types or another status.

        What waits for it goes to the new address; a disabled one is told nothing, and of nothing
        that happens meanwhile. Raises EndpointUnknown, EndpointInvalid.
        """
        endpoint = await _locked(db, of, endpoint_id, tenant=tenant)
        if change.url is not None:
            self._check_url(change.url)
        if change.types is not None:
            _check_types(change.types)
        types = endpoint.types if change.types is None else tuple(sorted(set(change.types)))
        status = change.status or endpoint.status
        changed = replace(
            endpoint,
            url=change.url or endpoint.url,
            types=types,
            status=status,
            reason="" if status == "active" else endpoint.reason or "disabled by the partner",
            version=endpoint.version + 1,
        )
        await store.change(db, changed)
        if changed.status == "active":
            await _register(db, changed)
        elif endpoint.status == "active":
            await outbox.stop_consumer(db, changed.recipient)
        return changed

    async def rotate(
        self, db: Connection, of: PartnerId, endpoint_id: str, *, tenant: str | None = None
    ) -> tuple[Endpoint, str]:
        """A new key signs from now on, the one before it beside it for a day; what to verify with.

        Raises EndpointUnknown, EndpointRotatedTooOften.
        """
        endpoint = await _locked(db, of, endpoint_id, tenant=tenant)
        now = self._clock.now()
        await store.drop_keys(db, endpoint, before=now)
        if len(await store.keys(db, of, endpoint.id, at=now)) >= KEYS_MAX:
            raise EndpointRotatedTooOften
        await store.retire_keys(db, endpoint, until=now + timedelta(hours=ROTATION_OVERLAP_HOURS))
        return endpoint, await self._add_key(db, endpoint)

    async def _add_key(self, db: Connection, endpoint: Endpoint) -> str:
        secret, public = signature.new_key(endpoint.signing)
        key_id = new_id("key", self._clock)
        key = EndpointKey(
            id=key_id,
            sealed=self._vault.seal(secret, purpose=purpose(key_id)),
            public=public,
            created_at=self._clock.now(),
            signs_until=None,
        )
        await store.add_key(db, endpoint, key)
        return signature.shown(secret, public)

    def _check_url(self, url: str) -> None:
        try:
            self._egress.checked(url)
        except EgressRefused as refused:
            raise EndpointInvalid(f"url: {refused.detail}") from refused


async def read_endpoint(
    db: Connection, of: PartnerId, endpoint_id: str, *, tenant: str | None = None
) -> Endpoint:
    """The partner's endpoint; EndpointUnknown also for another partner's or tenant's."""
    found = None
    if is_reference(endpoint_id):
        found = await store.find(db, of, endpoint_id, tenant=tenant)
    if found is None:
        raise EndpointUnknown(f"there is no webhook endpoint {endpoint_id[:80]}")
    return found


async def list_endpoints(
    db: Connection,
    of: PartnerId,
    *,
    tenant: str | None = None,
    cursor: str | None = None,
    limit: int | None = None,
) -> Page[Endpoint]:
    """A page of the partner's endpoints (a tenant's: of its own), by id."""
    size = checked_limit(limit)
    found = await store.page(db, of, checked_cursor(cursor), size + 1, tenant=tenant)
    return Page.cut(found, size, key=lambda each: each.id)


async def remove_endpoint(
    db: Connection, of: PartnerId, endpoint_id: str, *, tenant: str | None = None
) -> Endpoint:
    """The endpoint is told nothing more; what waited for it is dropped. Or EndpointUnknown."""
    endpoint = await _locked(db, of, endpoint_id, tenant=tenant)
    await store.remove(db, of, endpoint.id)
    await outbox.forget_consumer(db, endpoint.recipient)
    return endpoint


async def enable_endpoint(db: Connection, of: PartnerId, endpoint_id: str) -> Endpoint:
    """A disabled endpoint is told again, of what happens from now on. Or EndpointUnknown."""
    endpoint = await store.set_status(db, of, endpoint_id, status="active", reason="")
    if endpoint is None:
        raise EndpointUnknown(f"there is no webhook endpoint {endpoint_id[:80]}")
    await _register(db, endpoint)
    return endpoint


async def disable_endpoint(db: Connection, of: str, endpoint_id: str, *, reason: str) -> None:
    """The endpoint is told nothing more until it is enabled again; its dead letters stay."""
    endpoint = await store.set_status(db, of, endpoint_id, status="disabled", reason=reason)
    if endpoint is not None:
        await outbox.stop_consumer(db, endpoint.recipient)


def purpose(key_id: str) -> str:
    """What an endpoint's key is sealed for."""
    return f"webhook:{key_id}"


async def _locked(
    db: Connection, of: PartnerId, endpoint_id: str, *, tenant: str | None
) -> Endpoint:
    """The endpoint as it stands, while nobody else changes it. Raises EndpointUnknown."""
    await store.lock(db, await read_endpoint(db, of, endpoint_id, tenant=tenant))
    return await read_endpoint(db, of, endpoint_id, tenant=tenant)


async def _register(db: Connection, endpoint: Endpoint) -> None:
    await outbox.register_consumer(
        db,
        endpoint.recipient,
        internal(endpoint.types),
        partner=endpoint.partner,
        tenant=endpoint.tenant,
    )


def _check_types(types: tuple[str, ...]) -> None:
    if not 1 <= len(types) <= TYPES_MAX or not all(map(is_type, types)):
        raise EndpointInvalid(
            f"types are 1 to {TYPES_MAX} beginnings of event types: "
            + ", ".join(f"{noun}." for noun in NOUNS)
        )
