"""What a call that is forwarded may end in besides its answer; nothing the upstream wrote.

Always true: ``outcome_unknown`` is False only where the upstream certainly did nothing, or said so.
"""

from bankside.kernel.errors import BanksideError, Invalid, NotFound, Refused, Unavailable


class UpstreamUnreachable(Unavailable):
    """The service behind this operation cannot be reached; nothing happened."""

    code = "upstream.unreachable"
    outcome_unknown = False


class UpstreamBusy(Unavailable):
    """The service behind this operation takes no more calls at the moment; nothing happened."""

    code = "upstream.busy"
    outcome_unknown = False


class UpstreamResting(Unavailable):
    """The service behind this operation failed too often and is left alone; nothing happened."""

    code = "upstream.circuit_open"
    outcome_unknown = False


class UpstreamUnconfigured(Unavailable):
    """What this operation is forwarded to is not configured here; nothing happened."""

    code = "upstream.not_configured"
    outcome_unknown = False


class UpstreamTimedOut(Unavailable):
    """The service behind this operation did not answer in time."""

    code = "upstream.timed_out"
    status = 504
    outcome_unknown = False


class UpstreamOutcomeUnknown(Unavailable):
    """Nobody knows whether this write happened: ask for its outcome, or repeat the same key."""

    code = "upstream.outcome_unknown"
    status = 504


class UpstreamFailed(Unavailable):
    """The service behind this operation failed; the request changed nothing."""

    code = "upstream.failed"
    status = 502
    outcome_unknown = False


class UpstreamAnswerInvalid(Unavailable):
    """The service behind this operation answered what is no answer."""

    code = "upstream.answer_invalid"
    status = 502
    outcome_unknown = False


class UpstreamAnswerMismatch(Unavailable):
    """The answer is not what the description promises (checked in the sandbox)."""

    code = "upstream.answer_mismatch"
    status = 502


class UpstreamCredentialRefused(Unavailable):
    """The service behind this operation does not take the bank's own credential."""

    code = "upstream.credential_refused"
    status = 502
    outcome_unknown = False


class UpstreamRefused(Refused):
    """The service behind this operation refuses the request."""

    code = "upstream.refused"
    status = 422


class UpstreamConflict(Refused):
    """The service behind this operation refuses the request in the present state of things."""

    code = "upstream.conflict"


class UpstreamNotFound(NotFound):
    """The service behind this operation knows no such thing."""

    code = "upstream.not_found"


class ForwardInvalid(Invalid):
    """The request is not what the operation takes; each field that is wrong is named."""

    code = "request.invalid"


class ForwardKeyReused(Invalid):
    """The idempotency key was used before, with another request."""

    code = "idempotency.key_reused"


class ForwardKeyInProgress(Refused):
    """The first request with this idempotency key is still running."""

    code = "idempotency.in_progress"


def named_refusal(code: str, status: int, title: str) -> BanksideError:
    """A refusal that the operator named in the mapping of an upstream's errors."""
    made = type("MappedRefusal", (Refused,), {"code": code, "status": status, "title": title})
    refusal: BanksideError = made()
    return refusal
