"""A client's record in the words of RFC 7591, RFC 9396 and their kin."""

from typing import Any

from bankside.identity.clients.model import Client
from bankside.kernel.clock import rfc3339


def client_record(client: Client) -> dict[str, Any]:
    """What the owner of a client is shown of it; nothing in it is secret."""
    return {
        "client_id": client.id,
        "partner_id": client.partner,
        "client_name": client.name,
        "redirect_uris": list(client.redirect_uris),
        "scope": " ".join(sorted(client.scopes)),
        "authorization_details_types": sorted(client.detail_types),
        "token_endpoint_auth_method": "private_key_jwt",
        "dpop_bound_access_tokens": client.sender_constraint == "dpop",
        "tls_client_certificate_bound_access_tokens": client.sender_constraint == "mtls",
        "require_pushed_authorization_requests": True,
        "request_object_signing_alg": client.request_object_signing_alg,
        "authorization_signed_response_alg": client.authorization_signed_response_alg,
        "backchannel_token_delivery_mode": "poll" if client.backchannel else None,
        "jwks": {"keys": [dict(key) for key in client.jwks]},
        "jwks_uri": client.jwks_uri,
        "created_at": rfc3339(client.created_at),
    }
