"""The native wire's callback: JSON under a signature of the bank by RFC 9421.

Always true: the signature covers the method, the address called, the digest of the body and the
event's id; each attempt is signed afresh (own time and nonce) and carries the same id; the tag
keeps it from being taken for an answer or a request. Any 2xx ends it.
Source: RFC 9421, RFC 9530; wire-protocol rules, section 2.
"""

from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlsplit

from bankside.kernel.signing.rfc9421 import Identity, Request, signed_fields

TYPE = "application/json"
TAG = "bankside-callback"
COVERED = ("@method", "@target-uri", "content-digest", "content-type", "webhook-id")


def headers(
    url: str, body: bytes, event_id: str, identity: Identity, *, at: datetime, nonce: str
) -> Mapping[str, str]:
    """The header fields of the POST to ``url`` that tells ``body``, signed as ``identity``."""
    parts = urlsplit(url)
    said = {"content-type": TYPE, "webhook-id": event_id}
    request = Request("POST", parts.path, parts.query, said, body)
    parameters = f'created={int(at.timestamp())};nonce="{nonce}"'
    origin = f"{parts.scheme}://{parts.netloc}"
    signed = signed_fields(request, COVERED, identity, parameters, tag=TAG, origin=origin)
    return {**said, **signed}


def accepted(status: int) -> bool:
    """Whether the partner took it."""
    return 200 <= status < 300
