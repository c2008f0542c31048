"""Native answers: the body, its digest, and our signature over both and over the request's own.

Always true: an answer binds to the signature of the request it answers, so nobody can put it under
another one; before the caller is proven, every refusal is signed by the same platform key, whether
the app exists or not.
"""

import msgspec

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.wires.native.signed import signature_text
from bankside.kernel.call import Answer
from bankside.kernel.signing.rfc9421 import (
    LABEL,
    answer_base,
    answer_components,
    content_digest,
    text64,
)
from bankside.kernel.snapshot import Key

REQUEST_ID_MAX = 128
# Said of a stored first answer, be it a success or a refusal that the ledger decided.
HIT = ("idempotency-hit", "true")
_PROBLEM = "application/problem+json"
# Statuses that have no content; their digest is that of zero bytes.
_BODILESS = frozenset({204, 304})
_BOUND = answer_components(bound=True)
_UNBOUND = answer_components(bound=False)
_encode = msgspec.json.Encoder().encode


def write(x: Exchange, s: Serving) -> Reply:
    """The answer or refusal of ``x``, signed."""
    if x.answer is not None:
        status, fields, body = _answered(x.answer)
    else:
        status, fields, body = _refused(x, s)
    digest = content_digest(body)
    lines = f"request-id: {_request_id(x)}\r\ncontent-digest: {digest}\r\n"
    if x.unsigned:
        return Reply(status, fields, body, lines, 2)
    return Reply(status, fields, body, lines + _signature(x, s, status, digest), 4)


def _answered(answer: Answer) -> tuple[int, list[tuple[str, str]], bytes]:
    headers = []
    if answer.status in _BODILESS:
        body = b""
    else:
        headers.append(("content-type", answer.content_type))
        body = answer.body if isinstance(answer.body, bytes) else _encode(answer.body)
    if answer.hit:
        headers.append(HIT)
    return answer.status, headers, body


def _refused(x: Exchange, s: Serving) -> tuple[int, list[tuple[str, str]], bytes]:
    refusal = x.refusal
    assert refusal is not None, "a call ends with an answer or a refusal"
    problem = refusal.problem(x.request_id) | {"instance": f"urn:bankside:request:{x.request_id}"}
    headers = [("content-type", _PROBLEM)]
    if refusal.retry_after is not None:
        headers.append(("retry-after", str(refusal.retry_after)))
    if refusal.hit:
        headers.append(HIT)
    if refusal.status == 405:
        headers.append(("allow", ", ".join(s.routes.allowed(x.path))))
    return refusal.status, headers, _encode(problem)


def _signature(x: Exchange, s: Serving, status: int, digest: str) -> str:
    """The two header lines of our signature."""
    key = _answer_key(x, s)
    bound = signature_text(x)
    parameters = (
        f"{_BOUND if bound else _UNBOUND};created={int(x.now)}"
        f';nonce="{x.request_id}";keyid="{key.id}";alg="{key.alg}"'
    )
    signature = s.signer(key)(answer_base(status, digest, bound, parameters))
    return f"signature-input: {LABEL}={parameters}\r\nsignature: {LABEL}=:{text64(signature)}:\r\n"


def _answer_key(x: Exchange, s: Serving) -> Key:
    """An HMAC app is answered under its own secret, unless it chose a platform key."""
    if x.key is None or x.app is None:
        return s.answer_key("native", None)
    if x.key.alg == "hmac-sha256" and "native" not in x.app.answer_keys:
        return x.key
    return s.answer_key("native", x.app)


def _request_id(x: Exchange) -> str:
    """The partner's own id when it sent a readable one, else ours."""
    given = x.headers.get("request-id")
    if given and len(given) <= REQUEST_ID_MAX and given.isascii() and given.isprintable():
        return given
    return x.request_id
