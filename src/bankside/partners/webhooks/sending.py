"""Takes events to partners' endpoints: what the outbox's channel ``webhook`` does with one.

Always true: an attempt signs afresh (new timestamp, same id); only 2xx is success and a redirect is
a failure; what a partner answers is never shown to anybody else. Source: Standard Webhooks 1.0.0.
"""

import asyncio

from bankside.kernel.clock import Clock
from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Pool, transaction
from bankside.kernel.egress import Answer, Egress
from bankside.kernel.events import Event
from bankside.kernel.outbox import Consumer, DeliverLater, GiveUp
from bankside.kernel.secrets import Vault
from bankside.partners.webhooks import signature, store
from bankside.partners.webhooks.model import Endpoint, message
from bankside.partners.webhooks.service import disable_endpoint, purpose

CHANNEL = "webhook"
# Standard Webhooks: 15 to 30 seconds.
ANSWER_SECONDS = 20.0
# Security guide, section 9: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, then dead.
RETRY_SECONDS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
# Attempts under way for one endpoint: more would only queue on its side.
EACH = 8
# An endpoint that is overloaded and names no time is left alone for a minute.
PAUSE_SECONDS = 60.0
PAUSE_SECONDS_MAX = 86_400.0
_OVERLOADED = frozenset({429, 502, 503, 504})
_GONE = 410


class NotAccepted(Exception):
    """The endpoint answered, and not with 2xx."""


class Sender:
    """Sends events; ``consumer`` is what the relay runs."""

    def __init__(self, pool: Pool, clock: Clock, vault: Vault, egress: Egress) -> None:
        self._pool = pool
        self._clock = clock
        self._vault = vault
        self._egress = egress

    @property
    def consumer(self) -> Consumer:
        """The channel of all endpoints."""
        return Consumer(
            name=CHANNEL,
            deliver=self.deliver,
            types=None,
            retry=RETRY_SECONDS,
            jitter=0.2,
            seconds=ANSWER_SECONDS + 5,
            each=EACH,
        )

    async def deliver(self, event: Event, recipient: str) -> None:
        """Tell one endpoint of one event. Raises what makes the relay try again, or give up."""
        endpoint_id = recipient.removeprefix(f"{CHANNEL}:")
        async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            endpoint = await store.find_told(db, event.partner, endpoint_id)
            if endpoint is None or endpoint.status != "active":
                raise GiveUp("the endpoint is gone or disabled")
            keys = await store.keys(db, endpoint.partner, endpoint.id, at=self._clock.now())
        opened = [self._vault.open(key.sealed, purpose=purpose(key.id)) for key in keys]
        body = message(event)
        headers = self._headers(endpoint, opened, event.id, body)
        answer = await self._egress.call(
            "POST", endpoint.url, headers, body=body, seconds=ANSWER_SECONDS
        )
        await self._judge(endpoint, answer)

    def _headers(
        self, endpoint: Endpoint, secrets: list[bytes], event_id: str, body: bytes
    ) -> dict[str, str]:
        at = str(int(self._clock.now().timestamp()))
        content = f"{event_id}.{at}.".encode() + body
        signatures = [signature.signed(endpoint.signing, each, content) for each in secrets]
        return {
            "content-type": "application/json",
            "webhook-id": event_id,
            "webhook-timestamp": at,
            "webhook-signature": " ".join(signatures),
        }

    async def _judge(self, endpoint: Endpoint, answer: Answer) -> None:
        if 200 <= answer.status < 300:
            return
        if answer.status == _GONE:
            # Shielded: the relay's time limit must not leave the endpoint half disabled.
            await asyncio.shield(self._disable(endpoint))
            raise GiveUp("the endpoint answered 410")
        if answer.status in _OVERLOADED:
            raise DeliverLater(f"answered {answer.status}", seconds=_asked_pause(answer))
        raise NotAccepted(f"answered {answer.status}")

    async def _disable(self, endpoint: Endpoint) -> None:
        async with transaction(self._pool) as db:
            await disable_endpoint(
                db, endpoint.partner, endpoint.id, reason="the endpoint answered 410 Gone"
            )


def _asked_pause(answer: Answer) -> float:
    """The seconds of ``Retry-After`` (RFC 9110 section 10.2.3, the form in seconds), bounded."""
    text = answer.headers.get("retry-after", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        return PAUSE_SECONDS
    return min(max(float(text), 1.0), PAUSE_SECONDS_MAX)
