"""The edge's own refusals: what it answers before, or instead of, executing an operation.

Always true: an unknown app and a wrong signature get the same class, text and length, so that a
stranger learns nothing; what only a proven caller can meet says precisely what is wrong.
Source of the ``signature.*`` codes: the native wire's rules; other wires translate them.
"""

from bankside.kernel.errors import (
    BanksideError,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    Unauthenticated,
    Unavailable,
)

# The same words for every failure a stranger can cause: detail would help guessing.
EXPLAIN = "run `bankside doctor signature` with the request to see why"


class RouteUnknown(NotFound):
    """No operation of this platform has this path."""

    code = "route.not_found"


class ProductOffline(BanksideError):
    """This product was withdrawn; `successor` names what takes its place."""

    code = "product.offline"
    status = 410


class ProductSuspended(Unavailable):
    """The bank has stopped this product for now."""

    code = "product.suspended"
    outcome_unknown = False


class MethodNotAllowed(BanksideError):
    """The path exists, but not with this method."""

    code = "route.method_not_allowed"
    status = 405


class BodyTooLarge(Invalid):
    """The body is longer than this operation takes."""

    code = "body.too_large"
    status = 413


class SignatureMissing(Unauthenticated):
    """The request carries no signature."""

    code = "signature.missing"


class SignatureMalformed(Unauthenticated):
    """The signature fields do not follow their grammar."""

    code = "signature.malformed"


class ComponentMissing(Unauthenticated):
    """The signature leaves out a component that it has to cover."""

    code = "signature.component_missing"


class KeyUnknown(Unauthenticated):
    """The key that made this signature is not valid now."""

    code = "signature.key_unknown"


class AlgorithmMismatch(Unauthenticated):
    """The request names another algorithm than the one the key is registered for."""

    code = "signature.algorithm_mismatch"


class SignatureStale(Unauthenticated):
    """The request is too old, from the future, or past its own end."""

    code = "signature.stale"


class SignatureReplayed(Unauthenticated):
    """A request with this nonce was already accepted; sign a new one."""

    code = "signature.replayed"


class DigestMismatch(Unauthenticated):
    """The body is not the one the request's digest was made of."""

    code = "signature.digest_mismatch"


class SignatureInvalid(Unauthenticated):
    """The signature does not verify."""

    code = "signature.invalid"


class TokenMissing(Unauthenticated):
    """This operation is called with an access token: Authorization: DPoP <token>, and a proof."""

    code = "token.missing"


class TokenInvalid(Unauthenticated):
    """The access token is unknown, expired, revoked, or bound to another key."""

    code = "token.invalid"


class TokenMisplaced(Invalid):
    """An access token stands in the Authorization header and nowhere else."""

    code = "token.misplaced"
    status = 400


class ProofInvalid(Unauthenticated):
    """The DPoP proof is missing, or was not made for this call, now, by the token's key."""

    code = "token.proof_invalid"


class AccessEnded(Unauthenticated):
    """What let this call in was taken back while it ran."""

    code = "access.ended"


class AccessChanged(Unavailable):
    """A consent of this call was taken back while it ran; ask again to learn what still holds."""

    code = "access.changed"


class SignatureNeeded(Forbidden):
    """This operation is called with the app's own signature, not with an access token."""

    code = "access.signature_needed"


class CustomerNeeded(Forbidden):
    """This operation is called with a token that a customer granted."""

    code = "access.customer_needed"


class ClientNeeded(Forbidden):
    """This operation is called with the client's own token, not with a customer's."""

    code = "access.client_needed"


class ConsentNotTaken(Invalid):
    """This operation is not carried out under a consent; leave x-consent-id out."""

    code = "consent.not_taken"
    status = 400


class TenantTokenUnknown(Unauthenticated):
    """The tenant's token is not one of this app's."""

    code = "tenant.token_unknown"


class AppBlocked(Forbidden):
    """The app is blocked."""

    code = "app.blocked"


class SubscriptionMissing(Forbidden):
    """The app has not subscribed to the product of this operation."""

    code = "subscription.missing"


class ScopeMissing(Forbidden):
    """The app was not granted a scope that this operation needs."""

    code = "scope.missing"


class RateExceeded(Throttled):
    """The app calls faster than agreed."""

    code = "limit.rate_exceeded"


class SourceThrottled(Throttled):
    """Too many requests from this address for this app."""

    code = "limit.source_exceeded"


class BodyMalformed(Invalid):
    """The body is not what this operation takes."""

    code = "body.malformed"
    status = 400


class BodyNotObject(BodyMalformed):
    """The body is JSON, but no object."""

    code = "body.not_object"


class BodyUnexpected(BodyMalformed):
    """This operation takes no body."""

    code = "body.unexpected"


class MediaTypeUnsupported(BodyMalformed):
    """The body is of a media type that this operation does not take."""

    code = "body.media_type"
    status = 415


class QueryMalformed(Invalid):
    """The query is not a list of different, percent-encoded UTF-8 parameters."""

    code = "query.malformed"
    status = 400


class HeaderMalformed(Invalid):
    """A header that decides something does not follow its grammar."""

    code = "header.malformed"
    status = 400


class IdempotencyKeyMissing(Invalid):
    """An operation that moves money needs the caller's own key."""

    code = "idempotency.key_missing"
    status = 400


class IdempotencyKeyMalformed(Invalid):
    """The key is not 1 to 128 visible characters."""

    code = "idempotency.key_malformed"
    status = 400


class ReadsOnly(Unavailable):
    """The edge runs from an old configuration and takes reads only."""

    code = "edge.reads_only"


class SigningBusy(Unavailable):
    """The edge is signing as many answers as it can."""

    code = "edge.signing_busy"


class KeyUnreadable(Unavailable):
    """A secret of this platform cannot be opened at the moment."""

    code = "edge.key_unreadable"


class LeaseLapsed(Unavailable):
    """This edge does not hear of revocations now, so it answers for no token or consent."""

    code = "edge.lease_lapsed"


class LookupsBusy(Unavailable):
    """The edge is looking up as many access tokens as it can."""

    code = "edge.lookups_busy"


class ReplayStoreFull(Unavailable):
    """There is no room to remember one more nonce, and none may be forgotten."""

    code = "edge.replay_store_full"


class SharedStateBusy(Unavailable):
    """Another process of this edge holds what this call needs."""

    code = "edge.shared_state_busy"


class DependencyLost(Unavailable):
    """A part the operation needs did not answer; repeat the request with the same key."""

    code = "unavailable"


class DeadlinePassed(Unavailable):
    """The operation did not finish in its time."""

    code = "deadline.passed"
    status = 504


class RecordImpossible(Unavailable):
    """Call records cannot be written now, and money does not move without one."""

    code = "record.impossible"


class RecordUnwritten(Unavailable):
    """The operation was carried out, but its call record could not be written."""

    code = "record.unwritten"


class Internal(BanksideError):
    """Something went wrong on our side; it has been logged under the request id."""

    code = "internal"
    status = 500
