"""`bankside call`: one signed call as a demo app; the answer's signature is checked, too."""

import http.client
import json
import secrets
import sys
import urllib.parse
from dataclasses import dataclass, replace
from pathlib import Path

from bankside.cli.demo_app import DemoApp
from bankside.cli.installation import Installation
from bankside.cli.output import NETWORK, USAGE, exit_code_of_status, fail, note
from bankside.kernel.clock import Clock
from bankside.kernel.signing.rfc9421 import (
    Answer,
    AnswerUntrusted,
    Identity,
    Request,
    sign_request,
    verify_answer,
)

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for on the command line."""

    method: str
    path: str
    body: str = ""
    app: str = ""
    alg: str = ""
    key: str = ""


def run(installation: Installation, wish: Wish, *, save: Path | None, verbose: bool) -> int:
    """Sign, send, check, print; the exit code."""
    app = DemoApp.of(installation.home, app=wish.app, alg=wish.alg)
    if verbose:
        app = replace(app, identity=_shown(app.identity))
    request = signed(installation.clock, app, wish)
    if save is not None:
        save.write_bytes(raw(request))
        note(
            f"the request was written to {save}; explain it with: bankside doctor signature {save}"
        )
    if verbose:
        note(f"request:\n{raw(request).decode('utf-8', 'replace')}\n")
    answer = send(app.edge, request)
    trusted = _checked(answer, request, app)
    if verbose:
        note("\n".join(["answer:", *(f"{k}: {v}" for k, v in answer.headers.items())]) + "\n")
    note(f"HTTP {answer.status}, {trusted}, request id {answer.headers.get('x-request-id', '-')}")
    _print(answer.body)
    return exit_code_of_status(answer.status)


def signed(clock: Clock, app: DemoApp, wish: Wish) -> Request:
    """The request the user asked for, signed as the app, under a nonce of its own."""
    request = _request(wish, app.edge)
    created = int(clock.now().timestamp())
    request.headers |= sign_request(
        request, app.identity, created=created, nonce=secrets.token_hex(16)
    )
    return request


def _shown(identity: Identity) -> Identity:
    """The same identity; it says what it signs."""

    def sign(base: bytes) -> bytes:
        note(f"string to sign:\n{base.decode('latin-1')}\n")
        return identity.sign(base)

    return replace(identity, sign=sign)


def raw(request: Request) -> bytes:
    """The request as bytes on the wire."""
    target = request.path + (f"?{request.query}" if request.query else "")
    lines = [f"{request.method} {target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + request.body


def _request(wish: Wish, edge: str) -> Request:
    if wish.method not in METHODS or not wish.path.startswith("/"):
        fail("say: bankside call GET /v1/...  (a method, then a path that starts with /)", USAGE)
    if not (wish.key.isascii() and wish.key.isprintable()):
        fail("--key takes printable ASCII", USAGE)
    path, _, query = wish.path.partition("?")
    body = _body(wish.body)
    headers = {"host": urllib.parse.urlsplit(edge).netloc}
    if body:
        headers["content-type"] = "application/json"
    if wish.method != "GET":
        headers["idempotency-key"] = wish.key or f"cli-{secrets.token_hex(8)}"
        headers["content-length"] = str(len(body))
    return Request(
        wish.method,
        urllib.parse.quote(path, safe="/%:@!$&'()*+,;=-._~"),
        urllib.parse.quote(query, safe="=&%+/:@!$'()*,;-._~?"),
        headers,
        body,
    )


def _body(text: str) -> bytes:
    if not text:
        return b""
    try:
        data = Path(text[1:]).read_bytes() if text.startswith("@") else text.encode()
        json.loads(data)
    except (OSError, ValueError) as error:
        fail(f"--json is neither JSON nor @FILE with JSON: {error}", USAGE)
    return data


def send(edge: str, request: Request) -> Answer:
    """What the edge answers; ends the command when it does not."""
    parts = urllib.parse.urlsplit(edge)
    connection = http.client.HTTPConnection(
        parts.hostname or "", parts.port or 80, timeout=TIMEOUT_SECONDS
    )
    target = request.path + (f"?{request.query}" if request.query else "")
    try:
        connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.items():
            connection.putheader(name, value)
        connection.endheaders(request.body or None)
        got = connection.getresponse()
        return Answer(got.status, {k.lower(): v for k, v in got.getheaders()}, got.read())
    except OSError as error:
        fail(f"the edge at {edge} does not answer ({error}); is `make run` running?", NETWORK)
    finally:
        connection.close()


def _checked(answer: Answer, request: Request, app: DemoApp) -> str:
    """What is known about the answer's origin; an unsigned or foreign answer is said to be one."""
    try:
        parameters = verify_answer(answer, request, app.answer_verifier)
    except AnswerUntrusted as error:
        return f"NOT proven to come from the bank ({error})"
    return f"signed by the bank ({parameters['keyid']}, {parameters['alg']})"


def _print(body: bytes) -> None:
    try:
        shown = json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        shown = body.decode("utf-8", "replace")
    sys.stdout.write(shown + "\n")
