"""Tells partners of their orders at the addresses their requests named.

Always true: each server of a partner is one recipient of the outbox, so that a slow one delays
nobody else; the facts of one order go in their order; what the partner answers decides, and nobody
else sees it. Two channels, because their schedules differ: ``notify`` (form dialects) and
``callback`` (native). Source: wire-protocol rules, sections 2 to 4; security guide, section 9.
"""

import secrets
from collections.abc import Mapping

from bankside.gateway.callbacks import (
    FORM_TYPE,
    Fact,
    alipay_accepted,
    alipay_form,
    icbc_accepted,
    icbc_form,
    native_accepted,
    native_headers,
)
from bankside.kernel.call import Callback
from bankside.kernel.clock import Clock
from bankside.kernel.db import POOL_ACQUIRE_SECONDS, Pool
from bankside.kernel.egress import Answer, Egress
from bankside.kernel.events import Event
from bankside.kernel.ids import PartnerId
from bankside.kernel.outbox import Consumer
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Signer, signer, verifier
from bankside.kernel.signing.alipay import SIGN_TYPES
from bankside.kernel.signing.rfc9421 import Identity
from bankside.orders.events import CALLBACK_CHANNEL, NOTIFY_CHANNEL, callback_of
from bankside.partners import AppKey, PlatformKey, WireKeys, private_key, wire_keys
from bankside.partners.webhooks import RETRY_SECONDS as NATIVE_RETRY_SECONDS
from bankside.partners.webhooks import message

# The Alipay-style schedule: 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h, then dead. The ICBC-style
# public rules name none, so it is theirs as well.
RETRY_SECONDS = (240, 600, 600, 3_600, 7_200, 21_600, 54_000)
ANSWER_SECONDS = 20.0
# Attempts under way for one server: more would only queue on its side.
EACH = 8
# Keys of the bank times digests; far above what it keeps.
_SIGNERS_MAX = 64


class NotTaken(Exception):
    """The address answered, and not with the dialect's word for success."""


class Callbacks:
    """Posts callbacks; ``consumers`` are what the relay runs."""

    def __init__(self, pool: Pool, clock: Clock, vault: Vault, egress: Egress) -> None:
        self._pool = pool
        self._clock = clock
        self._vault = vault
        self._egress = egress
        self._signers: dict[tuple[str, str], Signer] = {}

    @property
    def consumers(self) -> tuple[Consumer, ...]:
        """The channels of all servers that are told so."""
        return (
            self._channel(NOTIFY_CHANNEL, RETRY_SECONDS, jitter=0.0),
            self._channel(CALLBACK_CHANNEL, NATIVE_RETRY_SECONDS, jitter=0.2),
        )

    def _channel(self, name: str, retry: tuple[int, ...], *, jitter: float) -> Consumer:
        return Consumer(
            name=name,
            deliver=self.deliver,
            types=None,
            retry=retry,
            jitter=jitter,
            seconds=ANSWER_SECONDS + 5,
            each=EACH,
        )

    async def deliver(self, event: Event, _: str) -> None:
        """Tell of one fact where its order asked for it. Raises what makes the relay try again."""
        callback = callback_of(event.body)
        if callback is None:
            return
        keys = await self._keys(event, callback.wire)
        if callback.wire == "native":
            headers, body = self._native(event, callback, keys)
        else:
            headers, body = {"content-type": FORM_TYPE}, self._form(event, callback, keys)
        answer = await self._egress.call(
            "POST", callback.url, headers, body=body, seconds=ANSWER_SECONDS
        )
        if not _taken(answer, event, callback, keys):
            raise NotTaken(f"answered {answer.status}, and not the dialect's success")

    def _native(
        self, event: Event, callback: Callback, keys: WireKeys
    ) -> tuple[Mapping[str, str], bytes]:
        body = message(event)
        identity = Identity(
            key_id=keys.bank.id, alg=keys.bank.alg, sign=self._signer(keys.bank, keys.bank.alg)
        )
        nonce = secrets.token_urlsafe(16)
        at = self._clock.now()
        return native_headers(callback.url, body, event.id, identity, at=at, nonce=nonce), body

    def _form(self, event: Event, callback: Callback, keys: WireKeys) -> bytes:
        fact = Fact(
            id=event.id,
            name=event.type.rpartition(".")[2],
            app=event.body["app"],
            order=event.body,
            at=self._clock.now(),
        )
        if callback.wire == "icbc":
            encrypted = "encrypt_type" in callback.repeats and keys.content
            aes = self._content_key(keys.content[0]) if encrypted else None
            return icbc_form(fact, callback, self._signer(keys.bank, "rsa-sha1"), aes=aes)
        sign_type = callback.repeats["sign_type"]
        sign = self._signer(keys.bank, SIGN_TYPES[sign_type])
        return alipay_form(fact, sign, sign_type=sign_type)

    async def _keys(self, event: Event, wire: str) -> WireKeys:
        async with self._pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            partner, app = PartnerId(event.partner), event.body["app"]
            return await wire_keys(db, self._clock, partner, app, wire)

    def _content_key(self, key: AppKey) -> bytes:
        return self._vault.open(key.material, purpose=f"key:{key.id}")

    def _signer(self, key: PlatformKey, alg: str) -> Signer:
        """The bank's signer under the dialect's digest, parsed once: RSA keys take their time."""
        known = self._signers.get((key.id, alg))
        if known is None:
            if len(self._signers) >= _SIGNERS_MAX:
                self._signers.clear()
            known = self._signers[key.id, alg] = signer(alg, private_key(self._vault, key))
        return known


def _taken(answer: Answer, event: Event, callback: Callback, keys: WireKeys) -> bool:
    """Whether the partner's answer is its dialect's success."""
    if callback.wire == "native":
        return native_accepted(answer.status)
    if callback.wire == "icbc":
        verifiers = [verifier(key.alg, key.material) for key in keys.verifying]
        return icbc_accepted(answer.status, answer.body, event.id, verifiers)
    return alipay_accepted(answer.status, answer.body)
