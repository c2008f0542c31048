"""Refusals of the OAuth endpoints: one class per ``error`` of the RFCs.

Source: RFC 6749 section 5.2 and 4.1.2.1, RFC 6750 section 3.1, RFC 9101, RFC 9126, RFC 9396,
RFC 9449; OpenID CIBA Core sections 11 and 13.
"""

from typing import ClassVar

from bankside.kernel.errors import BanksideError


class OAuthRefused(BanksideError):
    """An OAuth endpoint says no; ``error`` is the code a client switches on."""

    error: ClassVar[str] = "server_error"
    code = "oauth.refused"
    status = 400


class RequestInvalid(OAuthRefused):
    """The request misses a parameter, repeats one, or has one that cannot be."""

    error = "invalid_request"
    code = "oauth.invalid_request"


class RequestTooLarge(RequestInvalid):
    """The body is larger than this endpoint reads."""

    status = 413


class RequestObjectInvalid(OAuthRefused):
    """The signed request is not one that counts now (RFC 9101)."""

    error = "invalid_request_object"
    code = "oauth.invalid_request_object"


class ClientInvalid(OAuthRefused):
    """The client could not be authenticated."""

    error = "invalid_client"
    code = "oauth.invalid_client"
    status = 401


class GrantInvalid(OAuthRefused):
    """The code or refresh token is unknown, used, expired, revoked, or another client's."""

    error = "invalid_grant"
    code = "oauth.invalid_grant"


class GrantTypeUnsupported(OAuthRefused):
    """This server knows no such grant type."""

    error = "unsupported_grant_type"
    code = "oauth.unsupported_grant_type"


class ResponseTypeUnsupported(OAuthRefused):
    """This server knows the response type code."""

    error = "unsupported_response_type"
    code = "oauth.unsupported_response_type"


class ScopeInvalid(OAuthRefused):
    """A scope is unknown, not registered for the client, or was not granted."""

    error = "invalid_scope"
    code = "oauth.invalid_scope"


class DetailsInvalid(OAuthRefused):
    """The authorization_details are malformed, of an unknown type, or more than was granted."""

    error = "invalid_authorization_details"
    code = "oauth.invalid_authorization_details"


class ProofInvalid(OAuthRefused):
    """The DPoP proof is missing or wrong."""

    error = "invalid_dpop_proof"
    code = "oauth.invalid_dpop_proof"


class NonceNeeded(OAuthRefused):
    """The DPoP proof needs the nonce of this answer."""

    error = "use_dpop_nonce"
    code = "oauth.use_dpop_nonce"


class TokenInvalid(OAuthRefused):
    """The access token is missing, unknown, expired, revoked, or bound to another key."""

    error = "invalid_token"
    code = "oauth.invalid_token"
    status = 401


class ScopeInsufficient(OAuthRefused):
    """The access token does not reach this resource."""

    error = "insufficient_scope"
    code = "oauth.insufficient_scope"
    status = 403


class ClientUnauthorised(OAuthRefused):
    """The client is not registered for this kind of request."""

    error = "unauthorized_client"
    code = "oauth.unauthorized_client"


class AuthorizationPending(OAuthRefused):
    """The customer has not answered yet: ask again after the interval."""

    error = "authorization_pending"
    code = "oauth.authorization_pending"


class SlowDown(OAuthRefused):
    """The customer has not answered yet, and the client asks too often."""

    error = "slow_down"
    code = "oauth.slow_down"


class RequestExpired(OAuthRefused):
    """The customer did not answer in time."""

    error = "expired_token"
    code = "oauth.expired_token"


class AccessDenied(OAuthRefused):
    """The customer, or this server for the customer, said no."""

    error = "access_denied"
    code = "oauth.access_denied"
    status = 403


class UserUnknown(OAuthRefused):
    """There is no such customer in the client's data space."""

    error = "unknown_user_id"
    code = "oauth.unknown_user_id"


class BindingMessageInvalid(OAuthRefused):
    """The binding message cannot be shown to the customer."""

    error = "invalid_binding_message"
    code = "oauth.invalid_binding_message"


class ClientThrottled(OAuthRefused):
    """The client calls faster than it may; come again after the time named."""

    error = "temporarily_unavailable"
    code = "oauth.client_throttled"
    status = 429
    retry_seconds = 1


class GrantIdInvalid(OAuthRefused):
    """There is no such grant of this client."""

    error = "invalid_grant_id"
    code = "oauth.invalid_grant_id"
    status = 404
