"""Replies to bytes: status line, fields, length; and the refusals of the server as replies.

Always true: every answer has an ``x-request-id`` and, where RFC 9110 section 8.6 allows one, a
Content-Length; no value can smuggle a line; nothing says which software answers.
"""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec

from bankside.gateway.exchange import Reply
from bankside.kernel.errors import BanksideError, problem

STATUS_LINES = {each.value: f"HTTP/1.1 {each.value} {each.phrase}\r\n" for each in HTTPStatus}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def head_bytes(reply: Reply, own: str) -> bytes:
    """Everything before the body; ``own`` are the server's lines, each ending in CRLF.

    Replies never name what the server writes itself: Connection, Content-Length, Date,
    Transfer-Encoding, X-Request-Id. Raises ValueError when a header would break out of its line or
    is no latin-1: a bug above.
    """
    status = reply.status
    start = STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n"
    text = start
    for name, value in reply.fields:
        text += f"{name}: {value}\r\n"
    text += reply.lines
    lines = 1 + len(reply.fields) + reply.count
    if text.count("\n") != lines or text.count("\r") != lines:
        raise ValueError("a reply header contains CR or LF")
    if status == 204:  # no content, and it must not announce a length (RFC 9110 section 8.6)
        return f"{text}{own}\r\n".encode("latin-1")
    return f"{text}content-length: {len(reply.body)}\r\n{own}\r\n".encode("latin-1")


def refusal(error: BanksideError, request_id: str) -> Reply:
    """The problem+json reply of a refusal by the server itself."""
    headers = [("content-type", "application/problem+json")]
    if error.retry_after is not None:
        headers.append(("retry-after", str(error.retry_after)))
    body = msgspec.json.encode(problem(error, request_id=request_id))
    return Reply(error.status, headers, body)


def allowed(methods: Iterable[str]) -> Reply:
    """204 with the methods a path answers to."""
    return Reply(204, [("allow", ", ".join(sorted({"OPTIONS", *methods})))], b"")
