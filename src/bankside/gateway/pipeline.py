"""One call from request to signed answer: the stages in their order, written out once.

Always true: a refusal at any stage is a value that jumps to the answer; a stage never calls
another; an operation is executed at most once, and only after every check before it passed. A call
whose executing room answers at once needs no task; the others are awaited up to their deadline.
Whatever breaks on our side is answered without detail and logged with the request id.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import perf_counter
from typing import Protocol

import msgspec
import structlog

from bankside.gateway.errors import (
    DeadlinePassed,
    DependencyLost,
    Internal,
    RecordUnwritten,
)
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.ports import Handle, LimitStore, Meter, ReplayStore, TokenResolver, Wire
from bankside.gateway.serving import Serving
from bankside.gateway.slow_signing import SlowSigning
from bankside.gateway.stages import (
    Stage,
    access,
    acquaintance,
    content,
    offer,
    proof,
    recognition,
    rights,
)
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.db import CONNECTION_LOST
from bankside.kernel.errors import BanksideError
from bankside.kernel.local_limits import LocalLimits

log = structlog.get_logger(__name__)

# Said of a write whose effect nobody knows: ask again with the same key, never with a new one.
UNKNOWN = {"outcome": "unknown"}
# Dialects of forms have a parameter of this meaning as well: ``sandbox_outcome``.
OUTCOME_HEADER = "x-sandbox-outcome"
# A token's look-up is one short read; a database that takes longer is not there for us.
LOOKUP_SECONDS = 2.0


class Current(Protocol):
    """Where the snapshot in force is found."""

    @property
    def current(self) -> Serving:
        """What new calls are served from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """What the pipeline works with. ``wires`` in order of asking; the last claims everything.

    ``tokens`` None: no wire takes access tokens, and nothing runs under a consent.
    """

    snapshots: Current
    wires: Sequence[Wire]
    handle: Handle
    replay: ReplayStore
    limits: LimitStore
    meter: Meter
    tokens: TokenResolver | None = None


