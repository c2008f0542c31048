"""How the native wire reads a request, and the mistakes its partners make."""

from base64 import b64decode
from binascii import Error as NoBase64
from collections.abc import Iterator
from hashlib import md5, sha256, sha512
from itertools import permutations

from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from bankside.gateway.doctor.clocks import clock_findings
from bankside.gateway.doctor.keys import Keys
from bankside.gateway.doctor.raw import RawRequest
from bankside.gateway.doctor.reading import Finding, Reading, Variation
from bankside.gateway.doctor.secrets import ENCODINGS
from bankside.gateway.doctor.texts import ENDINGS, ESCAPES, changed, json_changes, other_charsets
from bankside.gateway.errors import DigestMismatch
from bankside.gateway.wires.native import NativeWire
from bankside.gateway.wires.native.signed import SignedReader
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing.rfc9421 import (
    LABEL,
    BaseUnbuildable,
    compiled,
    request_base,
    text64,
)
from bankside.kernel.signing.structured import Covered, FieldMalformed, byte_members
from bankside.kernel.signing.structured import signature_inputs as inputs

# Other algorithms of the same kind of key.
_SIMILAR = ("rsa-v1_5-sha256", "rsa-pss-sha512", "rsa-sha1")
# Orders of the parameters that are tried; 24 of them would use up the check.
_ORDERS_MAX = 6
_COORDINATE = 32


def read_native(request: RawRequest, keys: Keys, now: float, origin: str) -> Reading:
    """The native wire's reading."""
    findings = list(_rules(request, origin))
    try:
        covered = inputs(request.headers.get("signature-input", ""))[LABEL]
        base = request_base(request, compiled(covered.components), covered.text, origin)
    except (FieldMalformed, KeyError, BaseUnbuildable, UnicodeEncodeError):
        return Reading(findings=findings)
    created = covered.parameters.get("created")
    if type(created) is int:
        window = NativeWire.window_behind, NativeWire.window_ahead
        findings += clock_findings(created, now, behind=window[0], ahead=window[1])
    signature, repaired = _signature(request.headers.get("signature", ""))
    return Reading(
        expected=base,
        signature=signature,
        key_id=str(covered.parameters.get("keyid")),
        alg=str(covered.parameters.get("alg")),
        findings=findings,
        variations=[*repaired, *_variations(request, covered, base, signature, origin)],
    )


def _rules(request: RawRequest, origin: str) -> Iterator[Finding]:
    """What the edge refuses without looking at a key."""
    try:
        SignedReader(origin).read(request)
    except DigestMismatch:
        yield _about_body(request)
    except BanksideError as error:
        yield Finding("request.refused", True, f"{error.code}: {error.detail}")


def _about_body(request: RawRequest) -> Finding:
    """Which body the digest was made of."""
    field = request.headers.get("content-digest", "")
    try:
        wanted = byte_members(field).get("sha-256")
    except FieldMalformed:
        wanted = None
    if wanted is None:
        return Finding("alg.digest", True, "Content-Digest has no sha-256 member")
    for name, other in (("hexadecimal text of sha-256", sha256), ("sha-512", sha512), ("md5", md5)):
        digest = other(request.body)
        if wanted in {digest.digest()[:64], digest.hexdigest().encode()} and other is not sha256:
            return Finding("alg.digest", True, f"the digest is the {name} of the body")
        if wanted == digest.hexdigest().encode():
            return Finding("alg.digest", True, f"the digest is the {name} of the body")
    for code, evidence, body in _bodies(request.body):
        if sha256(body).digest() == wanted:
            return Finding(code, True, f"the digest is that of the body with {evidence}")
    text = f"the digest of the {len(request.body)} bytes that arrived is {_digest(request.body)}"
    return Finding("body.altered", True, text)


