"""Refusals of the OAuth endpoints: one class per ``error`` of the RFCs.

Source: RFC 6749 section 5.2 and 4.1.2.1, RFC 6750 section 3.1, RFC 9126, RFC 9396, RFC 9449.
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


class RequestObjectUnsupported(OAuthRefused):
    """Request objects are not served."""

    error = "request_not_supported"
    code = "oauth.request_not_supported"


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
    """This server knows authorization_code, refresh_token and client_credentials."""

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