class Pipeline:
    """The edge's use case: ``pipeline(x)`` answers a Reply, or an awaitable of one."""

    def __init__(self, ports: Ports) -> None:
        self._snapshots = ports.snapshots
        self._handle = ports.handle
        self._meter = ports.meter
        self._wires = ports.wires
        self._native = ports.wires[-1]
        self._signing = SlowSigning()
        self._tokens = ports.tokens
        strangers = acquaintance.Strangers(LocalLimits())
        self.stages: tuple[tuple[str, Stage], ...] = (
            ("wire", recognition.recognise(ports.wires)),
            ("size", recognition.size),
            ("app", acquaintance.find_app),
            ("clock", acquaintance.clock_window(ports.replay.started_at)),
            ("strangers", strangers.check),
            ("replay", proof.replay_probe(ports.replay)),
            *([("token", access.token(ports.tokens, strangers))] if ports.tokens else ()),
            ("signature", proof.signature(strangers)),
            ("nonce", proof.replay_claim(ports.replay)),
            ("tenant", rights.tenant),
            ("offer", offer.offered),
            ("subscription", rights.subscription),
            ("rate", rights.partner_rate(ports.limits)),
            ("body", content.decode),
            # Some dialects name the operation only in the content: it is asked for again.
            ("named", offer.offered),
            ("chosen", rights.subscription),
            ("consent", access.consent(ports.tokens)),
            ("available", content.available),
            ("idempotency", content.idempotency),
            ("record", content.recordable(ports.meter)),
            ("signing", self._signing.admit),
        )

    def __call__(self, x: Exchange) -> Reply | Awaitable[Reply]:
        """Answer one call. Never raises."""
        started = perf_counter()
        x.serving = serving = self._snapshots.current
        return self._run(x, serving, self.stages, started)

    def _run(
        self, x: Exchange, serving: Serving, stages: Sequence[tuple[str, Stage]], started: float
    ) -> Reply | Awaitable[Reply]:
        name = ""
        try:
            for name, stage in stages:
                refusal = stage(x, serving)
                if refusal is not None:
                    x.stage, x.refusal = name, refusal
                    break
            else:
                name = "execute"
                outcome = self._handle(_call(x))
                if not isinstance(outcome, Answer):
                    return self._execute_later(x, serving, outcome, started)
                x.answer = outcome
        except access.NotYet as wanted:
            return self._resume(x, serving, name, wanted.work, started)
        except Exception as error:  # noqa: BLE001 - one place turns any failure into an answer
            x.stage = name
            x.refusal = _refused(x, error)
        return self._close(x, serving, started)

    # tidy: arguments - the state of a call in the middle of its stages
    async def _resume(
        self, x: Exchange, s: Serving, name: str, work: Awaitable[None], started: float
    ) -> Reply:
        """Go on with the stage ``name`` once what it needs was looked up."""
        try:
            async with asyncio.timeout(LOOKUP_SECONDS):
                await work
        except Exception as error:  # noqa: BLE001 - one place turns any failure into an answer
            x.stage = name
            x.refusal = _refused(x, error)
            reply = self._close(x, s, started)
        else:
            at = next(at for at, (each, _) in enumerate(self.stages) if each == name)
            reply = self._run(x, s, self.stages[at:], started)
        return reply if isinstance(reply, Reply) else await reply

    def refused(self, x: Exchange, error: BanksideError) -> Reply:
        """What the server itself refuses (a body too long, too slow), in the caller's dialect."""
        x.serving = serving = self._snapshots.current
        x.wire = next((wire for wire in self._wires if wire.claims(x)), self._native)
        # Only for the names in the head (app, method): nobody is proven and nothing is carried out.
        x.wire.read(x, serving)
        x.stage, x.refusal = "http", Refusal.of(error)
        self._signing.is_due(x, serving)
        return self._written(x, serving)

    def allowed(self, path: str) -> tuple[str, ...]:
        """The methods of a native path (for OPTIONS); empty for an unknown one."""
        return self._snapshots.current.routes.allowed(path)

    def body_limit(self, method: str, path: str) -> int | None:
        """The longest body of the operation at a native path, or None for an unknown one."""
        found = self._snapshots.current.routes.find(method, path)
        return found[0].body_max if found is not None else None

    async def _execute_later(
        self, x: Exchange, s: Serving, outcome: Awaitable[Answer], started: float
    ) -> Reply:
        try:
            # What the checks took is a few microseconds of the deadline and not worth a clock read.
            async with asyncio.timeout(content.deadline_ms(x) / 1000):
                x.answer = await outcome
        except Exception as error:  # noqa: BLE001 - one place turns any failure into an answer
            x.stage = "execute"
            x.refusal = _refused(x, error)
        reply = self._close(x, s, started)
        return reply if isinstance(reply, Reply) else await reply

    def _close(self, x: Exchange, s: Serving, started: float) -> Reply | Awaitable[Reply]:
        """Write the answer and its call record; a money answer waits until the record is kept."""
        if x.access is not None or x.consent is not None:
            self._last_look(x)
        if self._signing.is_due(x, s):
            return self._close_later(x, s, started)
        return self._recorded(x, s, self._written(x, s), started)

    async def _close_later(self, x: Exchange, s: Serving, started: float) -> Reply:
        written = await self._signing.in_thread(self._written, x, s)
        if self._last_look(x):
            written = self._written(x, s)
        reply = self._recorded(x, s, written, started)
        return reply if isinstance(reply, Reply) else await reply

    def _last_look(self, x: Exchange) -> bool:
        """Nothing is answered under what was taken back meanwhile; whether this call was stopped.

        A write that was carried out before stays: its caller is told to ask for the outcome.
        """
        if (x.access is None and x.consent is None) or x.answer is None or x.app is None:
            return False
        assert self._tokens is not None
        refusal = access.taken_back(x, self._tokens)
        if refusal is None:
            return False
        x.answer, x.stage = None, "revocation"
        x.refusal = replace(refusal, extra={**(refusal.extra or {}), **_unknown(x)})
        return True

    def _recorded(
        self, x: Exchange, s: Serving, reply: Reply, started: float
    ) -> Reply | Awaitable[Reply]:
        try:
            self._meter.record(x, reply, seconds=perf_counter() - started)
        except Exception:
            log.exception("call_record_failed", request_id=x.request_id)
            return self._unrecorded(x, s) if _moved_money(x) else reply
        operation = x.operation
        if operation is None or not operation.moves_money or not _moved_money(x):
            return reply
        return self._flushed(x, s, reply)

    async def _flushed(self, x: Exchange, s: Serving, reply: Reply) -> Reply:
        try:
            await self._meter.flushed()
        except OSError as error:
            log.error("call_records_not_written", request_id=x.request_id, error=str(error))
            return self._unrecorded(x, s)
        return self._written(x, s) if self._last_look(x) else reply

    def _unrecorded(self, x: Exchange, s: Serving) -> Reply:
        """The effect is committed but cannot be billed or traced: the caller must ask again."""
        x.answer = None
        x.stage = "record"
        x.refusal = Refusal.of(RecordUnwritten(retry_after=1, extra=_unknown(x)))
        return self._written(x, s)

    def _written(self, x: Exchange, s: Serving) -> Reply:
        wire = x.wire or self._native
        try:
            reply: Reply = wire.reply(x, s)
        except Exception as error:
            log.exception("answer_not_written", request_id=x.request_id, wire=wire.name)
            x.answer, x.refusal = None, _refused(x, error)
            return _plain(x)
        if x.operation is not None and x.operation.stage is not None:
            reply.fields += offer.notices(x)
        return reply


