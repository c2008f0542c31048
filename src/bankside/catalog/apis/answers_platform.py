"""What the platform's own operations answer, by the noun of their path, in words of ``answers``."""

from collections.abc import Mapping

_OAUTH_CLIENT: Mapping[str, str] = {
    "client": "text",
    "name": "text",
    "redirect_uris": "uris",
    "scope": "text",
    "keys": "keys",
    "jwks_uri": "text?",
    "sender_constraint": "text",
    "request_object_signing_alg": "text?",
    "authorization_signed_response_alg": "text?",
    "backchannel": "bool",
    "version": "int",
    "created_at": "time",
}
_WEBHOOK_ENDPOINT: Mapping[str, str] = {
    "id": "text",
    "url": "text",
    "types": "types",
    "signing": "text",
    "status": "text",
    "reason": "text?",
    "tenant": "text?",
    "version": "int",
    "created_at": "time",
    "verify_with": "text?",
}
_WEBHOOK_DELIVERY: Mapping[str, str] = {
    "event": "text",
    "message": "object",
    "status": "text",
    "attempts": "int",
    "next_at": "time?",
    "last_error": "text?",
    "finished_at": "time?",
}
_SPACE: Mapping[str, str] = {
    "space": "text",
    "app": "text",
    "now": "time",
    "ahead_seconds": "int",
    "created_at": "time",
}
_NEW_SPACE = {**_SPACE, "tenant": "text", "app_auth_token": "text?"}
# By the noun of the path; what hangs below an item by noun and word.
PLATFORM: Mapping[str, Mapping[str, str]] = {
    "spaces": _SPACE,
    "spaces.create": _NEW_SPACE,
    "resets": _NEW_SPACE,
    "people": {"people": "objects", "merchants": "objects"},
    "fundings": {"account": "text", "amount": "money", "available": "money"},
    "clock-advances": {**_SPACE, "asked": "time", "reached": "bool"},
    "load-tests": {**_SPACE, "rate_per_second": "int", "until": "time"},
    "order-lookups": {"product": "text", "order": "order"},
    "order-closures": {"product": "text", "order": "order"},
    "order-cancellations": {"action": "text", "order": "order"},
    "oauth-clients": _OAUTH_CLIENT,
    "oauth-client-amendments": _OAUTH_CLIENT,
    "webhook-endpoints": _WEBHOOK_ENDPOINT,
    "webhook-endpoints.deliveries": _WEBHOOK_DELIVERY,
    "webhook-endpoints.tests": {"endpoint": "text", "event": "text"},
    "webhook-endpoints.replays": {"endpoint": "text", "queued": "int"},
}
