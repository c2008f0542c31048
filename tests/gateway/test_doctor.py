"""The signature doctor: one seeded mistake a cause, each named first and confirmed."""

import hmac
import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import NOW, Edge, identity, partner_app, pay, private_key

from bankside.gateway.doctor import (
    Examined,
    Keys,
    KnownKey,
    RawRequest,
    RawUnreadable,
    diagnose,
    examination,
    examine,
    read_raw,
)
from bankside.gateway.doctor.difference import first_difference, masked
from bankside.gateway.doctor.fixes import FIXES
from bankside.kernel.signing import alipay, generate, icbc, public_der, signer
from bankside.kernel.signing.content import encrypt
from bankside.kernel.signing.rfc9421 import (
    Identity,
    Request,
    compiled,
    content_digest,
    request_base,
    sign_request,
)
from bankside.kernel.signing.structured import signature_inputs

CREATED = int(NOW)
NONCE = "0123456789abcdef"
BODY = '{"subject":"书 & 50%","note":"a+b","url":"https://x/y","amount":{"amount":"10.00"}}'


@cache
def public_half(alg: str, name: str) -> bytes:
    """What is registered of a key; reading a private RSA key takes tens of milliseconds."""
    private = private_key(alg, name)
    return private if alg == "hmac-sha256" else public_der(private)


def public(alg: str, key_id: str = "k", name: str = "partner", **more: Any) -> KnownKey:
    return KnownKey(key_id, alg, public_half(alg, name), **more)


def keys(alg: str = "rsa-sha256", **more: Any) -> Keys:
    return Keys(own=[public(alg)], platform=[public(alg, "gw", "bank")], **more)


def raw(request: Request) -> RawRequest:
    return RawRequest(
        request.method, request.path, request.query, dict(request.headers), request.body
    )


def native(
    alg: str = "hmac-sha256",
    *,
    seen: Callable[[Request], Request] = lambda request: request,
    base: Callable[[bytes], bytes] = lambda octets: octets,
    sign: Callable[[bytes], bytes] | None = None,
    text: Callable[[str], str] = lambda parameters: parameters,
    created: int = CREATED,
) -> RawRequest:
    """A signed request; ``seen`` is what the partner believed it was sending, ``base`` and ``text``
    what it made of string and parameters before signing."""
    request = Request(
        "POST",
        "/v1/scan-payments",
        "note=a%20b+c&x=%E4%B9%A6",
        {"host": "bank.example:8080", "idempotency-key": "k1", "content-type": "application/json"},
        BODY.encode(),
    )
    believed = seen(request)
    names = ("@method", "@path", "@query", "content-digest", "idempotency-key")
    inner = " ".join(f'"{name}"' for name in names)
    parameters = f'({inner});created={created};nonce="{NONCE}";keyid="k";alg="{alg}"'
    believed.headers["content-digest"] = content_digest(believed.body)
    lines = compiled(signature_inputs(f"sig1={parameters}")["sig1"].components)
    octets = base(request_base(believed, lines, text(parameters)))
    signature = (sign or signer(alg, private_key(alg)))(octets)
    request.headers |= {
        "content-digest": content_digest(believed.body),
        "signature-input": f"sig1={parameters}",
        "signature": f"sig1=:{b64encode(signature).decode()}:",
    }
    return raw(request)


