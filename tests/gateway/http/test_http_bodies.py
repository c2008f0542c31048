"""Bodies: limits known, announced and counted, whatever way the body is sent."""

import pytest
from tests.gateway.http.corpus import CHUNKED, H, get, post
from tests.gateway.http.rig import Rig

from bankside.gateway.http.limits import Limits
from bankside.gateway.server import RouteFacts

KIB = 1024


def sized(length: int, target: bytes = b"/a") -> bytes:
    return post(b"Content-Length: %d\r\n" % length, b"x" * length, target)


def chunked(length: int, target: bytes = b"/a", size: int = 65_536) -> bytes:
    whole, last = divmod(length, size)
    parts = [b"%x\r\n%s\r\n" % (size, b"x" * size)] * whole
    if last:
        parts.append(b"%x\r\n%s\r\n" % (last, b"x" * last))
    return post(CHUNKED, b"".join(parts) + b"0\r\n\r\n", target)


ROUTES = RouteFacts(
    body_limit=lambda method, path: {"/small": 20 * KIB, "/file": 64 * KIB * KIB}.get(path),
    takes_body=lambda method, path: path == "/batch",
)


@pytest.mark.parametrize("form", [sized, chunked])
@pytest.mark.parametrize(
    ("target", "limit"),
    [(b"/small", 20 * KIB), (b"/other", KIB * KIB), (b"/file", 16 * KIB * KIB)],
)
def test_a_body_at_the_limit_passes_and_one_byte_more_does_not(
    form: object, target: bytes, limit: int
) -> None:
    assert callable(form)
    at_limit = Rig(routes=ROUTES).send(form(limit, target))
    above = Rig(routes=ROUTES).send(form(limit + 1, target))

    assert at_limit.statuses() == [200]
    assert len(at_limit.calls[0].body) == limit
    assert [each.code for each in above.answers()] == ["http.body_too_large"]
    assert not above.calls
    assert at_limit.server.buffered == above.server.buffered == 0


def test_an_announced_body_over_the_limit_is_refused_before_it_arrives() -> None:
    rig = Rig().send(post(b"Content-Length: 99999999\r\n"))

    assert rig.statuses() == [413]
    assert rig.transport.ended


def test_chunk_extensions_and_trailers_are_counted() -> None:
    limits = Limits(body_default=16 * KIB, chunk_overhead=KIB)
    extension = b"1;" + b"e" * (18 * KIB) + b"\r\nx\r\n0\r\n\r\n"
    trailers = b"1\r\nx\r\n0\r\n" + b"T: v\r\n" * 3_000 + b"\r\n"

    for body in (extension, trailers):
        rig = Rig(limits=limits).send(post(CHUNKED, body))
        assert [each.code for each in rig.answers()] == ["http.body_too_large"]
        assert not rig.calls


def test_a_hundred_thousand_chunks_of_one_byte_are_a_body() -> None:
    rig = Rig().send(chunked(100_000, size=1))

    assert len(rig.calls[0].body) == 100_000


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"DELETE"])
def test_a_body_where_none_is_declared_is_read_and_refused(method: bytes) -> None:
    request = method + b" %s HTTP/1.1\r\n" + H + b"Content-Length: 3\r\n\r\nabc"

    rig = Rig(routes=ROUTES).send(request % b"/a" + request % b"/batch")

    assert b'"code":"http.body_unexpected"' in rig.transport.written or method == b"HEAD"
    assert [x.path for x in rig.calls] == ["/batch"]
    assert not rig.transport.ended, "the body was read, so the connection is still in step"


def test_an_empty_chunked_body_is_no_body() -> None:
    request = b"GET /a HTTP/1.1\r\n" + H + CHUNKED + b"\r\n0\r\n\r\n"

    assert Rig().send(request).statuses() == [200]


def test_100_continue_is_said_once_the_head_is_accepted() -> None:
    head = post(b"Expect: 100-continue\r\nContent-Length: 3\r\n")
    rig = Rig().send(head)

    assert bytes(rig.transport.written) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert rig.send(b"abc").statuses() == [200]


def test_100_continue_is_not_said_to_what_is_refused() -> None:
    rig = Rig().send(post(b"Expect: 100-continue\r\nContent-Length: 99999999\r\n"))

    assert rig.transport.written.startswith(b"HTTP/1.1 413 ")


def test_http_1_0_never_hears_100_continue() -> None:
    head = b"POST /a HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    rig = Rig().send(head)

    assert not rig.transport.written
    assert rig.send(b"abc").statuses() == [200]


def test_half_received_bodies_of_a_worker_have_a_common_limit() -> None:
    rig = Rig(limits=Limits(buffered_max=50 * KIB))

    rig.send(post(b"Content-Length: 60000\r\n", b"x" * 30_000))
    assert rig.server.buffered == 30_000
    rig.send(b"x" * 25_000)

    assert [(each.status, each.code) for each in rig.answers()] == [(503, "http.busy")]
    assert rig.answers()[0].headers["retry-after"] == "1"
    assert rig.server.buffered == 0


def test_a_lost_connection_gives_its_memory_back() -> None:
    rig = Rig().send(post(b"Content-Length: 60000\r\n", b"x" * 30_000))

    rig.connection.connection_lost(None)

    assert rig.server.buffered == 0
    assert not rig.server.connections
    assert not rig.calls


def test_a_fault_in_the_route_table_is_answered_and_not_told(caplog: object) -> None:
    def broken(method: str, path: str) -> int:
        raise KeyError("secret inner name")

    rig = Rig(routes=RouteFacts(body_limit=broken)).send(chunked(5) + get())

    assert [(each.status, each.code) for each in rig.answers()] == [(500, "internal")]
    assert b"secret" not in rig.transport.written
    assert not rig.calls
