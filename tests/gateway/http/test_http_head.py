"""What the pipeline is told about a request: fields, target, peer, request id."""

import pytest
from httptools import HttpParserError, HttpRequestParser
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.http.corpus import H, get, post
from tests.gateway.http.rig import Rig

from bankside.gateway.http.proxies import TrustedProxies
from bankside.gateway.server import RouteFacts

NAMES = st.text("abcXYZ-_.!1", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"))
FIELDS = st.lists(st.tuples(NAMES, VALUES), max_size=12)


class Listener:
    """What llhttp itself would have told."""

    def __init__(self) -> None:
        self.fields: list[tuple[str, str]] = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self.fields.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))


@settings(max_examples=300, deadline=None)
@given(FIELDS)
def test_the_fields_are_those_the_parser_saw(fields: list[tuple[str, str]]) -> None:
    raw = get(fields="".join(f"{name}: {value}\r\n" for name, value in fields).encode("latin-1"))
    listener = Listener()
    try:
        HttpRequestParser(listener).feed_data(raw)
    except HttpParserError:
        assert not Rig().send(raw).calls
        return
    expected: dict[str, str] = {}
    for name, value in listener.fields:
        expected[name] = f"{expected[name]}, {value}" if name in expected else value

    rig = Rig().send(raw)

    assert rig.calls[0].headers == expected


def test_repeated_fields_are_joined_in_their_order() -> None:
    rig = Rig().send(get(fields=b"X-Tag: a\r\nOther: 1\r\nx-tag:  b \r\n"))

    assert rig.calls[0].headers == {"host": "a", "x-tag": "a, b", "other": "1"}


def test_values_lose_blanks_and_tabs_but_no_other_byte() -> None:
    rig = Rig().send(get(fields=b"X-A: \t\xa0v \x85 \t\r\n"))

    assert rig.calls[0].headers["x-a"] == "\xa0v \x85"


def test_the_authority_of_an_absolute_target_replaces_the_host() -> None:
    rig = Rig().send(get(b"http://bank.example:80/gateway.do?a=b"))

    assert rig.calls[0].headers["host"] == "bank.example:80"
    assert (rig.calls[0].path, rig.calls[0].query) == ("/gateway.do", "a=b")


def test_a_target_of_8_kib_passes_and_one_byte_more_does_not() -> None:
    longest = b"/" + b"a" * (8 * 1024 - 1)

    assert Rig().send(get(longest)).statuses() == [200]
    too_long = Rig().send(get(longest + b"a"))

    assert [each.code for each in too_long.answers()] == ["http.target_too_long"]
    assert too_long.statuses() == [414]
    assert not too_long.calls


def test_a_target_without_end_is_refused_before_it_ends() -> None:
    rig = Rig().send(b"GET /" + b"a" * 20_000)

    assert rig.statuses() == [414]


def test_a_head_of_16_kib_passes_and_one_byte_more_does_not() -> None:
    frame = len(get(fields=b"X: \r\n"))
    longest = get(fields=b"X: " + b"a" * (16 * 1024 - frame) + b"\r\n")
    assert len(longest) == 16 * 1024

    assert Rig().send(longest).statuses() == [200]
    assert Rig().send(longest[:5000], longest[5000:]).statuses() == [200]
    for pieces in (
        [longest.replace(b"X:", b"XX:")],
        [longest[:-4] + b"aaaaaa"],
        [longest[:-2], b"aaa"],
    ):
        rig = Rig().send(*pieces)
        assert [each.code for each in rig.answers()] == ["http.header_too_large"]
        assert rig.statuses() == [431]


def test_every_answer_has_its_own_request_id_of_32_hex_digits() -> None:
    rig = Rig().send(get() + get(b"/healthz") + get(b"/b") + get(b"*"))

    ids = [each.headers["x-request-id"] for each in rig.answers()]

    assert rig.statuses() == [200, 200, 200, 400]
    assert len(set(ids)) == 4
    assert all(len(each) == 32 and int(each, 16) for each in ids)
    assert ids[0] == rig.calls[0].request_id


