"""How the form wires (ICBC-style, Alipay-style v2) read a request, and the usual mistakes there."""

import binascii
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bankside.gateway.doctor.clocks import clock_findings
from bankside.gateway.doctor.keys import Keys
from bankside.gateway.doctor.raw import RawRequest
from bankside.gateway.doctor.reading import Finding, Reading, Variation
from bankside.gateway.doctor.texts import ENDINGS, ESCAPES, changed, json_changes, other_charsets
from bankside.gateway.wires.alipay import AlipayWire
from bankside.gateway.wires.forms import beijing_seconds, read_form
from bankside.gateway.wires.icbc import IcbcWire
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing import alipay, icbc
from bankside.kernel.signing.content import decrypt

_ICBC_KNOWN = frozenset({
    "app_id", "msg_id", "format", "charset", "encrypt_type", "sign_type", "sign", "timestamp", "ca",
    "app_auth_token", "biz_content", "notify_url", "return_url",
})  # fmt: skip
_ALIPAY_KNOWN = frozenset({
    "app_id", "method", "format", "charset", "sign_type", "sign", "timestamp", "version",
    "notify_url", "return_url", "auth_token", "app_auth_token", "app_cert_sn",
    "alipay_root_cert_sn", "ws_service_url", "biz_content", "encrypt_type", "alipay_sdk",
})  # fmt: skip
# Unknown parameters dropped one at a time; a form with more was not signed by an SDK.
_EXTRA_MAX = 6

Join = Callable[[Mapping[str, str]], str]


@dataclass(frozen=True, slots=True)
class _Form:
    """A form, how its dialect joins it, and what the dialect knows."""

    values: Mapping[str, str]
    charset: str
    join: Join
    known: frozenset[str]
    path: str


def read_icbc(request: RawRequest, keys: Keys, now: float) -> Reading:
    """The ICBC-style wire's reading."""
    wire = IcbcWire
    return _read(
        request,
        keys,
        now,
        lambda values: icbc.string_to_sign(request.path, values),
        known=_ICBC_KNOWN,
        window=(wire.window_behind, wire.window_ahead),
    )


def read_alipay(request: RawRequest, keys: Keys, now: float) -> Reading:
    """The Alipay-style v2 wire's reading; it accepts empty parameters in the string."""
    wire = AlipayWire
    return _read(
        request,
        keys,
        now,
        alipay.string_to_sign,
        known=_ALIPAY_KNOWN,
        window=(wire.window_behind, wire.window_ahead),
    )


def _read(
    request: RawRequest,
    keys: Keys,
    now: float,
    join: Join,
    *,
    known: frozenset[str],
    window: tuple[int, int],
) -> Reading:
    try:
        parsed = read_form(request.query, request.body, request.headers.get("content-type", ""))
    except BanksideError as error:
        return Reading(findings=[Finding("request.refused", True, f"{error.code}: {error.detail}")])
    form = _Form(parsed.values, parsed.charset, join, known, request.path)
    findings = []
    seconds = beijing_seconds(form.values.get("timestamp", ""))
    if seconds is None:
        findings.append(
            Finding("time.unit", True, "timestamp is not yyyy-MM-dd HH:mm:ss (in GMT+8)")
        )
    else:
        findings += clock_findings(seconds, now, behind=window[0], ahead=window[1])
    signature, repaired = _signature(form.values.get("sign", ""))
    if signature is None:
        findings.append(Finding("request.refused", True, "sign is missing or no Base64"))
    empties = Variation("param.empty_kept", "empty parameters kept", _with_empties(form))
    has_empties = known is _ALIPAY_KNOWN and not all(form.values.values())
    return Reading(
        expected=_octets(join(form.values), form.charset),
        signature=signature,
        alg=icbc.SIGN_TYPES.get(form.values.get("sign_type") or "RSA", "unknown"),
        findings=findings,
        variations=[*repaired, *_variations(form, empties, keys.content)],
        accepted=[empties] if has_empties else [],
    )


