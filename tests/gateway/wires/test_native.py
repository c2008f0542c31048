"""The native wire's rules: every 401 code, and what must make no difference."""

import re
from base64 import b64encode
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.edge import NOW, Edge, ask, identity, partner_app, pay, problem

from bankside.gateway.exchange import Reply
from bankside.gateway.meter import call_record
from bankside.kernel.signing import ALGORITHMS
from bankside.kernel.signing.rfc9421 import (
    LABEL,
    Request,
    compiled,
    content_digest,
    request_base,
    sign_request,
)
from bankside.kernel.signing.structured import signature_inputs

JSON = {"host": "bank.example", "content-type": "application/json", "idempotency-key": "k1"}


async def code_of(edge: Edge, request: Request) -> str:
    """Send as is; the refusal's code, its answer verified."""
    reply = await edge.send(request)
    edge.verify(reply, request)
    body = problem(reply)
    assert reply.status == 401
    assert body["request_id"]
    return str(body["code"])


def changed(request: Request, **headers: str | None) -> Request:
    """``request`` with headers replaced (None: removed); underscores stand for dashes."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    kept = {name: value for name, value in request.headers.items() if name not in fields}
    given = {name: value for name, value in fields.items() if value is not None}
    return replace(request, headers=kept | given)


def rewritten(request: Request, old: str, new: str) -> Request:
    """``request`` with its Signature-Input altered as text, signature left alone."""
    field = request.headers["signature-input"]
    assert old in field
    return changed(request, signature_input=field.replace(old, new))


def resigned(edge: Edge, request: Request, parameters: str) -> Request:
    """``request`` signed over a parameter text of our own making (covers what it names)."""
    who = identity()
    headers = request.headers | {"content-digest": content_digest(request.body)}
    full = replace(request, headers=headers)
    covered = signature_inputs(f"{LABEL}={parameters}")[LABEL]
    signature = who.sign(request_base(full, compiled(covered.components), parameters))
    return replace(
        full,
        headers=headers
        | {
            "signature-input": f"{LABEL}={parameters}",
            "signature": f"{LABEL}=:{b64encode(signature).decode()}:",
        },
    )


COVER = '("@method" "@path" "@query" "content-digest" "idempotency-key")'
USUAL = f'created={int(NOW)};nonce="0123456789abcdef";keyid="k-hmac-sha256";alg="hmac-sha256"'


async def test_an_unsigned_request_is_signature_missing() -> None:
    edge = Edge()
    signed = edge.signed(pay())

    assert await code_of(edge, pay()) == "signature.missing"
    assert await code_of(edge, changed(signed, signature_input=None)) == "signature.missing"
    reply = await edge.send(changed(signed, signature=None))
    assert problem(reply)["code"] == "signature.missing"


async def test_a_signature_under_another_label_is_missing() -> None:
    edge = Edge()
    signed = edge.signed(pay())

    request = rewritten(signed, "sig1=", "sig2=")

    assert await code_of(edge, request) == "signature.missing"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("created=", "created=x"),
        (";created=", ";created=-"),
        (";alg=", ";alg"),
        ('alg="hmac-sha256"', "alg=hmac-sha256"),
        ('("@method"', '("@method'),
        ('("@method"', '("@METHOD"'),
        ('("@method"', '("@method" "@method"'),
        ('("@method"', '("@status" "@method"'),
        ('("@method"', '("@method";req'),
        (';alg="hmac-sha256"', ';alg="hmac-sha256";alg="hmac-sha256"'),
        (';alg="hmac-sha256"', ';alg="hmac-sha256" ' + "x"),
        (';alg="hmac-sha256"', ';alg="hmac-sha256",'),
        (';alg="hmac-sha256"', ""),
        (";created=", ";was="),
        (";nonce=", ";once="),
        (";keyid=", ";key="),
    ],
)
async def test_signature_fields_against_their_grammar_are_malformed(old: str, new: str) -> None:
    edge = Edge()

    assert await code_of(edge, rewritten(edge.signed(pay()), old, new)) == "signature.malformed"


@pytest.mark.parametrize("signature", ["sig1", "sig1=", "sig1=::x", "sig1=:a:", "sig1=:YQ", "x"])
async def test_a_signature_that_is_no_byte_sequence_is_malformed(signature: str) -> None:
    edge = Edge()
    reply = await edge.send(changed(edge.signed(pay()), signature=signature))

    assert problem(reply)["code"] == "signature.malformed"


@pytest.mark.parametrize("nonce", ["fifteen-letters", "n" * 65])
async def test_a_nonce_is_16_to_64_characters(nonce: str) -> None:
    edge = Edge()

    assert await code_of(edge, edge.signed(pay(), nonce=nonce)) == "signature.malformed"


@pytest.mark.parametrize("left_out", ["@method", "@path", "@query", "content-digest"])
async def test_a_signature_that_leaves_out_a_needed_component_is_refused(left_out: str) -> None:
    edge = Edge()
    cover = COVER.replace(f'"{left_out}" ', "")
    request = resigned(
        edge, Request("POST", "/v1/scan-payments", "", JSON, b"{}"), f"{cover};{USUAL}"
    )

    assert await code_of(edge, request) == "signature.component_missing"


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "x-app-auth-token"])
async def test_a_header_that_decides_something_is_covered_or_refused(name: str) -> None:
    edge = Edge()
    signed = edge.signed(ask())

    request = replace(signed, headers=signed.headers | {name: "added-later"})

    assert await code_of(edge, request) == "signature.component_missing"


async def test_a_covered_header_that_is_not_sent_is_missing() -> None:
    edge = Edge()
    signed = edge.signed(pay())

    assert await code_of(edge, changed(signed, idempotency_key=None)) == (
        "signature.component_missing"
    )
    assert await code_of(edge, changed(signed, content_digest=None)) == (
        "signature.component_missing"
    )


async def test_components_in_any_order_and_the_whole_target_uri_are_accepted() -> None:
    edge = Edge()
    body = Request("POST", "/v1/scan-payments", "expand=payer", JSON, b"{}")
    for at, cover in enumerate(
        (
            '("content-digest" "idempotency-key" "@query" "@path" "@method")',
            '("@method" "@target-uri" "content-digest" "idempotency-key")',
            '("@method"  "@target-uri" "content-digest" "idempotency-key" "host" )',
            '("@authority" "@scheme" "@method" "@target-uri" "content-digest" "idempotency-key")',
            '("@method" "@path" "@query" "@query-param";name="expand" "content-digest"'
            ' "idempotency-key")',
        )
    ):
        usual = USUAL.replace("0123456789abcdef", f"0123456789abcde{at}")
        reply = await edge.send(resigned(edge, body, f"{cover};{usual}"))
        assert reply.status == 201, cover


async def test_parameters_in_another_order_or_unknown_ones_are_signed_as_they_stand() -> None:
    edge = Edge()
    body = Request("POST", "/v1/scan-payments", "", JSON, b"{}")
    texts = (
        f'{COVER};alg="hmac-sha256";keyid="k-hmac-sha256";nonce="0000000000000001"'
        f";created={int(NOW)}",
        f'{COVER};{USUAL};tag="fapi-2-request"',
        f"{COVER}; {USUAL.replace(';', '; ').replace('0123', '0002')}",
        f"{COVER};{USUAL.replace('0123', '0003')};x;y=?0;z=tok/en",
        f"{COVER};{USUAL.replace('0123', '00;,')}",
        f"{COVER};{USUAL.replace('0123', chr(92) * 2 + chr(92) + chr(34) + '00')}",
    )
    for text in texts:
        assert (await edge.send(resigned(edge, body, text))).status == 201, text


async def test_further_labels_are_allowed_and_ignored() -> None:
    edge = Edge()
    signed = edge.signed(pay())
    request = changed(
        signed,
        signature_input=f'ttrp=("@path");created=1, {signed.headers["signature-input"]}',
        signature=f"ttrp=:AAAA:,{signed.headers['signature']}",
    )

    reply = await edge.send(request)

    assert reply.status == 201
    edge.verify(reply, request)


async def test_an_unknown_key_and_a_wrong_signature_get_the_same_words() -> None:
    edge = Edge()
    stranger = identity(name="stranger")
    alg = edge.serving.current.decoy_algorithm("k-nobody")

    wrong = await edge.send(edge.signed(ask(), stranger))
    unknown = await edge.send(edge.signed(ask(), identity(alg, "k-nobody", "stranger")))

    first, second = problem(wrong), problem(unknown)
    assert first["code"] == "signature.invalid"
    for name in ("request_id", "instance"):
        del first[name], second[name]
    assert first == second
    assert len(wrong.body) == len(unknown.body)
    assert _shape(wrong) == _shape(unknown)


async def test_a_stranger_cannot_tell_existing_keys_by_naming_other_algorithms() -> None:
    """Each key id, existing or not, has exactly one algorithm that is not a mismatch."""
    edge = Edge()
    native = [each for each in ALGORITHMS if each not in {"rsa-sha256", "rsa-sha1"}]

    for key_id in ("k-ed25519", "k-nobody", "k-nobody-else"):
        codes = [
            await code_of(edge, edge.signed(ask(), identity(alg, key_id, "stranger")))
            for alg in native
        ]
        assert sorted(codes) == ["signature.algorithm_mismatch"] * 4 + ["signature.invalid"]


async def test_the_registered_algorithm_counts_not_the_one_named() -> None:
    edge = Edge()
    honest = edge.signed(ask(), identity("rsa-v1_5-sha256"))

    for named in ("rsa-pss-sha512", "hmac-sha256", "rsa-sha1", "none", "sm2-sm3"):
        request = rewritten(honest, 'alg="rsa-v1_5-sha256"', f'alg="{named}"')
        assert await code_of(edge, request) == "signature.algorithm_mismatch"


@pytest.mark.parametrize(("age", "status"), [(60, 200), (61, 401), (-59, 200), (-61, 401)])
async def test_the_clock_window_is_a_minute_each_way(age: int, status: int) -> None:
    edge = Edge()
    edge.now = float(int(NOW))

    reply = await edge.send(edge.signed(ask(), age=age))

    assert reply.status == status
    if status == 401:
        assert problem(reply)["code"] == "signature.stale"


async def test_a_signature_past_its_own_end_is_stale() -> None:
    edge = Edge()
    body = Request("POST", "/v1/scan-payments", "", JSON, b"{}")
    over = resigned(edge, body, f"{COVER};{USUAL};expires={int(NOW)}")
    alive = resigned(edge, body, f"{COVER};{USUAL};expires={int(NOW) + 1}")

    assert await code_of(edge, over) == "signature.stale"
    assert (await edge.send(alive)).status == 201


async def test_a_repeated_nonce_is_replayed_even_with_another_body() -> None:
    edge = Edge()
    first = edge.signed(pay(), nonce="nonce-of-sixteen")
    other = edge.signed(pay("11.00"), nonce="nonce-of-sixteen")

    assert (await edge.send(first)).status == 201
    assert await code_of(edge, first) == "signature.replayed"
    assert await code_of(edge, other) == "signature.replayed"
    assert len(edge.calls) == 1


async def test_an_altered_body_is_a_digest_mismatch() -> None:
    edge = Edge()
    signed = edge.signed(pay())

    tampered = replace(signed, body=signed.body.replace(b"10.00", b"99.00"))

    assert await code_of(edge, tampered) == "signature.digest_mismatch"


async def test_a_digest_of_another_algorithm_alone_is_no_digest() -> None:
    edge = Edge()
    signed = edge.signed(pay())

    assert await code_of(edge, changed(signed, content_digest="sha-512=:AAAA:")) == (
        "signature.digest_mismatch"
    )
    assert await code_of(edge, changed(signed, content_digest="sha-256=AAAA")) == (
        "signature.malformed"
    )


async def test_another_digest_beside_sha_256_is_ignored() -> None:
    edge = Edge()
    request = pay()
    digest = f"sha-512=:AAAA:, {content_digest(request.body)}"
    headers = request.headers | {"content-digest": digest}
    text = f"{COVER};{USUAL}"
    lines = compiled(signature_inputs(f"sig1={text}")["sig1"].components)
    signature = identity().sign(request_base(replace(request, headers=headers), lines, text))
    signed = headers | {
        "signature-input": f"sig1={text}",
        "signature": f"sig1=:{b64encode(signature).decode()}:",
    }

    assert (await edge.send(replace(request, headers=signed))).status == 201


@pytest.mark.parametrize(
    "alter",
    [
        lambda r: replace(r, method="HEAD"),
        lambda r: replace(r, path="/v1/scan-payments/ord_2"),
        lambda r: replace(r, query="a=1"),
        lambda r: replace(r, headers=r.headers | {"authorization": "Bearer b"}),
        lambda r: rewritten(r, f"created={int(NOW)}", f"created={int(NOW) - 1}"),
        lambda r: rewritten(r, 'nonce="', 'nonce="x'),
        lambda r: changed(r, signature="sig1=:AAAA:"),
    ],
)
async def test_whatever_is_covered_and_changed_breaks_the_signature(alter: object) -> None:
    edge = Edge()
    bearer = replace(ask(), headers={"host": "bank.example", "authorization": "Bearer a"})
    request = alter(edge.signed(bearer))  # type: ignore[operator]

    assert await code_of(edge, request) == "signature.invalid"


async def test_text_of_every_kind_verifies_and_arrives_as_it_was_sent() -> None:
    edge = Edge()
    for text in ('书 & a=b + 50% "quoted" back\\slash', "\\u6d4b", "测", "  blanks  ", "🀄", "/"):
        body = msgspec.json.encode({"subject": text, "raw": [text]})
        reply = await edge.call(replace(pay(), body=body))
        assert reply.status == 201
        assert edge.calls[-1].body["subject"] == text
    escaped = b'{"subject":"\\u6d4b\\/ \\u0022","spaced" : 1 }'
    assert (await edge.call(replace(pay(), body=escaped))).status == 201
    assert edge.calls[-1].body["subject"] == '测/ "'
    colons = b'{"at":"2026-03-02T10:00:00Z","in":[{"at":"https://a"},{"at":"b:c"}]}'
    assert (await edge.call(replace(pay(), body=colons))).status == 201
    assert edge.calls[-1].body["in"] == [{"at": "https://a"}, {"at": "b:c"}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "body.malformed"),
        (b"\xff\xfe", "body.malformed"),
        (b'{"a":"\xff"}', "body.malformed"),
        (b'{"a":NaN}', "body.malformed"),
        (b'{"a":1} x', "body.malformed"),
        (b'{"a":"\\ud800"}', "body.malformed"),
        (b"[" * 50_000, "body.malformed"),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, "body.malformed"),
        (b'{"a":"nul \\u0000 inside"}', "body.malformed"),
        (b'{"nul \\u0000 inside":1}', "body.malformed"),
        (b'{"amount":"1.00","amount":"9.00"}', "body.malformed"),
        (b'{"amount":"1.00","\\u0061mount":"9.00"}', "body.malformed"),
        (b'{"a":[{"b":{"c":1,"d":2,"c" : 3}}]}', "body.malformed"),
        (b'{"at":"2026-03-02T10:00:00Z","a":1,"a":1}', "body.malformed"),
        (b'{"a":' * 990 + b"1" + b"}" * 990, "body.malformed"),
        (b'{"a":[{"b":"\\u0000"}]}', "body.malformed"),
        (b"[]", "body.not_object"),
        (b"null", "body.not_object"),
        (b'"text"', "body.not_object"),
    ],
)
async def test_a_signed_body_that_is_no_json_object_is_refused(body: bytes, code: str) -> None:
    edge = Edge()

    reply = await edge.call(replace(pay(), body=body))

    assert (reply.status, problem(reply)["code"]) == (400, code)
    assert edge.calls == []


async def test_an_escaped_backslash_before_u0000_is_no_nul() -> None:
    edge = Edge()

    reply = await edge.call(replace(pay(), body=b'{"a":"\\\\u0000"}'))

    assert reply.status == 201


async def test_a_body_of_another_media_type_is_415() -> None:
    edge = Edge()

    for media_type in ("text/xml", "application/json; charset=gbk", "multipart/form-data"):
        reply = await edge.call(pay(**{"content-type": media_type}))
        assert (reply.status, problem(reply)["code"]) == (415, "body.media_type")
    for media_type in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
        assert (await edge.call(pay(**{"content-type": media_type}))).status == 201


async def test_a_read_with_a_body_is_refused() -> None:
    edge = Edge()

    reply = await edge.call(replace(ask(), body=b"{}"))

    assert (reply.status, problem(reply)["code"]) == (400, "body.unexpected")


async def test_a_body_over_the_operations_limit_is_413_before_any_crypto() -> None:
    edge = Edge()

    reply = await edge.send(replace(edge.signed(pay()), body=b"x" * 65_537))

    assert (reply.status, problem(reply)["code"]) == (413, "body.too_large")
    assert edge.pipeline.body_limit("POST", "/v1/scan-payments") == 65_536


@pytest.mark.parametrize(
    "query",
    ["a=1&a=2", "a=%ff", "a=%00", "=1", "&", "&".join(f"a{n}=1" for n in range(65))],
)
async def test_a_query_that_two_readers_could_read_differently_is_refused(query: str) -> None:
    edge = Edge()

    reply = await edge.call(ask(query=query))

    assert (reply.status, problem(reply)["code"]) == (400, "query.malformed")


async def test_a_path_parameter_that_no_database_could_hold_is_no_route() -> None:
    edge = Edge()

    for path in ("/v1/scan-payments/", "/v1/scan-payments/%00", "/v1/scan-payments/%ff"):
        reply = await edge.call(Request("GET", path, "", {"host": "bank.example"}))
        assert problem(reply)["code"] in {"route.not_found", "route.method_not_allowed"}


async def test_money_does_not_move_without_a_key_of_the_callers_own() -> None:
    edge = Edge()

    reply = await edge.call(pay(key=""))

    assert (reply.status, problem(reply)["code"]) == (400, "idempotency.key_missing")
    assert edge.calls == []


async def test_a_key_may_be_quoted_or_bare() -> None:
    edge = Edge()

    for sent in ("order-1", '"order-1"', "k" * 128, '"a\\"b\\\\"'):
        await edge.call(pay(key=sent))

    assert [call.idempotency_key for call in edge.calls] == [
        "order-1",
        "order-1",
        "k" * 128,
        'a"b\\',
    ]


@pytest.mark.parametrize("sent", ['""', '"open', "k" * 129, "two words", '"two words"', "é", "\t"])
async def test_a_key_that_is_not_128_visible_characters_is_refused(sent: str) -> None:
    edge = Edge()

    reply = await edge.call(pay(key=sent))

    assert (reply.status, problem(reply)["code"]) == (400, "idempotency.key_malformed")


async def test_a_traceparent_is_kept_as_a_link_when_it_is_one() -> None:
    edge = Edge()
    good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    for sent in (good, "not a trace", "00-" + "0" * 10):
        await edge.call(replace(ask(), headers={"host": "bank.example", "traceparent": sent}))

    records = [call_record(x, reply, 0.001) for x, reply in edge.meter.records]
    assert [each.trace for each in records] == [good, "", ""]
    assert {each.outcome for each in records} == {"ok"}


def _shape(reply: Reply) -> list[tuple[str, int]]:
    return [(name, len(value)) for name, value in reply.headers if name != "signature"]


REQUEST = sign_request(pay(), identity(), created=int(NOW), nonce="0123456789abcdef")
TEXT = st.text(alphabet=st.characters(max_codepoint=255), max_size=12)


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    field=st.sampled_from(["signature-input", "signature", "content-digest", "idempotency-key"]),
    at=st.integers(0, 250),
    cut=st.integers(0, 6),
    put=st.one_of(TEXT, st.sampled_from(list('":;,()=\\ ?*@')), st.just("")),
)
async def test_mutated_signature_fields_are_refused_and_never_break_us(
    field: str, at: int, cut: int, put: str
) -> None:
    edge = FUZZED
    request = pay()
    headers = request.headers | REQUEST
    value = headers[field]
    mutated = (value[: at % (len(value) + 1)] + put + value[at % (len(value) + 1) + cut :]).strip()
    if mutated == value:
        return

    reply = await edge.send(replace(request, headers=headers | {field: mutated}))

    assert reply.status in {400, 401}
    body = problem(reply)
    assert re.fullmatch(r"(signature|idempotency)\.[a-z_]+", body["code"])
    assert edge.calls == []


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"]),
    path=st.one_of(
        st.just("/v1/scan-payments"),
        st.text(alphabet="/v1scan-%20.{}", max_size=24).map("/{}".format),
    ),
    query=TEXT,
    body=st.binary(max_size=40),
    headers=st.dictionaries(
        st.sampled_from([*REQUEST, "authorization", "x-app-auth-token", "x-timeout-ms", "host"]),
        st.one_of(TEXT, st.sampled_from(list(REQUEST.values()))),
        max_size=6,
    ),
)
async def test_any_request_whatever_gets_a_4xx_of_problem_json(
    method: str, path: str, query: str, body: bytes, headers: dict[str, str]
) -> None:
    reply = await FUZZED.send(Request(method, path, query, headers, body))

    assert 400 <= reply.status < 500
    assert problem(reply)["code"]
    assert FUZZED.calls == []


FUZZED = Edge(partner_app(rate_per_second=10**6, burst=10**6))
