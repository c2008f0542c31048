"""The head of one request, cut out of bytes that llhttp has accepted, with the checks it lacks.

llhttp (strict) has already refused bare CR or LF, folded lines, NUL, blanks before the colon, both
or two lengths. So a line ends at CRLF and a name at the first colon, and cutting is exact.
Source: RFC 9112 sections 2.3, 3.2, 6.1; RFC 9110 sections 5.3, 7.2, 10.1.1.
"""

import re
from functools import lru_cache

from bankside.gateway.http.errors import (
    ExpectationUnknown,
    HeaderRepeated,
    HeaderTooLarge,
    HostInvalid,
    Malformed,
    MethodUnknown,
    TargetTooLong,
    TransferEncodingRefused,
    TransferEncodingUnknown,
    VersionUnknown,
)
from bankside.gateway.http.limits import Limits

# method, path (as sent), query (raw, without "?"), headers (lower-case names), connection persists.
# A tuple, not a class: one is made for every call.
Head = tuple[str, str, str, dict[str, str], bool]
# method, path, query and version; a target that is no path stays whole in the place of the path.
RequestLine = tuple[str, str, str, str]

_VERSIONS = frozenset({"HTTP/1.0", "HTTP/1.1"})
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

# A dict keeps one copy of a field, another reader may keep the other: whatever decides who calls,
# what is called or how the body is read comes once or not at all.
# Signature, Signature-Input and Content-Digest are lists by RFC 8941 and are joined, not refused.
SINGLE = frozenset({
    "alipay-app-auth-token", "alipay-signature", "authorization", "content-encoding",
    "content-length", "content-type", "dpop", "expect", "host", "idempotency-key", "request-id",
    "x-app-auth-token", "x-app-id", "x-consent-id", "x-fapi-interaction-id", "x-idempotency-key",
    "x-nonce", "x-signature", "x-timeout-ms", "x-timestamp",
})  # fmt: skip

# reg-name, IPv4 or [IPv6] with an optional port (RFC 3986 section 3.2), no user information.
_HOST = re.compile(r"(?:[A-Za-z0-9.\-_~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{0,5})?")

# One deployment is reached under a handful of names.
_HOSTS_REMEMBERED = 256
# Clients of a machine repeat themselves: half a thousand routes, and paths with ids now and then.
_LINES_REMEMBERED = 1_024
_LINE_REMEMBERED_MAX = 256


def read_head(head: bytes, limits: Limits) -> Head:
    """The parts of a head (without the blank line that ends it), or a refusal."""
    lines = head.decode("latin-1").split("\r\n")
    if len(lines) > limits.fields_max + 1:
        raise HeaderTooLarge(f"More than {limits.fields_max} header fields.")
    line = lines[0]
    if len(line) <= _LINE_REMEMBERED_MAX:
        method, path, query, version = _remembered_line(line, limits.target_max)
    else:
        method, path, query, version = _request_line(line, limits.target_max)
    headers = read_fields(lines)
    if path[0] != "/":
        target = _origin_form(method, path, headers)
        path, _, query = target.partition("?")
    return method, path, query, headers, _check_framing(headers, version)


def _request_line(line: str, target_max: int) -> RequestLine:
    parts = line.split(" ")
    if len(parts) != 3:
        raise Malformed("The request line is method, target and version, one blank between.")
    method, target, version = parts
    if len(target) > target_max:
        raise TargetTooLong
    if version not in _VERSIONS:
        raise VersionUnknown
    if method not in METHODS:
        raise MethodUnknown
    if "#" in target:
        raise Malformed("A request target has no fragment.")
    if target[0] != "/":
        return method, target, "", version
    path, _, query = target.partition("?")
    return method, path, query, version


_remembered_line = lru_cache(maxsize=_LINES_REMEMBERED)(_request_line)


def read_fields(lines: list[str]) -> dict[str, str]:
    """Header lines (behind a first line that is none) to a dict with lower-case names.

    Repeated fields are joined by ``, ``; those of SINGLE are refused.
    """
    headers: dict[str, str] = {}
    del lines[0]
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip(" \t")
    # Fewer names than lines: some name came twice. The usual request pays one comparison for this.
    return headers if len(headers) == len(lines) else _joined(lines)


def _joined(lines: list[str]) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name, value = name.lower(), value.strip(" \t")
        if name not in headers:
            headers[name] = value
        elif name == "host":
            raise HostInvalid("Two Host fields.")
        elif name in SINGLE:
            raise HeaderRepeated(f"The header {name} was sent more than once.")
        else:
            headers[name] = f"{headers[name]}, {value}"
    return headers


def _origin_form(method: str, target: str, headers: dict[str, str]) -> str:
    """The path and query of an absolute-form target; its authority replaces Host.

    Public SDKs send the absolute form when they believe they talk to a proxy.
    """
    if target == "*" and method == "OPTIONS":
        return target
    scheme, separator, rest = target.partition("://")
    if not separator or scheme.lower() not in {"http", "https"}:
        raise Malformed("The request target is neither a path nor an http address.")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if not _is_host(authority):
        raise HostInvalid("The authority of the request target is not a host.")
    # HTTP/1.1 demands the field all the same; where it is missing the next check refuses.
    if "host" in headers:
        headers["host"] = authority
    path = rest[len(authority) :]
    return path if path.startswith("/") else f"/{path}"


def _check_framing(headers: dict[str, str], version: str) -> bool:
    """Refuse what makes length or addressee doubtful; whether the connection persists."""
    host = headers.get("host")
    if host is None:
        if version == "HTTP/1.1":
            raise HostInvalid("A request of HTTP/1.1 needs the Host field.")
    elif not _is_host(host):
        raise HostInvalid
    if not ("connection" in headers or "transfer-encoding" in headers or "expect" in headers):
        return version == "HTTP/1.1"
    coding = headers.get("transfer-encoding")
    if coding is not None:
        if version == "HTTP/1.0":
            raise TransferEncodingRefused
        if coding.lower() != "chunked":
            raise TransferEncodingUnknown
    expect = headers.get("expect")
    if expect is not None:
        if expect.lower() != "100-continue":
            raise ExpectationUnknown
        if version == "HTTP/1.0":
            # Such a client would take the interim answer for the answer.
            del headers["expect"]
    connection = headers.get("connection")
    return version == "HTTP/1.1" if connection is None else _persists(connection, version)


@lru_cache(maxsize=_HOSTS_REMEMBERED)
def _is_host(text: str) -> bool:
    return _HOST.fullmatch(text) is not None


def _persists(connection: str, version: str) -> bool:
    options = {option.strip(" \t").lower() for option in connection.split(",")}
    if "close" in options:
        return False
    return version == "HTTP/1.1" or "keep-alive" in options
