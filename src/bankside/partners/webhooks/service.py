"""Use cases of the webhooks slice; each takes the partner as its scope.

An endpoint is a recipient of the outbox: what it gets, its queue, its dead letters and their replay
are the outbox's; the address and the keys are ours.
"""

from datetime import datetime, timedelta

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
    DeliveryUnknown,
    EndpointInvalid,
    EndpointsTooMany,
    EndpointUnknown,
)
from bankside.partners.webhooks.model import (
    ENDPOINTS_MAX,
    NOUNS,
    ROTATION_OVERLAP_HOURS,
    TYPES_MAX,
    Endpoint,
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

    async def create(self, db: Connection, of: PartnerId, new: NewEndpoint) -> tuple[Endpoint, str]:
        """A new active endpoint, told of every event from now on; and what to verify with.

        The secret (``whsec_...``) is shown this once. Raises PartnerUnknown, EndpointInvalid,
        EndpointsTooMany.
        """
        await read_partner(db, of)
        self._check(new)
        if await store.count_locked(db, of) >= ENDPOINTS_MAX:
            raise EndpointsTooMany(f"a partner has at most {ENDPOINTS_MAX} endpoints")
        endpoint = Endpoint(
            id=WebhookId(new_id("webhook", self._clock)),
            partner=of,
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

    async def rotate(self, db: Connection, of: PartnerId, endpoint_id: str) -> tuple[Endpoint, str]:
        """A new key signs from now on, the old one beside it for a day; what to verify with.

        Raises EndpointUnknown.
        """
        endpoint = await read_endpoint(db, of, endpoint_id)
        now = self._clock.now()
        await store.drop_keys(db, endpoint, before=now)
        await store.retire_keys(db, endpoint, until=now + timedelta(hours=ROTATION_OVERLAP_HOURS))
        return endpoint, await self._add_key(db, endpoint)

    async def replay(
        self,
        db: Connection,
        of: PartnerId,
        endpoint_id: str,
        *,
        event: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> int:
        """Send again, with the ids they had: one event, a range of time, or all that failed.

        How many were queued. Raises EndpointUnknown, DeliveryUnknown, EndpointInvalid.
        """
        to = (await read_endpoint(db, of, endpoint_id)).recipient
        now = self._clock.now()
        if event is not None:
            found = await outbox.replay_one(db, event, at=now, consumer=to)
            if found == 0:
                raise DeliveryUnknown(f"the endpoint was never to get {event[:80]}")
            return found
        if since is None:
            return await outbox.replay_dead(db, at=now, consumer=to)
        if until is not None and until <= since:
            raise EndpointInvalid("`until` is not after `since`")
        return await outbox.replay_range(db, to, since=since, until=until or now, at=now)

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

    def _check(self, new: NewEndpoint) -> None:
        try:
            self._egress.checked(new.url)
        except EgressRefused as refused:
            raise EndpointInvalid(f"url: {refused.detail}") from refused
        if not 1 <= len(new.types) <= TYPES_MAX or not all(map(is_type, new.types)):
            raise EndpointInvalid(
                f"types are 1 to {TYPES_MAX} beginnings of event types: "
                + ", ".join(f"{noun}." for noun in NOUNS)
            )


async def read_endpoint(db: Connection, of: PartnerId, endpoint_id: str) -> Endpoint:
    """The partner's endpoint; EndpointUnknown also for another partner's."""
    found = await store.find(db, of, endpoint_id) if is_reference(endpoint_id) else None
    if found is None:
        raise EndpointUnknown(f"there is no webhook endpoint {endpoint_id[:80]}")
    return found


async def list_endpoints(
    db: Connection, of: PartnerId, *, cursor: str | None = None, limit: int | None = None
) -> Page[Endpoint]:
    """A page of the partner's endpoints, by id."""
    size = checked_limit(limit)
    found = await store.page(db, of, checked_cursor(cursor), size + 1)
    return Page.cut(found, size, key=lambda each: each.id)


async def remove_endpoint(db: Connection, of: PartnerId, endpoint_id: str) -> None:
    """The endpoint is told nothing more; what waited for it is dropped. Or EndpointUnknown."""
    endpoint = await read_endpoint(db, of, endpoint_id)
    await store.remove(db, of, endpoint.id)
    await outbox.forget_consumer(db, endpoint.recipient)


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


async def _register(db: Connection, endpoint: Endpoint) -> None:
    await outbox.register_consumer(
        db, endpoint.recipient, internal(endpoint.types), partner=endpoint.partner
    )
