"""What the server tells about itself: exactly what it serves. Source: RFC 8414, OIDC Discovery."""

from collections.abc import Mapping
from typing import Any

from bankside.identity.authorisations import DETAIL_TYPES
from bankside.identity.clients import SCOPES
from bankside.identity.jose import ALGORITHMS
from bankside.identity.tokens import GRANT_TYPES

PAR, AUTHORIZE, TOKEN = "/oauth/par", "/oauth/authorize", "/oauth/token"
USERINFO, INTROSPECT, REVOKE = "/oauth/userinfo", "/oauth/introspect", "/oauth/revoke"
JWKS = "/oauth/jwks"
INTERACTIONS = "/oauth/interactions"


def metadata(issuer: str) -> Mapping[str, Any]:
    """The one document behind both well-known addresses."""
    method, algorithms = ["private_key_jwt"], list(ALGORITHMS)
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "pushed_authorization_request_endpoint": issuer + PAR,
        "token_endpoint": issuer + TOKEN,
        "userinfo_endpoint": issuer + USERINFO,
        "introspection_endpoint": issuer + INTROSPECT,
        "revocation_endpoint": issuer + REVOKE,
        "jwks_uri": issuer + JWKS,
        "require_pushed_authorization_requests": True,
        "authorization_response_iss_parameter_supported": True,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANT_TYPES),
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": method,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": method,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": method,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "dpop_signing_alg_values_supported": algorithms,
        "authorization_details_types_supported": list(DETAIL_TYPES),
        "scopes_supported": list(SCOPES),
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "amr"],
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": True,
    }
