"""One answer for one idempotency key, also where the bank's own service keeps none.

Always true: two calls with one key never run at once; a key whose call was certainly not carried
out is free again; one whose outcome is unknown is asked again only of an upstream that takes keys
itself, and with the same key. Source: reliability guide section 3 (exactly once by keys).
"""

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from typing import Protocol

import msgspec
import structlog

from bankside.gateway.upstream import errors
from bankside.kernel.call import Answer, Call
from bankside.kernel.db import CONNECTION_LOST
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.kernel.idempotency import Begun, KeyScope

log = structlog.get_logger(__name__)

_encoder = msgspec.json.Encoder(order="deterministic")


class KeyStore(Protocol):
    """Remembers keys over all workers and restarts."""

    async def begin(self, scope: KeyScope, request_hash: bytes, *, may_resume: bool) -> Begun:
        """Take the key for this call when it is free; else say how it stands.

        ``may_resume``: a key of unknown outcome is taken too, because the upstream keeps it.
        """

    async def answered(self, scope: KeyScope, status: int, answer: bytes) -> None:
        """Keep the first answer."""

    async def unknown(self, scope: KeyScope) -> None:
        """Nobody knows what came of it."""

    async def free(self, scope: KeyScope) -> None:
        """Nothing happened: the key may be used again."""


def request_hash(call: Call) -> bytes:
    """Equal for equal requests, whatever dialect brought them."""
    parts = [dict(call.path), dict(call.query), dict(call.body)]
    return sha256(_encoder.encode(parts)).digest()


async def once(
    store: KeyStore, call: Call, send: Callable[[], Awaitable[Answer]], *, may_resume: bool
) -> Answer:
    """The answer to the call's key: the stored first one, or what ``send`` brings now."""
    scope = KeyScope.of(call)
    try:
        begun = await store.begin(scope, request_hash(call), may_resume=may_resume)
    except CONNECTION_LOST as error:
        raise Unavailable(retry_after=1) from error
    if begun.standing == "other":
        raise errors.ForwardKeyReused
    if begun.standing == "running":
        raise errors.ForwardKeyInProgress(retry_after=1)
    if begun.standing == "unknown":
        raise errors.UpstreamOutcomeUnknown
    if begun.standing == "answered":
        return _stored(begun)
    try:
        answer = await send()
    except asyncio.CancelledError:
        # The caller waits no longer; what became of the write is not known to anybody here.
        _beside(_kept(store.unknown(scope)))
        raise
    except BanksideError as error:
        await _kept(_after(store, scope, error))
        raise
    await _kept(store.answered(scope, answer.status, _written(answer)))
    return answer


async def _after(store: KeyStore, scope: KeyScope, error: BanksideError) -> None:
    if error.outcome_unknown:
        await store.unknown(scope)
    elif error.status >= 500 or isinstance(error, errors.ForwardInvalid):
        await store.free(scope)
    else:
        kept = {"code": error.code, "status": error.status, "title": error.detail}
        await store.answered(scope, 0, msgspec.json.encode(kept))


def _written(answer: Answer) -> bytes:
    body = answer.body
    if isinstance(body, bytes):
        return msgspec.json.encode({"kind": answer.content_type, "bytes": body})
    return msgspec.json.encode({"body": body})


def _stored(begun: Begun) -> Answer:
    kept = msgspec.json.decode(begun.answer)
    if not begun.status:
        refusal = errors.named_refusal(kept["code"], kept["status"], kept["title"])
        refusal.hit = True
        raise refusal
    if "kind" in kept:
        body = msgspec.convert(kept["bytes"], bytes)
        return Answer(begun.status, body, content_type=kept["kind"], hit=True)
    return Answer(begun.status, kept["body"], hit=True)


async def _kept(work: Awaitable[None]) -> None:
    """Note the outcome; when that fails, the key stands as running and ages into unknown."""
    try:
        await work
    except CONNECTION_LOST as error:
        log.error("forwarded_key_not_kept", error=type(error).__name__)


_tasks: set[asyncio.Future[None]] = set()


def _beside(work: Awaitable[None]) -> None:
    """Do it although this call is ended."""
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