def _signature(text: str) -> tuple[bytes | None, list[Variation]]:
    if not text:
        return None, []
    repaired = text.replace(" ", "+")
    try:
        if repaired == text:
            return b64decode(text, validate=True), []
        fixed = Variation(
            "text.plus_as_blank",
            "+ put back for blanks in sign",
            signature=b64decode(repaired, validate=True),
        )
    except (binascii.Error, ValueError):
        return None, []
    return b"", [fixed]


def _variations(form: _Form, empties: Variation, content: bytes | None) -> Iterator[Variation]:
    for alg in ("rsa-sha1", "rsa-sha256"):
        yield Variation("alg.digest", f"algorithm {alg}", alg=alg)
    if not all(form.values.values()):
        yield empties
    values, join, charset = form.values, form.join, form.charset
    text = join(values)
    if "sign_type" in values:
        yield _of(form, "param.sign_type", "sign_type left out", _without(values, "sign_type"))
    yield from _orders(form)
    yield from _extras(form)
    if content is not None and values.get("encrypt_type"):
        yield from _plain_content(form, content)
    for code, evidence, octets in other_charsets(text, charset):
        yield Variation(code, evidence, octets)
    for code, evidence, other in changed(text, ENDINGS):
        yield Variation(code, evidence, _octets(other, charset))
    biz = values.get("biz_content", "")
    for code, evidence, other in changed(biz, json_changes()):
        yield _of(form, code, evidence, {**values, "biz_content": other})
    for code, evidence, change in ESCAPES:
        escaped = {name: change(value) for name, value in values.items()}
        yield _of(form, code, evidence, escaped)
        yield _of(form, code, f"biz_content: {evidence}", {**values, "biz_content": change(biz)})
    yield from _paths(form, text)


def _orders(form: _Form) -> Iterator[Variation]:
    prefix = form.join({})
    pairs = [(k, v) for k, v in form.values.items() if k != "sign" and v]
    for evidence, ordered in (
        ("the parameters in the order they were sent", pairs),
        ("the parameters sorted without regard to case", sorted(pairs, key=lambda p: p[0].lower())),
        ("the parameters sorted backwards", sorted(pairs, reverse=True)),
    ):
        text = prefix + "&".join(f"{name}={value}" for name, value in ordered)
        yield Variation("param.order", evidence, _octets(text, form.charset))


def _extras(form: _Form) -> Iterator[Variation]:
    unknown = [name for name in form.values if name not in form.known]
    for name in unknown[:_EXTRA_MAX]:
        yield _of(form, "param.extra", f"{name!r} left out", _without(form.values, name))


def _plain_content(form: _Form, key: bytes) -> Iterator[Variation]:
    try:
        plain = decrypt(form.values.get("biz_content", ""), key).decode(form.charset)
    except (BanksideError, UnicodeDecodeError):
        return
    evidence = "the plain content in place of the encrypted one"
    yield _of(form, "order.encrypt_sign", evidence, {**form.values, "biz_content": plain})


def _paths(form: _Form, text: str) -> Iterator[Variation]:
    bare = text.partition("?")[2] if text.startswith(form.path) else text
    for evidence, other in (
        ("the path left out", bare),
        ("the path and ? in front", f"{form.path}?{bare}"),
        ("the path without its first slash", f"{form.path[1:]}?{bare}"),
        ("only a question mark in front", f"?{bare}"),
    ):
        if other != text:
            yield Variation("path.host_or_query", evidence, _octets(other, form.charset))


def _with_empties(form: _Form) -> bytes | None:
    """The string of someone who signs empty parameters as well."""
    marked = {name: value or "\0" for name, value in form.values.items()}
    return _octets(form.join(marked).replace("\0", ""), form.charset)


def _of(form: _Form, code: str, evidence: str, values: Mapping[str, str]) -> Variation:
    return Variation(code, evidence, _octets(form.join(values), form.charset))


def _without(values: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in values.items() if key != name}


def _octets(text: str, charset: str) -> bytes | None:
    try:
        return text.encode(charset)
    except UnicodeEncodeError:
        return None
