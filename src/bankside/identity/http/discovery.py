"""What the server tells about itself: exactly what it serves. Source: RFC 8414, OIDC Discovery."""

from collections.abc import Mapping
from typing import Any

from bankside.identity.addresses import (
    AUTHORIZE,
    BACKCHANNEL,
    GRANTS,
    INTROSPECT,
    JWKS,
    PAR,
    REVOKE,
    TOKEN,
    USERINFO,
)
from bankside.identity.authorisations import DETAIL_TYPES
from bankside.identity.clients import SCOPES
from bankside.identity.jose import ALGORITHMS
from bankside.identity.signing_keys import ALGORITHM
from bankside.identity.tokens import GRANT_TYPES

# What a client with a certificate calls; the rest of the server asks for none.
_WITH_CERTIFICATE: Mapping[str, str] = {
    "pushed_authorization_request_endpoint": PAR,
    "token_endpoint": TOKEN,
    "userinfo_endpoint": USERINFO,
    "introspection_endpoint": INTROSPECT,
    "revocation_endpoint": REVOKE,
    "backchannel_authentication_endpoint": BACKCHANNEL,
    "grant_management_endpoint": GRANTS,
}


def metadata(issuer: str, mtls_url: str = "") -> Mapping[str, Any]:
    """The one document behind both well-known addresses; ``mtls_url`` as the server's."""
    return {**_served(issuer), **_certificates(issuer, mtls_url)}


def _certificates(issuer: str, mtls_url: str) -> Mapping[str, Any]:
    """RFC 8705 sections 3.3 and 5."""
    if not mtls_url:
        return {}
    bound = {"tls_client_certificate_bound_access_tokens": True}
    if mtls_url == issuer:
        return bound
    aliases = {name: mtls_url + path for name, path in _WITH_CERTIFICATE.items()}
    return {**bound, "mtls_endpoint_aliases": aliases}


def _served(issuer: str) -> Mapping[str, Any]:
    method, algorithms = ["private_key_jwt"], list(ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "pushed_authorization_request_endpoint": issuer + PAR,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "introspection_endpoint": issuer + INTROSPECT,
        "revocation_endpoint": issuer + REVOKE,
        "backchannel_authentication_endpoint": issuer + BACKCHANNEL,
        "backchannel_token_delivery_modes_supported": ["poll"],
        "backchannel_authentication_request_signing_alg_values_supported": algorithms,
        "backchannel_user_code_parameter_supported": False,
        "grant_management_endpoint": issuer + GRANTS,
        "grant_management_actions_supported": ["create", "query", "revoke"],
        "grant_management_action_required": False,
        "jwks_uri": issuer + JWKS,
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "jwt", "query.jwt"],
        "authorization_signing_alg_values_supported": [ALGORITHM],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": method,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": method,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_signing_alg_values_supported": [ALGORITHM],
        "revocation_endpoint_auth_methods_supported": method,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "authorization_details_types_supported": list(DETAIL_TYPES),
        "scopes_supported": list(SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": [ALGORITHM],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr"],
        "claims_parameter_supported": False,
        "request_parameter_supported": True,
        "require_signed_request_object": False,
        "request_object_signing_alg_values_supported": algorithms,
        "request_uri_parameter_supported": True,
    }
