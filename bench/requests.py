"""Signed requests made before they are sent, and proof that the answers are signed."""

import secrets
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bankside.kernel.signing.rfc9421 import Answer, Request, sign_request, verify_answer
from bench.edge import Caller

# The guide's request: 592 bytes of JSON.
ECHO_BODY = (
    b'{"order_no":"2026030200017","amount":{"amount":"12.34","currency":"CNY"},"memo":"'
    + b"x" * (592 - 83)
    + b'"}'
)
ECHO_PATH = "/v1/platform/echoes"
# An RSA signature leaves the interpreter lock: two threads use both cores between two slices.
THREADS = 2


@dataclass(frozen=True)
class Template:
    """What all requests of a slice have in common."""

    path: str
    host: str
    keyed: bool = False
    method: str = "POST"


def signed(
    caller: Caller, template: Template, bodies: Callable[[int], bytes], count: int
) -> list[bytes]:
    """``count`` requests, each with a nonce of its own (and an idempotency key when keyed)."""
    parts = [range(start, count, THREADS) for start in range(THREADS)]
    with ThreadPoolExecutor(THREADS) as threads:
        made = threads.map(lambda part: [one(caller, template, bodies(n)) for n in part], parts)
    requests: list[bytes] = [b""] * count
    for part, some in zip(parts, made, strict=True):
        requests[part.start :: THREADS] = some
    return requests


def one(caller: Caller, template: Template, body: bytes) -> bytes:
    """One signed request."""
    headers = {"host": template.host}
    if body:
        headers |= {"content-type": "application/json", "content-length": str(len(body))}
    nonce = secrets.token_hex(16)
    if template.keyed:
        headers["idempotency-key"] = nonce
    request = Request(template.method, template.path, "", headers, body)
    fields = sign_request(request, caller.identity, created=int(time.time()), nonce=nonce)
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers | fields).items())
    return f"{template.method} {template.path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + body


def prove(caller: Caller, requests: Sequence[bytes], samples: Sequence[tuple[int, bytes]]) -> str:
    """Verify the signatures of sampled answers; the algorithm they are signed with.

    ``samples``: number of the request, answer. Raises AnswerUntrusted.
    """
    algorithm = ""
    for number, raw in samples:
        line, headers, body = parsed(raw)
        answer = Answer(int(line.split(" ")[1]), headers, body)
        first, sent, content = parsed(requests[number])
        method, path, _ = first.split(" ")
        request = Request(method, path, "", sent, content)
        algorithm = str(verify_answer(answer, request, caller.answer_key)["alg"])
    return algorithm


def parsed(raw: bytes) -> tuple[str, dict[str, str], bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    """First line, headers by lower name, body of a message."""
    first, *lines = head.decode("latin-1").split("\r\n")
    fields = (line.partition(": ") for line in lines)
    return first, {name.lower(): value for name, _, value in fields}, body