def test_two_workers_make_different_ids() -> None:
    assert Rig().server.next_id()[:16] != Rig().server.next_id()[:16]


FORWARDED = (
    b"X-Forwarded-For: 6.6.6.6, 198.51.100.7, 10.0.0.9\r\nX-Forwarded-Proto: https\r\n"
    b"X-Real-IP: 6.6.6.6\r\nX-Client-Cert: PEM\r\nForwarded: for=6.6.6.6\r\n"
)


def test_a_stranger_cannot_say_for_whom_it_speaks() -> None:
    rig = Rig(peer="203.0.113.5").send(get(fields=FORWARDED))

    assert rig.calls[0].peer == "203.0.113.5"
    assert rig.calls[0].headers == {"host": "a"}


def test_a_trusted_proxy_is_believed_up_to_the_first_address_it_does_not_vouch_for() -> None:
    proxies = TrustedProxies(["10.0.0.0/8"])

    rig = Rig(peer="10.0.0.1", proxies=proxies).send(get(fields=FORWARDED))

    assert rig.calls[0].peer == "198.51.100.7"
    assert rig.calls[0].headers["x-client-cert"] == "PEM"


@pytest.mark.parametrize("chain", ["", "unknown", "1.2.3.4:80", "_hidden, x"])
def test_an_unreadable_chain_leaves_the_proxy_as_peer(chain: str) -> None:
    field = f"X-Forwarded-For: {chain}\r\n".encode()

    rig = Rig(peer="10.0.0.1", proxies=TrustedProxies(["10.0.0.1"])).send(get(fields=field))

    assert rig.calls[0].peer == "10.0.0.1"


def test_a_bad_entry_in_the_list_of_proxies_is_named() -> None:
    with pytest.raises(ValueError, match=r"10\.0\.0\.0/99"):
        TrustedProxies(["10.0.0.0/99"])


def test_head_is_answered_with_the_length_but_no_body() -> None:
    rig = Rig().send(b"HEAD /a HTTP/1.1\r\n" + H + b"\r\n" + get(b"/b"))

    head, after = rig.answers()

    assert rig.calls[0].method == "HEAD"
    assert (head.headers["content-length"], head.body) == ("10", b"")
    assert after.body == b"GET /b  0"


def test_a_refused_head_request_has_no_body_either() -> None:
    rig = Rig().send(b"HEAD /a HTTP/1.1\r\n\r\n")

    assert bytes(rig.transport.written).endswith(b"\r\n\r\n")


def test_options_tells_the_methods_of_a_path_without_a_call() -> None:
    rig = Rig(routes=RouteFacts(options=lambda path: ["GET", "POST"] if path == "/a" else []))
    rig.send(*(b"OPTIONS %s HTTP/1.1\r\n%s\r\n" % (path, H) for path in (b"/a", b"/x", b"*")))

    known, unknown, star = rig.answers()

    assert (known.status, known.headers["allow"]) == (204, "GET, HEAD, OPTIONS, POST")
    assert (unknown.status, unknown.code) == (404, "http.path_unknown")
    assert star.headers["allow"] == "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT"
    assert "content-length" not in known.headers
    assert not rig.calls


def test_internal_pages_never_reach_the_pipeline() -> None:
    rig = Rig().send(get(b"/healthz") + get(b"/healthz?x") + post(b"", target=b"/healthz"))

    assert rig.statuses() == [200, 200, 200]
    assert not rig.calls


def test_http_1_0_hears_that_the_connection_is_kept() -> None:
    rig = Rig().send(get(version=b"HTTP/1.0", fields=b"Connection: Keep-Alive\r\n"))

    assert rig.answers()[0].headers["connection"] == "keep-alive"
    assert not rig.transport.ended