def _bodies(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return
    for code, evidence, other in changed(text, (*json_changes(), *ENDINGS, *ESCAPES)):
        yield code, evidence, other.encode()
    yield from other_charsets(text, "utf-8")
    yield "body.altered", "nothing in it (the digest of zero bytes)", b""


def _signature(field: str) -> tuple[bytes | None, list[Variation]]:
    """The signature, and what a damaged field may have been."""
    try:
        return byte_members(field)[LABEL], []
    except KeyError:
        return None, []
    except FieldMalformed:
        pass
    text = field.partition("=:")[2].rstrip(":")
    for code, evidence, fixed in (
        ("text.plus_as_blank", "+ put back for blanks in Signature", text.replace(" ", "+")),
        ("text.base64url", "Signature read as URL-safe Base64", text.translate(_URL_SAFE)),
    ):
        try:
            signature = b64decode(fixed + "=" * (-len(fixed) % 4), validate=True)
        except (NoBase64, ValueError):
            continue
        # The field itself is unreadable: nothing verifies, except this way.
        return b"", [Variation(code, evidence, signature=signature)]
    return None, []


def _variations(
    request: RawRequest, covered: Covered, base: bytes, signature: bytes | None, origin: str
) -> Iterator[Variation]:
    for alg in _SIMILAR:
        yield Variation("alg.digest", f"algorithm {alg}", alg=alg)
    raw = _raw_coordinates(signature or b"")
    if raw is not None:
        yield Variation("alg.der", "the DER signature taken apart", signature=raw)
    for encoding, evidence in ENCODINGS.items():
        yield Variation("key.format", evidence, secret=encoding)
    text = base.decode("latin-1")
    for code, evidence, other in changed(text, ENDINGS):
        yield Variation(code, evidence, other.encode("latin-1"))
    yield Variation(
        "text.crlf", "lines joined by CRLF", text.replace("\n", "\r\n").encode("latin-1")
    )
    for code, evidence, variant in _requests(request):
        yield Variation(code, evidence, _base(variant, covered, covered.text, origin))
    for scheme in ("http", "https"):
        host = request.headers.get("host", "")
        other_origin = _base(request, covered, covered.text, f"{scheme}://{host}")
        yield Variation("path.host_or_query", f"the scheme {scheme} and host {host}", other_origin)
    for order, parameters in _orders(covered):
        yield Variation("param.order", order, _base(request, covered, parameters, origin))
    lines = text.split("\n")
    ordered = "\n".join([*sorted(lines[:-1]), lines[-1]])
    yield Variation("param.order", "the lines sorted by name", ordered.encode("latin-1"))


def _requests(request: RawRequest) -> Iterator[tuple[str, str, RawRequest]]:
    """The request as the partner may have thought it was."""
    target = f"{request.path}?{request.query}" if request.query else request.path
    host = request.headers.get("host", "")

    def other(method: str = "", path: str = "", query: str | None = None) -> RawRequest:
        return RawRequest(
            method or request.method,
            path or request.path,
            request.query if query is None else query,
            request.headers,
            request.body,
        )

    yield "text.method_case", "the method in lower case", other(method=request.method.lower())
    yield "path.host_or_query", "the query inside @path", other(path=target)
    yield "path.host_or_query", "the address inside @path", other(path=f"http://{host}{target}")
    yield (
        "path.host_or_query",
        "https and the host inside @path",
        other(path=f"https://{host}{request.path}"),
    )
    for code, evidence, path in changed(request.path, ESCAPES[2:3]):
        yield code, f"@path: {evidence}", other(path=path)
    yield "path.host_or_query", "an empty query", other(query="")
    for code, evidence, query in changed(request.query, ESCAPES):
        yield code, f"@query: {evidence}", other(query=query)


def _base(request: RawRequest, covered: Covered, parameters: str, origin: str) -> bytes | None:
    try:
        lines = compiled(covered.components)
        base = request_base(request, lines, parameters, origin)
    except (BaseUnbuildable, UnicodeEncodeError):
        return None
    if request.query == "" and '"@query": ?\n' in base.decode("latin-1"):
        # Who thinks there is no query often leaves the question mark out, too.
        return base.replace(b'"@query": ?\n', b'"@query": \n')
    return base


def _orders(covered: Covered) -> Iterator[tuple[str, str]]:
    """The parameters as a library writes them again in an order of its own."""
    inner = covered.text[: covered.text.find(")") + 1]
    pieces = covered.text[len(inner) :].split(";")[1:]
    preferred = [sorted(pieces), sorted(pieces, reverse=True)]
    for order in [*preferred, *permutations(pieces)][: _ORDERS_MAX + 1]:
        if list(order) != pieces:
            names = ", ".join(piece.partition("=")[0].strip() for piece in order)
            yield f"the parameters in the order {names}", inner + "".join(f";{p}" for p in order)


def _raw_coordinates(signature: bytes) -> bytes | None:
    try:
        r, s = decode_dss_signature(signature)
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")
    except (ValueError, OverflowError):
        return None


def _digest(body: bytes) -> str:
    return text64(sha256(body).digest())


_URL_SAFE = str.maketrans("-_", "+/")
