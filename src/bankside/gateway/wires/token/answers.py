"""Answers to calls by token: JSON that nobody stores, refusals by RFC 6750 and RFC 9449 headers.

Always true: a 401 says in WWW-Authenticate what was wrong, in the words of the RFCs; paths of UK
Open Banking get its error body, all others problem+json; every answer carries ``x-request-id`` and
the caller's ``x-fapi-interaction-id`` (or one of ours). Nothing is signed here.
Source: RFC 6750 section 3.1, RFC 9449 section 7.1, RFC 9457; UK Open Banking Read/Write 3.1,
OBErrorResponse1 and the standard error codes; FAPI 1.0 Baseline section 6.2.1 (interaction id).
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.kernel.signing.jws import ALGORITHMS

UK_ROOT = "/open-banking/"
_JSON = "application/json"
_PROBLEM = "application/problem+json"
_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# RFC 6750 section 3: a description has printable ASCII without quotes and backslashes.
_UNPRINTABLE = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_BODILESS = frozenset({204, 304})
# Our code -> the error word of RFC 6750 and RFC 9449; a 401 without one names none (no token came).
_WORDS: Mapping[str, str] = {
    "token.invalid": "invalid_token",
    "access.ended": "invalid_token",
    "token.misplaced": "invalid_request",
    "token.proof_invalid": "invalid_dpop_proof",
    "token.proof_used": "invalid_dpop_proof",
    "signature.stale": "invalid_dpop_proof",
    "signature.replayed": "invalid_dpop_proof",
    "scope.missing": "insufficient_scope",
    "access.customer_needed": "insufficient_scope",
    "access.client_needed": "insufficient_scope",
}
# UK Open Banking has no 409 and no 422: a request that cannot be carried out is a 400 there.
_UK_STATUS: Mapping[int, int] = {409: 400, 422: 400, 501: 404, 504: 503}
_UK_CODES: Mapping[int, str] = {
    400: "UK.OBIE.Field.Invalid",
    401: "UK.OBIE.Header.Invalid",
    403: "UK.OBIE.Resource.InvalidConsentStatus",
    404: "UK.OBIE.Resource.NotFound",
    405: "UK.OBIE.Unsupported.Operation",
    413: "UK.OBIE.Field.Invalid",
    415: "UK.OBIE.Header.Invalid",
}
_UK_UNEXPECTED = "UK.OBIE.UnexpectedError"
_UK_TEXT_MAX = 500
_encode = msgspec.json.Encoder().encode


def is_uk(x: Exchange) -> bool:
    """Whether the path is one of UK Open Banking, with its own headers and error bodies."""
    return x.path.startswith(UK_ROOT)


def write(x: Exchange, s: Serving) -> Reply:
    """The answer or refusal of ``x``."""
    headers = [
        ("cache-control", "no-store"),
        ("x-request-id", x.request_id),
        ("x-fapi-interaction-id", _interaction(x)),
    ]
    if x.answer is None:
        return _refused(x, s, headers)
    answer = x.answer
    if answer.hit:
        headers.append(("idempotency-hit", "true"))
    if answer.status in _BODILESS:
        return Reply(answer.status, headers, b"")
    headers.append(("content-type", answer.content_type))
    body = answer.body if isinstance(answer.body, bytes) else _encode(answer.body)
    return Reply(answer.status, headers, body)


def _refused(x: Exchange, s: Serving, headers: list[tuple[str, str]]) -> Reply:
    refusal = x.refusal
    assert refusal is not None, "a call ends with an answer or a refusal"
    if refusal.status in {401, 403} or refusal.code in _WORDS:
        headers.append(("www-authenticate", _challenge(x, refusal)))
    if refusal.retry_after is not None:
        headers.append(("retry-after", str(refusal.retry_after)))
    if refusal.hit:
        headers.append(("idempotency-hit", "true"))
    if refusal.status == 405:
        headers.append(("allow", ", ".join(s.routes.allowed(x.path))))
    if is_uk(x):
        status = _UK_STATUS.get(refusal.status, refusal.status)
        headers.append(("content-type", _JSON))
        return Reply(status, headers, _encode(_uk_body(x, refusal, status)))
    problem = refusal.problem(x.request_id) | {"instance": f"urn:bankside:request:{x.request_id}"}
    headers.append(("content-type", _PROBLEM))
    return Reply(refusal.status, headers, _encode(problem))


def _challenge(x: Exchange, refusal: Refusal) -> str:
    """WWW-Authenticate: what a client may do about it."""
    parts = ['DPoP realm="bankside"']
    word = _WORDS.get(refusal.code)
    if word is not None:
        said = _UNPRINTABLE.sub("'", refusal.detail or refusal.title)
        parts += [f'error="{word}"', f'error_description="{said}"']
    if word == "insufficient_scope" and x.operation is not None and x.operation.scopes:
        parts.append(f'scope="{" ".join(sorted(x.operation.scopes))}"')
    parts.append(f'algs="{" ".join(ALGORITHMS)}"')
    return ", ".join(parts)


def _uk_body(x: Exchange, refusal: Refusal, status: int) -> dict[str, Any]:
    """OBErrorResponse1; ``Path`` names a field as a JSON path."""
    code = refusal.uk_code or _UK_CODES.get(status, _UK_UNEXPECTED)
    message = refusal.detail or refusal.title
    errors = [
        {
            # Who knows UK Open Banking names the fault of each member in its words.
            "ErrorCode": each["code"] if each.get("code", "").startswith("UK.") else code,
            "Message": (each.get("detail") or message)[:_UK_TEXT_MAX],
            "Path": each.get("pointer", "").lstrip("/").replace("/", ".") or "Data",
        }
        for each in refusal.errors
    ]
    return {
        "Code": f"{status} {HTTPStatus(status).phrase}",
        "Id": x.request_id,
        "Message": f"{refusal.title} ({refusal.code})",
        "Errors": errors or [{"ErrorCode": code, "Message": message}],
    }


def _interaction(x: Exchange) -> str:
    """The caller's own id when it is a UUID, else ours in that form."""
    given = x.headers.get("x-fapi-interaction-id", "")
    if _UUID.fullmatch(given):
        return given
    own = x.request_id
    return f"{own[:8]}-{own[8:12]}-{own[12:16]}-{own[16:20]}-{own[20:]}"
