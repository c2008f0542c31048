"""Calls by access token or under a consent: who is behind them, and whether that still stands.

A token is looked up only after its proof's signature verified, and the proof is claimed only after
the token is known to be bound to the proof's key: a stranger costs no look-up that is not counted
against its address, and burns no one's ``jti``. Source: security guide sections 4 and 6.
"""

from collections.abc import Awaitable

from bankside.gateway.errors import (
    AccessChanged,
    AccessEnded,
    ConsentNotTaken,
    HeaderMalformed,
    LeaseLapsed,
    ProofInvalid,
    TokenInvalid,
)
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import TokenResolver
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage
from bankside.gateway.stages.acquaintance import Strangers
from bankside.gateway.tokens import Access, consent_mark
from bankside.gateway.wires.token import Presented, TokenWire
from bankside.kernel.ids import is_reference
from bankside.kernel.signing.dpop import ProofBroken

_NO_TOKEN = "the access token is unknown, expired, revoked, or bound to another key"  # noqa: S105


class NotYet(Exception):
    """A stage has to wait for ``work``; afterwards the call goes on with this same stage."""

    def __init__(self, work: Awaitable[None]) -> None:
        super().__init__()
        self.work = work


def token(tokens: TokenResolver, strangers: Strangers) -> Stage:
    """The token is good, and the proof beside it was made by its key for this call, now."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        if not isinstance(x.wire, TokenWire):
            return None
        presented: Presented = x.wire_state
        if presented.said is not None and presented.proof is None:
            try:
                presented.proof = x.wire.proven(x)
            except ProofBroken as error:
                strangers.failed(x)
                return Refusal.of(ProofInvalid(f"DPoP: {error}"))
        if not tokens.live:
            return Refusal.of(LeaseLapsed(retry_after=1))
        access = tokens.known(presented.digest, x.now)
        if access is None:
            if not presented.asked and not tokens.absent(presented.digest, x.now):
                raise NotYet(_asked(tokens, presented, x.now))
            strangers.failed(x)
            return Refusal.of(TokenInvalid(_NO_TOKEN))
        app = s.apps.get(access.client)
        if not _is_holder(presented, access) or app is None or app.partner != access.partner:
            strangers.failed(x)
            return Refusal.of(TokenInvalid(_NO_TOKEN))
        x.app, x.app_id, x.access, x.since = app, app.id, access, access.seq
        if presented.proof is not None:
            x.proof = presented.proof.jti
        return None

    return stage


def _is_holder(presented: Presented, access: Access) -> bool:
    """Whether the caller proved the key, or the certificate, that the token is bound to."""
    if presented.proof is not None:
        return access.jkt == presented.proof.jkt
    return presented.said is None and presented.x5t != "" and access.x5t == presented.x5t


async def _asked(tokens: TokenResolver, presented: Presented, now: float) -> None:
    await tokens.ask(presented.token, presented.digest, now)
    presented.asked = True


def consent(tokens: TokenResolver | None) -> Stage:
    """A consent named by a signed call can be looked at; the executing room does that."""

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        if x.consent is None:
            return None
        assert x.operation is not None
        if x.operation.access != "either" or x.access is not None:
            return Refusal.of(ConsentNotTaken())
        if not is_reference(x.consent):
            return Refusal.of(HeaderMalformed("x-consent-id is the id of a consent"))
        if tokens is None or not tokens.live:
            return Refusal.of(LeaseLapsed(retry_after=1))
        x.since = tokens.applied
        return None

    return stage


def taken_back(x: Exchange, tokens: TokenResolver) -> Refusal | None:
    """The last look before an answer leaves: whether what let the call in still stands."""
    if not tokens.live:
        return Refusal.of(LeaseLapsed(retry_after=1))
    if x.access is not None:
        ended = tokens.ended(x.access.marks, x.since)
    else:
        assert x.app is not None
        assert x.consent is not None
        ended = tokens.ended((consent_mark(x.app.partner, x.consent),), x.since)
    if ended is None:
        return None
    if ended.startswith("consents of "):
        return Refusal.of(AccessChanged(retry_after=1))
    return Refusal.of(AccessEnded())
