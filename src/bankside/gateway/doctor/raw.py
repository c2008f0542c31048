"""A raw HTTP request as somebody pastes it, back into its parts."""

from dataclasses import dataclass, field

from bankside.kernel.errors import Invalid

# A body of 1 MiB and a header block of 16 KiB: what the edge itself would take.
RAW_BYTES_MAX = 1_048_576 + 16_384


class RawUnreadable(Invalid):
    """The bytes are no HTTP/1.1 request."""

    code = "doctor.request_unreadable"
    status = 400


@dataclass(slots=True)
class RawRequest:
    """Method, path (without query), raw query, headers (lower-case names), body as received."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def read_raw(data: bytes) -> RawRequest:
    """The request in ``data``; a head with bare line feeds is accepted. Raises RawUnreadable.

    Line feeds beyond Content-Length are left out (editors add one); other bytes are the body's.
    """
    if len(data) > RAW_BYTES_MAX:
        raise RawUnreadable(f"at most {RAW_BYTES_MAX} bytes")
    ends = [at for at in (data.find(b"\r\n\r\n"), data.find(b"\n\n")) if at >= 0]
    end = min(ends, default=len(data))
    head = data[:end].decode("latin-1").replace("\r\n", "\n").split("\n")
    body = data[end:].removeprefix(b"\r\n\r\n" if data[end : end + 1] == b"\r" else b"\n\n")
    parts = head[0].split(" ")
    if len(parts) not in (2, 3) or not parts[0].isalpha():
        raise RawUnreadable("the first line is method, target, HTTP/1.1")
    headers: dict[str, str] = {}
    for line in head[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name.strip():
            raise RawUnreadable(f"no header line: {line[:40]!r}")
        key = name.strip().lower()
        value = value.strip(" \t")
        headers[key] = f"{headers[key]}, {value}" if key in headers else value
    length = headers.get("content-length", "")
    known = length.isascii() and length.isdigit() and len(length) < 10
    if known and not body[int(length) :].strip(b"\r\n"):
        body = body[: int(length)]
    path, query = _target(parts[1])
    return RawRequest(parts[0].upper(), path, query, headers, body)


def _target(text: str) -> tuple[str, str]:
    scheme, separator, rest = text.partition("://")
    if separator and scheme.lower() in {"http", "https"}:
        text = "/" + rest.partition("/")[2]
    path, _, query = text.partition("?")
    if not path.startswith("/"):
        raise RawUnreadable("the target starts with /")
    return path, query
