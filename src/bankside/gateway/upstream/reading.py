"""What an upstream answered, as our answer or refusal.

Always true: no text of the upstream leaves here, but for the members of a 2xx answer that its
description promises; a write whose answer cannot be understood has an unknown outcome. In the
sandbox an answer is held against its description, so that a bank finds out before its partners do.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from bankside.gateway.upstream import errors
from bankside.gateway.upstream.checking import Checker
from bankside.gateway.upstream.connection import RawAnswer
from bankside.gateway.upstream.mapping import MappingFailed, at, from_upstream
from bankside.kernel.call import Answer
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.kernel.snapshot import Forward, SentReply

RETRY_SECONDS_MAX = 300
_KEPT_STATUS = frozenset({200, 201, 202, 204})
_DIGITS = re.compile(r"[0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where an answer is not what its description says; holds nothing of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """One of ``answer`` and ``refusal``; ``is_failure``: it speaks against the upstream's health.

    ``mismatch`` is what the operator is told when an answer differs from its description.
    """

    answer: Answer | None = None
    refusal: BanksideError | None = None
    is_failure: bool = False
    mismatch: Mismatch | None = None


def read(
    raw: RawAnswer, forward: Forward, checker: Checker, *, writes: bool, is_sandbox: bool
) -> Reading:
    """What the answer means to our caller."""
    if 200 <= raw.status < 300:
        return _success(raw, forward, checker, writes=writes, is_sandbox=is_sandbox)
    refusal = _refusal(raw, forward, writes=writes)
    return Reading(refusal=refusal, is_failure=raw.status >= 500 or raw.status < 400)


def garbled(*, writes: bool, mismatch: str = "") -> Reading:
    """What no answer, or one nobody understands, means."""
    refusal = errors.UpstreamOutcomeUnknown() if writes else errors.UpstreamAnswerInvalid()
    note = Mismatch(mismatch) if mismatch else None
    return Reading(refusal=refusal, is_failure=True, mismatch=note)


def _success(
    raw: RawAnswer, forward: Forward, checker: Checker, *, writes: bool, is_sandbox: bool
) -> Reading:
    status = raw.status if raw.status in _KEPT_STATUS else 200
    reply = _reply(raw, forward)
    if reply is None:
        if is_sandbox:
            return _mismatch(f"status {raw.status} is not described")
        reply = SentReply("application/json" if raw.body else "")
    if raw.status == 204 or not reply.media_type or not raw.body:
        if reply.schema and is_sandbox:
            return _mismatch("no body where the description has one")
        return Reading(answer=Answer(status, {}))
    kind = raw.headers.get("content-type", "").partition(";")[0].strip().lower()
    if reply.media_type != "application/json":
        if kind != reply.media_type:
            return garbled(writes=writes, mismatch="the media type is not the one described")
        return Reading(answer=Answer(status, raw.body, content_type=reply.media_type))
    try:
        value = _decoded(raw.body, forward)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        return garbled(writes=writes, mismatch="the body is no JSON")
    if is_sandbox and reply.schema:
        faults = checker.faults(reply.schema, value)
        if faults:
            return _mismatch("; ".join(f"{each['code']} at {each['pointer']}" for each in faults))
    if not isinstance(value, dict):
        value = {"items" if isinstance(value, list) else "value": value}
    try:
        body = from_upstream(forward.answered, value)
    except MappingFailed as error:
        return garbled(writes=writes, mismatch=f"the mapping failed: {error}")
    return Reading(answer=Answer(status, _plain(body) if forward.answered else body))


def _reply(raw: RawAnswer, forward: Forward) -> SentReply | None:
    replies = forward.replies
    for name in (str(raw.status), "2XX", "default"):
        if name in replies:
            return replies[name]
    return None


def _decoded(body: bytes, forward: Forward) -> Any:
    if any(rule.unit for rule in forward.answered):
        return msgspec.json.Decoder(float_hook=Decimal).decode(body)
    return msgspec.json.decode(body)


def _plain(value: Any) -> Any:
    """Exact numbers that no rule turned into an amount go on as JSON's own numbers."""
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _mismatch(text: str) -> Reading:
    return Reading(refusal=errors.UpstreamAnswerMismatch(), mismatch=Mismatch(text))


def _refusal(raw: RawAnswer, forward: Forward, *, writes: bool) -> BanksideError:
    status = raw.status
    mapped = _mapped(raw, forward)
    if mapped is not None:
        return mapped
    simple: Mapping[int, type[BanksideError]] = {
        401: errors.UpstreamCredentialRefused,
        403: errors.UpstreamCredentialRefused,
        404: errors.UpstreamNotFound,
        409: errors.UpstreamConflict,
        412: errors.UpstreamConflict,
        410: errors.UpstreamNotFound,
    }
    if status in simple:
        return simple[status]()
    if status in {408, 429} or (status == 503 and not writes):
        return errors.UpstreamBusy(retry_after=_retry_after(raw))
    if 400 <= status < 500:
        return errors.UpstreamRefused()
    if status < 400:
        # A redirect is not followed: it leads where nobody checked.
        return garbled(writes=writes).refusal or errors.UpstreamAnswerInvalid()
    # 5xx: a write may have happened before the failure.
    failed: Unavailable = errors.UpstreamOutcomeUnknown() if writes else errors.UpstreamFailed()
    return failed


def _mapped(raw: RawAnswer, forward: Forward) -> BanksideError | None:
    """The operator's own name for this refusal; rules with a value come first."""
    rules = [rule for rule in forward.refusals if rule.status == raw.status]
    if not rules:
        return None
    body: Any = None
    if any(rule.pointer for rule in rules):
        try:
            body = msgspec.json.decode(raw.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            body = None
    for rule in sorted(rules, key=lambda each: not each.pointer):
        if not rule.pointer or at(body, rule.pointer) == rule.equals:
            return errors.named_refusal(rule.code, rule.answers, rule.title)
    return None


def _retry_after(raw: RawAnswer) -> int:
    given = raw.headers.get("retry-after", "")
    return min(RETRY_SECONDS_MAX, max(1, int(given))) if _DIGITS.fullmatch(given) else 1
