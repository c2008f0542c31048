"""The byte corpus: what arrives, which answers leave, and how many calls reach the pipeline."""

from dataclasses import dataclass

H = b"Host: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


@dataclass(frozen=True)
class Case:
    """``statuses``: answers in order; ``calls``: ``METHOD path query bodylength`` of each call."""

    name: str
    sent: bytes
    statuses: tuple[int, ...]
    calls: tuple[str, ...] = ()
    code: str = ""


def post(fields: bytes, body: bytes = b"", target: bytes = b"/a") -> bytes:
    return b"POST " + target + b" HTTP/1.1\r\n" + H + fields + b"\r\n" + body


def get(target: bytes = b"/a", fields: bytes = b"", version: bytes = b"HTTP/1.1") -> bytes:
    return b"GET " + target + b" " + version + b"\r\n" + H + fields + b"\r\n"


def ok(name: str, sent: bytes, *calls: str) -> Case:
    return Case(name, sent, (200,) * len(calls), calls)


def bad(name: str, sent: bytes, status: int, code: str = "http.malformed") -> Case:
    return Case(name, sent, (status,), (), code)


ACCEPTED = [
    ok("a GET", get(), "GET /a  0"),
    ok("a GET with a query", get(b"/a?x=1&y=%2F"), "GET /a x=1&y=%2F 0"),
    ok("an empty query", get(b"/a?"), "GET /a  0"),
    ok("a second question mark", get(b"/a?b?c"), "GET /a b?c 0"),
    ok("a POST", post(b"Content-Length: 3\r\n", b"abc"), "POST /a  3"),
    ok("an empty POST", post(b"Content-Length: 0\r\n"), "POST /a  0"),
    ok("a POST without length", post(b""), "POST /a  0"),
    ok("one empty line before", b"\r\n" + get(), "GET /a  0"),
    ok("chunks", post(CHUNKED, b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n"), "POST /a  5"),
    ok("coding in any case", post(b"transfer-encoding: ChunKed\r\n", b"0\r\n\r\n"), "POST /a  0"),
    ok(
        "chunks that contain what ends a message",
        post(CHUNKED, b"9\r\n0\r\n\r\n\n\r\n\n\r\n5\r\n\r\n\r\n0\r\n0\r\n\r\n") + get(b"/b"),
        "POST /a  14",
        "GET /b  0",
    ),
    ok(
        "trailers overwrite nothing",
        post(CHUNKED, b"1\r\na\r\n0\r\nX-App-Id: evil\r\nHost: b\r\n\r\n") + get(b"/b"),
        "POST /a  1",
        "GET /b  0",
    ),
    ok("pipelined", get() + post(b"Content-Length: 1\r\n", b"x") + get(b"/c"),
       "GET /a  0", "POST /a  1", "GET /c  0"),
    ok("empty line between requests", get() + b"\r\n" + get(b"/b"), "GET /a  0", "GET /b  0"),
    ok("absolute form", get(b"http://bank:80/a?q"), "GET /a q 0"),
    ok("absolute form without path", get(b"HTTP://bank"), "GET /  0"),
    ok("absolute form, query only", get(b"http://bank?q=1"), "GET / q=1 0"),
    ok("absolute form, https, IPv6", get(b"https://[::1]:443/a"), "GET /a  0"),
    ok("a path with two slashes", get(b"//a"), "GET //a  0"),
    ok("lone Upgrade", get(fields=b"Upgrade: h2c\r\n"), "GET /a  0"),
    ok("HTTP/1.0 without Host", b"GET /a HTTP/1.0\r\n\r\n", "GET /a  0"),
    ok("close ends it", get(fields=b"Connection: close\r\n") + get(b"/b"), "GET /a  0"),
    ok("close among options", get(fields=b"Connection: foo, Close\r\n") + get(), "GET /a  0"),
    ok("HTTP/1.0 ends it", get(version=b"HTTP/1.0") + get(b"/b"), "GET /a  0"),
    ok("HTTP/1.0 kept", get(version=b"HTTP/1.0", fields=b"Connection: keep-alive\r\n") + get(b"/b"),
       "GET /a  0", "GET /b  0"),
    ok("HEAD", b"HEAD /a HTTP/1.1\r\n" + H + b"\r\n" + get(b"/b"), "HEAD /a  0", "GET /b  0"),
    ok("repeated harmless field", get(fields=b"X-Tag: a\r\nx-tag: b\r\n"), "GET /a  0"),
    ok("empty field", get(fields=b"X-Empty:\r\nX-Blank:   \r\n"), "GET /a  0"),
    ok("expect", post(b"Expect: 100-Continue\r\nContent-Length: 1\r\n", b"x"), "POST /a  1"),
    ok("64 fields", get(fields=b"".join(b"X-%d: 1\r\n" % n for n in range(63))), "GET /a  0"),
    Case("OPTIONS *", b"OPTIONS * HTTP/1.1\r\n" + H + b"\r\n", (204,)),
    Case("OPTIONS of a path", b"OPTIONS /a HTTP/1.1\r\n" + H + b"\r\n", (204,)),
    Case("health", get(b"/healthz"), (200,)),
    Case("bytes that never make a request", b"GET /a HTTP/1.1\r\nHost: a\r\n", ()),
    Case("a length that is not reached", post(b"Content-Length: 9\r\n", b"abc"), ()),
    Case("chunks that do not end", post(CHUNKED, b"3\r\nabc\r\n0\r\nX: y\r\n"), ()),
]  # fmt: skip

REFUSED = [
    # -- what llhttp refuses -----------------------------------------------------------------------
    bad("length and coding", post(b"Content-Length: 3\r\n" + CHUNKED, b"abc"), 400),
    bad("coding and length", post(CHUNKED + b"Content-Length: 3\r\n", b"abc"), 400),
    bad("two lengths", post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400),
    bad("a list of lengths", post(b"Content-Length: 1, 1\r\n", b"a"), 400),
    bad("a signed length", post(b"Content-Length: +1\r\n", b"a"), 400),
    bad("a negative length", post(b"Content-Length: -1\r\n", b"a"), 400),
    bad("an empty length", post(b"Content-Length:\r\n"), 400),
    bad("a length over 64 bits", post(b"Content-Length: 99999999999999999999\r\n"), 400),
    bad("a length of 5,000 digits", post(b"Content-Length: " + b"0" * 5000 + b"1\r\n", b"a"), 400),
    bad("blank before the colon", get(fields=b"X-A : b\r\n"), 400),
    bad("coding with a blank before the colon", post(b"Transfer-Encoding : chunked\r\n"), 400),
    bad("unlike chunked", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), 400),
    bad("chunked, identity", post(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"), 400),
    bad("chunked twice", post(CHUNKED + CHUNKED, b"0\r\n\r\n"), 400),
    bad("empty coding", post(b"Transfer-Encoding:\r\n"), 400),
    bad("folded line", get(fields=b"X-A: b\r\n c\r\n"), 400),
    bad("folded first line", b"GET /a HTTP/1.1\r\n Host: a\r\n\r\n", 400),
    bad("bare LF after the request line", b"GET /a HTTP/1.1\nHost: a\r\n\r\n", 400),
    bad("bare LF after a field", b"GET /a HTTP/1.1\r\nHost: a\n\r\n", 400),
    bad("bare LF at the end", b"GET /a HTTP/1.1\r\nHost: a\r\n\nX", 400),
    bad("bare CR in a value", get(fields=b"X-A: b\rX-B: c\r\n"), 400),
    bad("bare CR in the request line", b"GET /a HTTP/1.1\rHost: a\r\n\r\n", 400),
    bad("NUL in a value", get(fields=b"X-A: \x00\r\n"), 400),
    bad("NUL in the target", get(b"/a\x00"), 400),
    bad("blank in the target", get(b"/a b"), 400),
    bad("tab in the target", get(b"/a\tb"), 400),
    bad("non-ASCII in the target", get(b"/\xc3\xa4"), 400),
    bad("non-ASCII in a name", get(fields=b"X-\xc3: a\r\n"), 400),
    bad("no name", get(fields=b": a\r\n"), 400),
    bad("no colon", get(fields=b"X-A\r\n"), 400),
    bad("unknown method", b"BREW /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    bad("method in lower case", b"get /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    bad("TLS on the plain port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
    bad("a target that is no path", get(b"a"), 400),
    bad("chunk size with LF", post(CHUNKED, b"1\na\r\n0\r\n\r\n"), 400),
    bad("chunk size is no number", post(CHUNKED, b"x\r\na\r\n0\r\n\r\n"), 400),
    bad("chunk size with a sign", post(CHUNKED, b"+1\r\na\r\n0\r\n\r\n"), 400),
    bad("chunk size over 64 bits", post(CHUNKED, b"f" * 17 + b"\r\na\r\n"), 400),
    bad("chunk longer than its size", post(CHUNKED, b"1\r\nab\r\n0\r\n\r\n"), 400),
    bad("bare LF in the trailers", post(CHUNKED, b"0\r\nX: y\n\r\n"), 400),
    # -- what llhttp lets pass ---------------------------------------------------------------------
    bad("Upgrade", get(fields=b"Connection: Upgrade\r\nUpgrade: websocket\r\n"), 501,
        "http.upgrade_refused"),
    bad("h2c", get(fields=b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"), 501,
        "http.upgrade_refused"),
    bad("Upgrade with a body", post(b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n",
        b"abc"), 501, "http.upgrade_refused"),
    bad("CONNECT", b"CONNECT a:443 HTTP/1.1\r\n" + H + b"\r\n", 501, "http.upgrade_refused"),
    bad("CONNECT of a path", b"CONNECT /a HTTP/1.1\r\n" + H + b"\r\n", 501, "http.upgrade_refused"),
    bad("HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "http.version_unknown"),
    bad("HTTP/2.0", get(version=b"HTTP/2.0"), 505, "http.version_unknown"),
    bad("HTTP/0.9 said", get(version=b"HTTP/0.9"), 505, "http.version_unknown"),
    bad("HTTP/0.9 meant", b"GET /a\r\n\r\n", 400),
    bad("RTSP", b"OPTIONS /a RTSP/1.0\r\n" + H + b"\r\n", 505, "http.version_unknown"),
    bad("no Host", b"GET /a HTTP/1.1\r\n\r\n", 400, "http.host_invalid"),
    bad("two Hosts", get(fields=b"Host: a\r\n"), 400, "http.host_invalid"),
    bad("empty Host", b"GET /a HTTP/1.1\r\nHost:\r\n\r\n", 400, "http.host_invalid"),
    bad("a Host with a path", b"GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, "http.host_invalid"),
    bad("a Host with a user", b"GET /a HTTP/1.1\r\nHost: u@a\r\n\r\n", 400, "http.host_invalid"),
    bad("absolute form without Host", b"GET http://a/ HTTP/1.1\r\n\r\n", 400, "http.host_invalid"),
    bad("absolute form, no authority", get(b"http:///a"), 400, "http.host_invalid"),
    bad("absolute form with a user", get(b"http://u@a/b"), 400, "http.host_invalid"),
    bad("another scheme", get(b"ftp://a/b"), 400),
    bad("a fragment", get(b"/a#b"), 400),
    bad("a fragment in absolute form", get(b"http://a#b"), 400),
    bad("star with GET", get(b"*"), 400),
    bad("two blanks in the request line", b"GET  /a HTTP/1.1\r\n" + H + b"\r\n", 400),
    bad("two blanks before the version", b"GET /a  HTTP/1.1\r\n" + H + b"\r\n", 400),
    bad("TRACE", b"TRACE /a HTTP/1.1\r\n" + H + b"\r\n", 501, "http.method_unknown"),
    bad("a method of WebDAV", b"PROPFIND /a HTTP/1.1\r\n" + H + b"\r\n", 501,
        "http.method_unknown"),
    bad("gzip, chunked", post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"), 501,
        "http.transfer_encoding_unknown"),
    bad("gzip and chunked", post(b"Transfer-Encoding: gzip\r\n" + CHUNKED, b"0\r\n\r\n"), 501,
        "http.transfer_encoding_unknown"),
    bad("coding with HTTP/1.0", b"POST /a HTTP/1.0\r\n" + CHUNKED + b"\r\n0\r\n\r\n", 400,
        "http.transfer_encoding_refused"),
    bad("two empty lines before", b"\r\n\r\n" + get(), 400),
    bad("LF before", b"\n" + get(), 400),
    bad("CR before", b"\r" + get(), 400),
    bad("another expectation", post(b"Expect: 200-ok\r\nContent-Length: 1\r\n", b"x"), 417,
        "http.expectation_unknown"),
    # -- limits ------------------------------------------------------------------------------------
    bad("65 fields", get(fields=b"".join(b"X-%d: 1\r\n" % n for n in range(64))), 431,
        "http.header_too_large"),
    bad("a body over the limit", post(b"Content-Length: 1048577\r\n"), 413, "http.body_too_large"),
] + [
    bad(f"two of {name.decode()}", post(name + b": 1\r\n" + name.upper() + b": 1\r\n"), 400,
        "http.header_repeated")
    for name in (b"Authorization", b"X-App-Id", b"X-Signature", b"X-Nonce", b"X-Timestamp", b"DPoP",
                 b"Content-Type", b"Idempotency-Key", b"Expect")
]  # fmt: skip

BODY_ON_GET = [
    Case(f"{method.decode()} with a body", method + b" /a HTTP/1.1\r\n" + H
         + b"Content-Length: 3\r\n\r\nabc" + get(b"/b"), (400, 200), ("GET /b  0",))
    for method in (b"GET", b"DELETE", b"OPTIONS")
]  # fmt: skip