def der(alg_sign: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def sign(message: bytes) -> bytes:
        signature = alg_sign(message)
        return encode_dss_signature(
            int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        )

    return sign


def believed(**changes: Any) -> Callable[[Request], Request]:
    """The request with other parts, and headers of its own."""

    def seen(request: Request) -> Request:
        return replace(request, headers=dict(request.headers), **changes)

    return seen


def damaged(request: RawRequest, old: str, new: str) -> RawRequest:
    """With characters of the signature replaced in transport, until some are."""
    assert old in request.headers["signature"]
    request.headers["signature"] = request.headers["signature"].replace(old, new)
    return request


def with_character(character: str) -> RawRequest:
    """A request whose Base64 signature holds a certain character."""
    for created in range(CREATED - 50, CREATED):
        request = native(created=created)
        if character in request.headers["signature"].removeprefix("sig1=:"):
            return request
    raise AssertionError(character)


SECRET = private_key("hmac-sha256")


def under(secret: bytes) -> Callable[[bytes], bytes]:
    return lambda message: hmac.digest(secret, message, "sha256")


NATIVE: dict[str, tuple[str, Callable[[], RawRequest], str]] = {
    "other path encoding": ("path.host_or_query", lambda: native(
        seen=believed(path="https://bank.example:8080/v1/scan-payments")), "hmac-sha256"),
    "query in path": ("path.host_or_query", lambda: native(
        seen=believed(path="/v1/scan-payments?note=a%20b+c&x=%E4%B9%A6")), "hmac-sha256"),
    "no query": ("path.host_or_query", lambda: native(base=lambda octets: octets.replace(
        b'"@query": ?note=a%20b+c&x=%E4%B9%A6\n', b'"@query": \n')), "hmac-sha256"),
    "blank for plus": ("text.plus_as_blank", lambda: native(
        seen=believed(query="note=a%20b c&x=%E4%B9%A6")), "hmac-sha256"),
    "query encoded again": ("text.url_encoded", lambda: native(
        seen=believed(query=quote("note=a%20b+c&x=%E4%B9%A6", ""))), "hmac-sha256"),
    "method case": ("text.method_case", lambda: native(seen=believed(method="post")),
                    "hmac-sha256"),
    "trailing newline": ("text.trailing_newline", lambda: native(base=lambda o: o + b"\n"),
                         "hmac-sha256"),
    "crlf": ("text.crlf", lambda: native(base=lambda o: o.replace(b"\n", b"\r\n")), "hmac-sha256"),
    "parameter order": ("param.order", lambda: native(text=lambda t: t.replace(
        f';created={CREATED};nonce="{NONCE}";keyid="k";alg="hmac-sha256"',
        f';alg="hmac-sha256";created={CREATED};keyid="k";nonce="{NONCE}"')), "hmac-sha256"),
    "digest": ("alg.digest", lambda: native("rsa-v1_5-sha256", sign=signer(
        "rsa-sha1", private_key("rsa-v1_5-sha256"))), "rsa-v1_5-sha256"),
    "padding": ("alg.digest", lambda: native("rsa-v1_5-sha256", sign=signer(
        "rsa-pss-sha512", private_key("rsa-v1_5-sha256"))), "rsa-v1_5-sha256"),
    "der": ("alg.der", lambda: native("ecdsa-p256-sha256", sign=der(signer(
        "ecdsa-p256-sha256", private_key("ecdsa-p256-sha256")))), "ecdsa-p256-sha256"),
    "secret as base64": ("key.format", lambda: native(sign=under(b64encode(SECRET))),
                         "hmac-sha256"),
    "secret as hex": ("key.format", lambda: native(sign=under(SECRET.hex().encode())),
                      "hmac-sha256"),
    "swapped": ("key.swapped", lambda: native("ed25519", sign=signer(
        "ed25519", private_key("ed25519", "bank"))), "ed25519"),
    "stale": ("time.stale", lambda: native(created=CREATED - 100), "hmac-sha256"),
    "zone": ("time.zone", lambda: native(created=CREATED - 8 * 3600), "hmac-sha256"),
    "unit": ("time.unit", lambda: native(created=CREATED * 1000), "hmac-sha256"),
    "altered": ("body.altered", lambda: native(seen=believed(body=b'{"other":1}')),
                "hmac-sha256"),
    "json rewritten": ("text.json_changed", lambda: native(
        seen=believed(body=json.dumps(json.loads(BODY)).encode())), "hmac-sha256"),
    "json slashes": ("text.json_changed", lambda: native(
        seen=believed(body=BODY.replace("/", "\\/").encode())), "hmac-sha256"),
    "body newline": ("text.trailing_newline", lambda: native(
        seen=believed(body=BODY.encode() + b"\n")), "hmac-sha256"),
    "body charset": ("text.charset", lambda: native(seen=believed(body=BODY.encode("gbk"))),
                     "hmac-sha256"),
    "body html": ("text.html_escaped", lambda: native(seen=believed(
        body=BODY.replace("&", "&amp;").replace('"', "&quot;").encode())), "hmac-sha256"),
    "plus lost": ("text.plus_as_blank", lambda: damaged(with_character("+"), "+", " "),
                  "hmac-sha256"),
    "url-safe": ("text.base64url", lambda: damaged(with_character("/"), "/", "_"), "hmac-sha256"),
}  # fmt: skip


@pytest.mark.parametrize("name", NATIVE)
def test_each_native_mistake_is_named_first_and_confirmed(name: str) -> None:
    code, make, alg = NATIVE[name]

    report = examine("native", make(), keys(alg), now=NOW)

    assert not report.valid
    assert (report.causes[0].code, report.causes[0].confirmed) == (code, True), report


@pytest.mark.parametrize("alg", ["hmac-sha256", "ecdsa-p256-sha256", "ed25519", "rsa-v1_5-sha256"])
def test_a_correct_native_request_is_valid(alg: str) -> None:
    report = examine("native", native(alg), keys(alg), now=NOW)

    assert report.valid
    assert report.causes == ()
    assert report.first_difference is None
    assert report.key == "k"


# The form wires: what the partner signed (values and string) against what it sent.
FORM_BASE = {
    "app_id": "app_food",
    "charset": "UTF-8",
    "format": "json",
    "timestamp": "2026-03-02 10:00:00",
    "biz_content": BODY,
    "notify_url": "https://shop.example/notify?a=1",
}
WIRES = {
    "icbc": (
        "/api/merchant/scan-payments/create/V1",
        FORM_BASE | {"msg_id": "m1", "sign_type": "RSA2"},
        lambda values: icbc.string_to_sign("/api/merchant/scan-payments/create/V1", values),
    ),
    "alipay": (
        "/gateway.do",
        FORM_BASE | {"method": "alipay.trade.pay", "version": "1.0", "sign_type": "RSA2"},
        alipay.string_to_sign,
    ),
}
AES = bytes(range(16))


def form(
    wire: str,
    *,
    signed: Callable[[dict[str, str]], dict[str, str]] = lambda values: values,
    sent: Callable[[dict[str, str]], dict[str, str]] = lambda values: values,
    string: Callable[[str, dict[str, str]], str] = lambda text, values: text,
    charset: str = "utf-8",
    sign_alg: str = "rsa-sha256",
    broken: Callable[[str], str] = lambda body: body,
) -> RawRequest:
    path, values, join = WIRES[wire]
    wanted = signed(dict(values))
    octets = string(join(wanted), wanted).encode(charset)
    signature = b64encode(signer(sign_alg, private_key("rsa-sha256"))(octets)).decode()
    body = broken(urlencode(sent(dict(values)) | {"sign": signature}))
    headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
    return RawRequest("POST", path, "", headers, body.encode())


def each_value(change: Callable[[str], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda values: {name: change(value) for name, value in values.items()}


def with_biz(change: Callable[[str], str]) -> Callable[[dict[str, str]], dict[str, str]]:
    return lambda values: values | {"biz_content": change(values["biz_content"])}


def prefixed(text: str) -> str:
    return text.partition("?")[0] + "?" if text.startswith("/") else ""


FORMS: dict[str, tuple[str, dict[str, Any]]] = {
    "sign_type left out": ("param.sign_type", {
        "signed": lambda v: {k: x for k, x in v.items() if k != "sign_type"}}),
    "insertion order": ("param.order", {"string": lambda text, v: prefixed(text) + "&".join(
        f"{k}={x}" for k, x in v.items())}),
    "submit button": ("param.extra", {"sent": lambda v: v | {"submit": "pay"}}),
    "sha-1": ("alg.digest", {"sign_alg": "rsa-sha1"}),
    "urlencoded": ("text.url_encoded", {"signed": each_value(quote_plus)}),
    "urlencoded %20": ("text.url_encoded", {"signed": each_value(lambda x: quote(x, ""))}),
    "gbk": ("text.charset", {"charset": "gbk"}),
    "escapes": ("text.json_changed", {"signed": with_biz(
        lambda x: json.dumps(json.loads(x), separators=(",", ":")))}),
    "blanks": ("text.json_changed", {"signed": with_biz(
        lambda x: json.dumps(json.loads(x), ensure_ascii=False))}),
    "slashes": ("text.json_changed", {"signed": with_biz(lambda x: x.replace("/", "\\/"))}),
    "html": ("text.html_escaped", {"signed": each_value(
        lambda x: x.replace("&", "&amp;").replace('"', "&quot;"))}),
    "newline": ("text.trailing_newline", {"string": lambda text, v: text + "\n"}),
    "crlf": ("text.crlf", {"string": lambda text, v: text + "\r\n"}),
    "plus in value": ("text.plus_as_blank", {"signed": with_biz(
        lambda x: x.replace(" ", "+"))}),
}  # fmt: skip


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize("name", FORMS)
def test_each_form_mistake_is_named_first_and_confirmed(wire: str, name: str) -> None:
    code, options = FORMS[name]

    report = examine(wire, form(wire, **options), keys(), now=NOW)

    assert not report.valid
    assert (report.causes[0].code, report.causes[0].confirmed) == (code, True), report
    assert report.expected_string


@pytest.mark.parametrize("wire", WIRES)
def test_a_correct_form_is_valid(wire: str) -> None:
    report = examine(wire, form(wire), keys(), now=NOW)

    assert report.valid
    assert report.causes == ()


@pytest.mark.parametrize("wire", WIRES)
def test_a_plus_of_the_signature_sent_unencoded_is_named(wire: str) -> None:
    def encoded_badly(body: str) -> str:
        fields, _, sign = body.partition("&sign=")
        return f"{fields}&sign={sign.replace('%2B', '+')}"

    for attempt in range(50):
        other = {"notify_url": f"https://shop.example/{attempt}"}
        request = form(
            wire,
            signed=lambda values: values | other,  # noqa: B023 - called before the next attempt
            sent=lambda values: values | other,  # noqa: B023 - called before the next attempt
            broken=encoded_badly,
        )
        if b"+" in request.body.partition(b"&sign=")[2]:
            break
    report = examine(wire, request, keys(), now=NOW)

    assert (report.causes[0].code, report.causes[0].confirmed) == ("text.plus_as_blank", True)


@pytest.mark.parametrize(("wire", "in_front"), [("alipay", "/gateway.do?"), ("icbc", None)])
def test_a_path_written_otherwise_is_named(wire: str, in_front: str | None) -> None:
    def string(usual: str, values: dict[str, str]) -> str:
        return usual.partition("?")[2] if in_front is None else in_front + usual

    report = examine(wire, form(wire, string=string), keys(), now=NOW)

    assert (report.causes[0].code, report.causes[0].confirmed) == ("path.host_or_query", True)


def test_empty_parameters_in_the_string_are_named_on_icbc_and_accepted_on_alipay() -> None:
    empty = {"ca": "", "auth_token": ""}

    def with_empties(usual: str, values: dict[str, str]) -> str:
        text = "&".join(f"{k}={v}" for k, v in sorted((values | empty).items()))
        return prefixed(usual) + text

    def add(values: dict[str, str]) -> dict[str, str]:
        return values | empty

    refused = examine("icbc", form("icbc", sent=add, string=with_empties), keys(), now=NOW)
    taken = examine("alipay", form("alipay", sent=add, string=with_empties), keys(), now=NOW)

    assert not refused.valid
    assert refused.causes[0].code == "param.empty_kept"
    assert refused.causes[0].confirmed
    assert taken.valid
    assert [each.code for each in taken.causes] == ["param.empty_kept"]


@pytest.mark.parametrize("wire", WIRES)
def test_signing_before_encrypting_is_named(wire: str) -> None:
    def hidden(values: dict[str, str]) -> dict[str, str]:
        return values | {"encrypt_type": "AES", "biz_content": encrypt(BODY.encode(), AES)}

    def plain(values: dict[str, str]) -> dict[str, str]:
        return values | {"encrypt_type": "AES"}

    request = form(wire, signed=plain, sent=hidden)
    report = examine(wire, request, keys(content=AES), now=NOW)

    assert (report.causes[0].code, report.causes[0].confirmed) == ("order.encrypt_sign", True)


@pytest.mark.parametrize("wire", WIRES)
@pytest.mark.parametrize(
    ("time", "code"),
    [
        ("2026-03-02 02:00:00", "time.zone"),
        ("2026-03-01 23:07:00", "time.stale"),
        ("2026-03-02T10:00:00Z", "time.unit"),
    ],
)
def test_a_wrong_clock_on_a_form_wire_is_named(wire: str, time: str, code: str) -> None:
    def at(values: dict[str, str]) -> dict[str, str]:
        return values | {"timestamp": time}

    report = examine(wire, form(wire, signed=at, sent=at), keys(), now=NOW)

    assert not report.valid
    assert report.key == "k"
    assert [each.code for each in report.causes] == [code]


def v3(
    message: Callable[[bytes], bytes] = lambda octets: octets,
    *,
    sent: bytes | None = None,
    token: str | None = None,
    query: str = "",
    age_ms: int = 0,
    sign: Callable[[bytes], bytes] | None = None,
) -> RawRequest:
    body = BODY.encode()
    authorisation = alipay.authorisation_v3("app_food", "n" * 16, int(NOW * 1000) - age_ms)
    path = "/v3/alipay/trade/query"
    target = f"{path}?{query}" if query else path
    octets = message(alipay.request_message_v3(authorisation, "POST", target, body, token=token))
    header = alipay.authorization_header_v3(
        authorisation, octets, sign or signer("rsa-sha256", private_key("rsa-sha256"))
    )
    headers = {"authorization": header, "host": "bank.example"}
    if token is not None:
        headers["alipay-app-auth-token"] = token
    return RawRequest("POST", path, query, headers, body if sent is None else sent)


V3: dict[str, tuple[str, Callable[[], RawRequest]]] = {
    "newline missing": ("text.trailing_newline", lambda: v3(lambda o: o.removesuffix(b"\n"))),
    "crlf": ("text.crlf", lambda: v3(lambda o: o.replace(b"\n", b"\r\n"))),
    "token unsigned": ("token.line", lambda: v3(
        lambda o: o.removesuffix(b"tok\n"), token="tok")),
    "query left out": ("path.host_or_query", lambda: v3(
        lambda o: o.replace(b"?a=b", b""), query="a=b")),
    "host": ("path.host_or_query", lambda: v3(
        lambda o: o.replace(b"/v3/", b"http://bank.example/v3/"))),
    "json": ("text.json_changed", lambda: v3(
        sent=json.dumps(json.loads(BODY), ensure_ascii=False, separators=(",", ":"),
                        sort_keys=False).replace("/", "\\/").encode())),
    "sha-1": ("alg.digest", lambda: v3(sign=signer("rsa-sha1", private_key("rsa-sha256")))),
    "method": ("text.method_case", lambda: v3(lambda o: o.replace(b"\nPOST\n", b"\npost\n"))),
    "zone": ("time.zone", lambda: v3(age_ms=8 * 3_600_000)),
    "unit": ("time.unit", lambda: v3(age_ms=int(NOW * 999))),
}  # fmt: skip


@pytest.mark.parametrize("name", V3)
def test_each_v3_mistake_is_named_first_and_confirmed(name: str) -> None:
    code, make = V3[name]

    report = examine("alipay3", make(), keys(), now=NOW)

    assert not report.valid
    assert (report.causes[0].code, report.causes[0].confirmed) == (code, True), report


def test_a_correct_v3_request_is_valid() -> None:
    report = examine("alipay3", v3(token="tok", query="a=b"), keys(), now=NOW)

    assert report.valid
    assert report.causes == ()


def test_a_key_of_the_partners_other_app_or_environment_is_named() -> None:
    stray = signer("rsa-sha256", private_key("rsa-sha256", "stray"))
    request = v3(sign=stray)
    own = [public("rsa-sha256")]

    other = examine(
        "alipay3",
        request,
        Keys(own=own, siblings=[public("rsa-sha256", "k2", "stray", app="app_2")]),
        now=NOW,
    )
    live = examine(
        "alipay3",
        request,
        Keys(own=own, siblings=[public("rsa-sha256", "k2", "stray", environment="live")]),
        now=NOW,
    )

    assert (other.causes[0].code, other.causes[0].confirmed) == ("key.other_app", True)
    assert "app_2" in other.causes[0].evidence
    assert (live.causes[0].code, live.causes[0].confirmed) == ("key.sandbox", True)


def test_a_platform_key_registered_as_the_partners_is_named() -> None:
    ours = public("rsa-sha256", "gw", "bank")
    report = examine("alipay3", v3(), Keys(own=[replace(ours, id="k")], platform=[ours]), now=NOW)

    assert (report.causes[0].code, report.causes[0].confirmed) == ("key.swapped", True)


def test_a_key_that_is_over_or_named_wrongly_is_named() -> None:
    over = examine("native", native(), Keys(own=[public("hmac-sha256", not_after=1)]), now=NOW)
    named = examine("native", native(), Keys(own=[public("hmac-sha256", "other")]), now=NOW)
    mismatch = examine("native", native("rsa-v1_5-sha256"), keys("rsa-pss-sha512"), now=NOW)

    assert (over.valid, over.causes[0].code) == (False, "key.expired")
    assert (named.valid, named.causes[0].code) == (False, "key.other_app")
    assert not mismatch.valid
    assert "alg.named" in {each.code for each in mismatch.causes}


def test_a_request_that_lacks_a_component_says_which() -> None:
    request = native()
    request.headers["authorization"] = "Bearer x"

    report = examine("native", request, keys("hmac-sha256"), now=NOW)

    assert report.causes[0].code == "request.refused"
    assert "signature.component_missing" in report.causes[0].evidence
    assert "authorization" in report.causes[0].evidence


def test_an_unknown_mistake_is_suspected_never_confirmed() -> None:
    stray = signer("hmac-sha256", generate("hmac-sha256"))

    report = examine("native", native(sign=stray), keys("hmac-sha256"), now=NOW)

    assert [(each.code, each.confirmed) for each in report.causes] == [("key.unregistered", False)]


def test_an_rsa_signature_over_another_string_proves_at_least_the_key() -> None:
    report = examine("alipay3", v3(lambda o: o[::-1]), keys(), now=NOW)

    assert report.causes[0].confirmed
    assert "right key" in report.causes[0].evidence


def test_the_partners_own_string_shows_the_first_differing_byte() -> None:
    request = native(base=lambda o: o.replace(b"scan", b"SCAN"))
    expected = examine("native", request, keys("hmac-sha256"), now=NOW).expected_string
    assert expected is not None

    report = examine(
        "native", request, keys("hmac-sha256"), now=NOW, theirs=expected.replace("scan", "SCAN")
    )

    difference = report.first_difference
    assert difference is not None
    assert difference.offset == expected.encode().index(b"scan")
    assert (difference.expected_hex, difference.received_hex) == ("73", "53")
    assert difference.part == '"@path"'
    assert "SCAN" in difference.received_context
    assert report.causes[0].confirmed


def test_credentials_are_masked_in_every_string() -> None:
    body = b'{"auth_code":"28763443825664394","pin":"987654","subject":"x"}'
    request = Request(
        "POST",
        "/v1/scan-payments",
        "",
        {"host": "h", "authorization": "Bearer secret-token", "x-app-auth-token": "tok-tok"},
        body,
    )
    fields = sign_request(request, identity("hmac-sha256", "k"), created=CREATED, nonce=NONCE)
    signed = raw(replace(request, headers=request.headers | fields))
    report = examine(
        "native", signed, keys("hmac-sha256"), now=NOW, theirs='"authorization": Bearer secret-toke'
    )
    values = {"app_auth_token": "tok-tok", "auth_token": "u", "biz_content": body.decode()}
    by_form = examine(
        "alipay",
        form("alipay", signed=lambda v: v | values, sent=lambda v: v | values),
        keys(),
        now=NOW,
    )

    for text in (json.dumps(report.to_json()), json.dumps(by_form.to_json())):
        for secret in ("secret-toke", "tok-tok", "28763443825664394", "987654"):
            assert secret not in text
    assert by_form.valid


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_the_first_difference_is_the_first_and_masking_moves_nothing(a: bytes, b: bytes) -> None:
    found = first_difference(a, b)

    assert (found is None) == (a == b)
    if found is not None:
        assert a[: found.offset] == b[: found.offset]
        assert a[found.offset : found.offset + 1] != b[found.offset : found.offset + 1]
    assert len(masked(a)) == len(a)


def test_a_check_makes_at_most_64_verifications(monkeypatch: pytest.MonkeyPatch) -> None:
    made = 0

    def counting(self: KnownKey, alg: str = "") -> Callable[[bytes, bytes], bool]:
        def verify(message: bytes, signature: bytes) -> bool:
            nonlocal made
            made += 1
            return False

        return verify

    monkeypatch.setattr(examination.KnownKey, "verifier", counting)
    many = [public("rsa-sha256", f"k{n}") for n in range(40)]

    for wire, request in (("alipay", form("alipay")), ("icbc", form("icbc")), ("alipay3", v3())):
        made = 0
        examine(wire, request, Keys(own=many[:3], siblings=many), now=NOW)
        assert 0 < made <= examination.TRIES_MAX


def test_every_cause_has_a_fix_in_both_languages() -> None:
    for zh, en in FIXES.values():
        assert zh
        assert en
        assert not zh.isascii()
        assert en.isascii()


def test_from_a_snapshot_only_keys_of_the_same_partner_are_tried() -> None:
    app = partner_app()
    sibling = replace(
        partner_app(), id="app_2", keys={"alipay": (replace(app.keys["native"][3], id="k-2"),)}
    )
    foreign = partner_app(id="app_3", partner="prt_other", keys={})
    s = Edge(app, sibling, foreign).serving.current
    edge = Edge()
    good = raw(edge.signed(pay()))
    bad = raw(edge.signed(pay(), identity(name="stranger")))

    assert diagnose(s, good, now=NOW).valid
    report = diagnose(s, bad, now=NOW)
    assert [each.code for each in report.causes] == ["key.unregistered"]
    unknown = diagnose(s, raw(edge.signed(pay(), identity(key_id="k-nobody"))), now=NOW)
    assert unknown.causes[0].code == "key.unregistered"


def test_a_pasted_request_is_read_with_either_line_ending() -> None:
    request = native()
    head = f"POST {request.path}?{request.query} HTTP/1.1"
    lines = [head, *(f"{name.title()}: {value}" for name, value in request.headers.items())]
    lines.append(f"Content-Length: {len(request.body)}")

    for ending in ("\r\n", "\n"):
        data = (ending.join(lines) + ending * 2).encode("latin-1") + request.body + b"\n"
        assert examine("native", read_raw(data), keys("hmac-sha256"), now=NOW).valid
    longer = data[:-1].replace(b"https://x/y", b"https:\\/\\/x\\/y")
    report = examine("native", read_raw(longer), keys("hmac-sha256"), now=NOW)
    assert report.causes[0].code == "text.json_changed"
    absolute = read_raw(b"GET http://h:80/v1/x?a=1 HTTP/1.1\r\nHost: h\r\n\r\n")
    assert (absolute.path, absolute.query) == ("/v1/x", "a=1")


@pytest.mark.parametrize("data", [b"", b"GET", b"GET x HTTP/1.1", b"GET / HTTP/1.1\nbad", b"\0\1"])
def test_what_is_no_request_is_refused(data: bytes) -> None:
    with pytest.raises(RawUnreadable):
        read_raw(data)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=120), st.sampled_from(["native", "icbc", "alipay", "alipay3"]))
def test_any_pasted_bytes_get_a_report_or_a_refusal(noise: bytes, wire: str) -> None:
    request = native()
    headers = {**request.headers, "content-type": "application/x-www-form-urlencoded"}
    for field in ("signature", "signature-input", "authorization"):
        mixed = {**headers, field: noise.decode("latin-1")}
        report = examine(wire, RawRequest("POST", "/v1/x", "a=%", mixed, noise), keys(), now=NOW)
        assert isinstance(report, Examined)
        assert not report.valid
        assert json.dumps(report.to_json())


def test_identity_is_what_the_client_signs_with() -> None:
    """The doctor and the client build the same string."""
    who = Identity(key_id="k", alg="hmac-sha256", sign=signer("hmac-sha256", SECRET))
    request = Request("GET", "/v1/x", "", {"host": "h"})
    fields = sign_request(request, who, created=CREATED, nonce=NONCE)

    report = examine(
        "native", raw(replace(request, headers=request.headers | fields)), keys("hmac-sha256"),
        now=NOW,
    )  # fmt: skip

    assert report.valid
