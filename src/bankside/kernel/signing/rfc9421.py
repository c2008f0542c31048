"""HTTP message signatures: the bytes that are signed, for both ends of the native wire.

Always true: the base ends with the parameter text exactly as it stands in Signature-Input, and
without a line feed; a body is bound by its SHA-256 Content-Digest. The edge, the command line, the
tests and the bench build their bases here, so they cannot disagree.
Source: RFC 9421 (sections 2.2-2.5, 3), RFC 9530 (Content-Digest); the platform's native wire rules.
"""

from binascii import b2a_base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Protocol
from urllib.parse import parse_qsl, quote

from bankside.kernel.signing.algorithms import Signer, Verifier
from bankside.kernel.signing.structured import (
    Component,
    Covered,
    FieldMalformed,
    byte_members,
    signature_inputs,
)

LABEL = "sig1"
# Methods whose body may carry meaning even when it is empty: its digest must be covered.
BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
# Headers that decide something: covered whenever they are there.
GUARDED_HEADERS = (
    *("authorization", "idempotency-key", "x-app-auth-token", "x-consent-id"),
    "notify-url",
)

QUERY_FIELDS_MAX = 64


class BaseUnbuildable(ValueError):
    """A covered component has no value in this message, or is of a kind we do not support."""


class AnswerUntrusted(Exception):
    """An answer is not signed, or not by the key it names, or is no answer to our request."""


class HTTPRequest(Protocol):
    """What of a request is signed; the edge's Exchange is one."""

    method: str
    path: str
    query: str
    headers: dict[str, str]


# Reads one component's value out of a request; the second argument is the origin or "".
Reader = Callable[[HTTPRequest, str], str]
Lines = tuple[tuple[str, Reader], ...]


@dataclass(slots=True)
class Request:
    """A request about to be signed. ``path`` and ``query`` are as sent (percent-encoded)."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as received; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who signs: a registered key id, its algorithm and its signer."""

    key_id: str
    alg: str
    sign: Signer


def content_digest(body: bytes) -> str:
    """The Content-Digest field of a body: ``sha-256=:<base64>:``."""
    return f"sha-256=:{text64(sha256(body).digest())}:"


def text64(octets: bytes) -> str:
    """Base64 as the structured byte sequences hold it."""
    return b2a_base64(octets, newline=False).decode()


def digest_matches(field_value: str, body: bytes) -> bool:
    """Whether Content-Digest holds the SHA-256 of ``body``; other algorithms are ignored.

    Raises FieldMalformed; a field without sha-256 does not match.
    """
    expected = content_digest(body)
    # Nearly every client writes exactly what we would; the rest is read by the grammar. The digest
    # of what somebody sent is no secret to him: how long the comparison takes tells nothing.
    if field_value == expected:
        return True
    return byte_members(field_value).get("sha-256") == sha256(body).digest()


def compiled(components: Sequence[Component]) -> Lines:
    """How each covered component of a request becomes a line of its base.

    Made once for a list of components; callers that see the same list often keep the result.
    Raises BaseUnbuildable for a component that this platform does not read.
    """
    return tuple((f"{each.identifier}: ", _reader(each)) for each in components)


def request_base(request: HTTPRequest, lines: Lines, parameters: str, origin: str = "") -> bytes:
    """The bytes a request's signature covers; ``parameters`` is the text after ``sig1=``.

    ``origin`` (``https://host``) is what ``@target-uri`` and ``@scheme`` start with; without one
    it is ``http://`` and the Host header. Raises BaseUnbuildable when a component has no value.
    """
    text = ""
    for start, read in lines:
        text += f"{start}{read(request, origin)}\n"
    return f'{text}"@signature-params": {parameters}'.encode("latin-1")


def _reader(component: Component) -> Reader:
    name = component.name
    if name == "@query-param" and set(component.parameters) == {"name"}:
        wanted = str(component.parameters["name"])
        return lambda request, origin: _query_parameter(request.query, wanted)
    if component.parameters or (name[0] == "@" and name not in _DERIVED):
        raise BaseUnbuildable(f"{component.identifier} is no component this platform reads")
    return _DERIVED.get(name) or _field_reader(name)


def _field_reader(name: str) -> Reader:
    def read(request: HTTPRequest, origin: str) -> str:
        value = request.headers.get(name)
        if value is None:
            raise BaseUnbuildable(f'"{name}" is covered, but the message has none')
        return value.strip(" \t")

    return read


def answer_base(status: int, digest: str, request_signature: str | None, parameters: str) -> bytes:
    """The bytes an answer of this platform is signed over.

    ``request_signature`` is the text between ``sig1=`` and the end in the request's Signature field
    (``:<base64>:``), or None when the request carried no readable one.
    """
    bound = f'"signature";req;key="{LABEL}": {request_signature}\n' if request_signature else ""
    return (
        f'"@status": {status}\n"content-digest": {digest}\n{bound}"@signature-params": {parameters}'
    ).encode("latin-1")


def answer_components(bound: bool) -> str:
    """The inner list of an answer: what ``answer_base`` covers."""
    return (
        f'("@status" "content-digest" "signature";req;key="{LABEL}")'
        if bound
        else ('("@status" "content-digest")')
    )


def sign_request(
    request: Request, identity: Identity, *, created: int, nonce: str
) -> dict[str, str]:
    """The three fields to add to ``request`` so that the native wire accepts it.

    Covers method, path, query, the digest of the body and every guarded header that is there.
    """
    headers = request.headers.keys() | {"content-digest"}
    names = ["@method", "@path", "@query", "content-digest"]
    names += [each for each in GUARDED_HEADERS if each in headers]
    return signed_fields(request, names, identity, f'created={created};nonce="{nonce}"')