def _caller(x: Exchange) -> Caller:
    app, token = x.app, x.access
    assert app is not None
    return Caller(
        partner=app.partner,
        app=app.id,
        tenant=x.tenant,
        psu=token.customer if token is not None else None,
        scopes=token.scopes if token is not None else app.scopes,
        wire=x.wire.name,
        request_id=x.request_id,
        environment=app.environment,
        consent=x.consent,
        grant=token.grant if token is not None else None,
        proof=x.proof,
        ahead_s=app.ahead_s,
    )


def _call(x: Exchange) -> Call:
    assert x.operation is not None
    return Call(
        operation=x.operation,
        caller=_caller(x),
        path=x.path_params,
        query=x.query_params,
        body=x.body_json,
        idempotency_key=x.idempotency_key,
        deadline=datetime.fromtimestamp(x.now + content.deadline_ms(x) / 1000, UTC),
        callback=x.callback,
        return_to=x.return_to,
        outcome=_outcome(x),
        trace=x.headers.get("traceparent", ""),
    )


def _outcome(x: Exchange) -> str:
    """What a sandbox app asks to happen; a live app asks in vain."""
    assert x.app is not None
    if x.app.environment == "sandbox":
        x.outcome = x.outcome or x.headers.get(OUTCOME_HEADER, "")
        return x.outcome
    return ""


def _moved_money(x: Exchange) -> bool:
    operation = x.operation
    return (
        x.answer is not None
        and operation is not None
        and operation.moves_money
        and operation.writes
    )


def _unknown(x: Exchange) -> dict[str, str]:
    """What a caller must hear when a write may have happened."""
    if x.operation is None or not x.operation.writes:
        return {}
    key = {"idempotency_key": x.idempotency_key} if x.idempotency_key else {}
    return UNKNOWN | key


def _refused(x: Exchange, error: Exception) -> Refusal:
    """The refusal that tells of ``error``; logs what only we may know."""
    executing = x.stage == "execute"
    if isinstance(error, BanksideError) and (error.status != 500 or _asked_for(x)):
        refusal = Refusal.of(error)
        if executing and error.outcome_unknown:
            return replace(refusal, extra=error.extra | _unknown(x))
        return refusal
    if isinstance(error, TimeoutError) and executing:
        return Refusal.of(DeadlinePassed(retry_after=1, extra=_unknown(x)))
    log.error("call_failed", request_id=x.request_id, stage=x.stage, exc_info=error)
    extra = _unknown(x) if executing else {}
    if isinstance(error, CONNECTION_LOST):
        return Refusal.of(DependencyLost(retry_after=1, extra=extra))
    return Refusal.of(Internal(extra=extra))


def _asked_for(x: Exchange) -> bool:
    """Whether a sandbox app asked for the failure: then it is nobody's fault."""
    return bool(x.outcome) and x.app is not None and x.app.environment == "sandbox"


def _plain(x: Exchange) -> Reply:
    """An unsigned problem body: the last resort when the dialect itself failed."""
    assert x.refusal is not None
    return Reply(
        x.refusal.status,
        [("content-type", "application/problem+json")],
        msgspec.json.encode(x.refusal.problem(x.request_id)),
    )
