"""How the Alipay-style v3 wire reads a request, and the usual mistakes there."""

import binascii
from base64 import b64decode
from collections.abc import Iterator
from urllib.parse import unquote

from bankside.gateway.doctor.clocks import clock_findings
from bankside.gateway.doctor.raw import RawRequest
from bankside.gateway.doctor.reading import Finding, Reading, Variation
from bankside.gateway.doctor.texts import changed, json_changes
from bankside.gateway.wires.alipay import Alipay3Wire
from bankside.kernel.signing import alipay

_ALG = "rsa-sha256"


def read_alipay3(request: RawRequest, now: float) -> Reading:
    """The v3 wire's reading (multipart requests are read as if they had no file)."""
    scheme, _, rest = request.headers.get("authorization", "").partition(" ")
    authorisation, sign, encoded = rest.rpartition(",sign=")
    if scheme != alipay.SCHEME_V3 or not sign:
        text = f"Authorization is {alipay.SCHEME_V3} app_id=..,nonce=..,timestamp=..,sign=.."
        return Reading(findings=[Finding("request.refused", True, text)])
    findings = list(_clock(authorisation, now))
    try:
        signature: bytes | None = b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        signature = None
        findings.append(Finding("request.refused", True, "sign is no Base64"))
    token = request.headers.get("alipay-app-auth-token")
    expected = _message(request, authorisation, token=token)
    return Reading(
        expected=expected,
        signature=signature,
        alg=_ALG,
        findings=findings,
        variations=list(_variations(request, authorisation, token, expected)),
    )


def _clock(authorisation: str, now: float) -> Iterator[Finding]:
    pairs = dict(pair.partition("=")[::2] for pair in authorisation.split(","))
    text = pairs.get("timestamp", "")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        yield Finding("time.unit", True, "timestamp is a number of milliseconds since 1970")
        return
    wire = Alipay3Wire
    yield from clock_findings(
        int(text) / 1000, now, behind=wire.window_behind, ahead=wire.window_ahead
    )


def _variations(
    request: RawRequest, authorisation: str, token: str | None, expected: bytes
) -> Iterator[Variation]:
    yield Variation("alg.digest", "algorithm rsa-sha1", alg="rsa-sha1")
    if token is not None:
        bare = _message(request, authorisation, token=None)
        yield Variation("token.line", "the token's line left out", bare)
    cut = expected.removesuffix(b"\n")
    yield Variation("text.trailing_newline", "the line feed at the end left out", cut)
    yield Variation("text.trailing_newline", "one line feed more at the end", expected + b"\n")
    yield Variation("text.crlf", "lines ended by CRLF", expected.replace(b"\n", b"\r\n"))
    for evidence, path, query in (
        ("the query left out", request.path, ""),
        ("the query decoded", request.path, unquote(request.query)),
        ("the host in front of the path", f"{request.headers.get('host', '')}{request.path}",
         request.query),
        ("the whole address", f"http://{request.headers.get('host', '')}{request.path}",
         request.query),
    ):  # fmt: skip
        other = RawRequest(request.method, path, query, request.headers, request.body)
        message = _message(other, authorisation, token=token)
        yield Variation("path.host_or_query", evidence, message)
    lower = RawRequest(request.method.lower(), request.path, request.query, {}, request.body)
    message = _message(lower, authorisation, token=token)
    yield Variation("text.method_case", "the method in lower case", message)
    spaced = _message(request, authorisation.replace(",", ", "), token=token)
    yield Variation("param.order", "blanks after the commas of Authorization", spaced)
    for code, evidence, body in _bodies(request.body):
        other = RawRequest(request.method, request.path, request.query, {}, body)
        yield Variation(code, evidence, _message(other, authorisation, token=token))


def _bodies(body: bytes) -> Iterator[tuple[str, str, bytes]]:
    try:
        text = body.decode()
        yield "text.charset", "the body as GBK bytes", text.encode("gbk")
    except UnicodeError:
        return
    for code, evidence, other in changed(text, json_changes()):
        yield code, evidence, other.encode()
    yield "body.altered", "an empty body", b""


def _message(request: RawRequest, authorisation: str, *, token: str | None) -> bytes:
    target = f"{request.path}?{request.query}" if request.query else request.path
    return alipay.request_message_v3(
        authorisation, request.method, target, request.body, token=token
    )