def signed_fields(
    request: Request,
    names: Sequence[str],
    identity: Identity,
    parameters: str,
    *,
    tag: str = "",
    origin: str = "",
) -> dict[str, str]:
    """The three fields that sign the components ``names`` of ``request``.

    ``parameters`` is how the signature's own begin (``created=...;nonce="..."``); ``tag`` says what
    the signature is for (RFC 9421 section 2.3); ``origin`` is what ``@target-uri`` starts with.
    """
    digest = content_digest(request.body)
    inner = " ".join(f'"{each}"' for each in names)
    text = f'({inner});{parameters};keyid="{identity.key_id}";alg="{identity.alg}"'
    text += f';tag="{tag}"' if tag else ""
    said = request.headers | {"content-digest": digest}
    signed = Request(request.method, request.path, request.query, said)
    components = [Component(each, {}, f'"{each}"') for each in names]
    signature = identity.sign(request_base(signed, compiled(components), text, origin))
    return {
        "content-digest": digest,
        "signature-input": f"{LABEL}={text}",
        "signature": f"{LABEL}=:{text64(signature)}:",
    }


def verify_answer(
    answer: Answer, request: HTTPRequest, key: Callable[[str, str], Verifier]
) -> Mapping[str, object]:
    """The signature parameters of an answer that is proven to be the answer to ``request``.

    ``request.headers`` are those that were sent, with their signature; ``key(key id, algorithm)``
    gives the verifier the caller trusts under that id. Raises AnswerUntrusted.
    """
    try:
        covered = signature_inputs(answer.headers["signature-input"])[LABEL]
        signature = byte_members(answer.headers["signature"])[LABEL]
        if not digest_matches(answer.headers["content-digest"], answer.body):
            raise AnswerUntrusted("the body is not the one the digest was made of")
        base = _received_answer_base(answer, request, covered)
    except (KeyError, FieldMalformed, BaseUnbuildable) as error:
        raise AnswerUntrusted(f"the answer's signature fields are not readable: {error}") from error
    _covers_enough(covered, bound=_signature_text(request) is not None)
    verifies = key(str(covered.parameters.get("keyid")), str(covered.parameters.get("alg")))
    if not verifies(base, signature):
        raise AnswerUntrusted("the signature does not verify under the key the answer names")
    return covered.parameters


def _covers_enough(covered: Covered, *, bound: bool) -> None:
    have = {each.identifier for each in covered.components}
    need = {'"@status"', '"content-digest"'}
    if bound:
        need.add(f'"signature";req;key="{LABEL}"')
    if not need <= have:
        raise AnswerUntrusted(f"the answer's signature does not cover {sorted(need - have)}")


def _received_answer_base(answer: Answer, request: HTTPRequest, covered: Covered) -> bytes:
    lines = [
        f"{each.identifier}: {_answer_value(answer, request, each)}" for each in covered.components
    ]
    lines.append(f'"@signature-params": {covered.text}')
    return "\n".join(lines).encode("latin-1")


def _answer_value(answer: Answer, request: HTTPRequest, component: Component) -> str:
    if component.identifier == f'"signature";req;key="{LABEL}"':
        text = _signature_text(request)
        if text is None:
            raise BaseUnbuildable("the request carried no signature")
        return text
    if component.parameters.get("req") is True:
        rest = {key: value for key, value in component.parameters.items() if key != "req"}
        return _reader(Component(component.name, rest, component.identifier))(request, "")
    if component.parameters:
        raise BaseUnbuildable(f"{component.identifier} has a parameter this platform does not read")
    if component.name == "@status":
        return str(answer.status)
    value = answer.headers.get(component.name)
    if value is None or component.name[0] == "@":
        raise BaseUnbuildable(f'"{component.name}" is covered, but the answer has none')
    return value.strip(" \t")


def _signature_text(request: HTTPRequest) -> str | None:
    """The request's ``sig1`` as a structured byte sequence: ``:<base64>:``."""
    try:
        signature = byte_members(request.headers["signature"])[LABEL]
    except (KeyError, FieldMalformed):
        return None
    return f":{text64(signature)}:"


def _authority(request: HTTPRequest, origin: str) -> str:
    """Host in lower case, without the scheme's default port (RFC 9421 section 2.2.3)."""
    scheme, _, named = origin.partition("://")
    host = (named or request.headers.get("host", "")).strip(" \t").lower()
    return host.removesuffix(":443" if scheme == "https" else ":80")


def _target_uri(request: HTTPRequest, origin: str) -> str:
    start = origin or f"http://{request.headers.get('host', '').strip()}"
    query = f"?{request.query}" if request.query else ""
    return f"{start}{request.path or '/'}{query}"


def _query_parameter(query: str, name: str) -> str:
    """One query parameter, decoded and encoded again (RFC 9421 section 2.2.8)."""
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as error:
        raise BaseUnbuildable(f"the query has more than {QUERY_FIELDS_MAX} parameters") from error
    values = [value for key, value in pairs if _encoded(key) == name]
    if len(values) != 1:
        raise BaseUnbuildable(f"the query has {len(values)} parameters named {name!r}, not one")
    return _encoded(values[0])


def _encoded(text: str) -> str:
    """The form-urlencoded percent-encode set with a blank as %20."""
    return quote(text, safe="*").replace("~", "%7E")


_DERIVED: Mapping[str, Reader] = {
    "@method": lambda request, origin: request.method,
    "@path": lambda request, origin: request.path or "/",
    "@query": lambda request, origin: f"?{request.query}",
    "@authority": _authority,
    "@scheme": lambda request, origin: origin.partition("://")[0].lower() or "http",
    "@target-uri": _target_uri,
}
