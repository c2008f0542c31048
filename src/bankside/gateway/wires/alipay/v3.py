"""The Alipay-style v3 wire: paths named like methods, JSON both ways, real statuses.

Always true: what is verified is the authorisation text, method, target as sent, body as received
and, only when that header is there, the app_auth_token; every answer carries trace id, time, nonce
and a signature over its body. ``nonce`` is the replay key. A refusal is plain JSON even to an
encrypted request, because the public SDK parses it so.
Not built yet: certificate mode (no ``alipay-sn``).
Source: wire-protocol rules, section 5 (public Node SDK).
"""

import base64
import binascii
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bankside.gateway.errors import (
    AlgorithmMismatch,
    SignatureMalformed,
    SignatureMissing,
    TenantTokenUnknown,
)
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.wires.addresses import asked
from bankside.gateway.wires.alipay.errors import (
    EncryptionUnsupported,
    FilesUnsupported,
    MethodUnknown,
    ParameterInvalid,
    TimestampInvalid,
)
from bankside.gateway.wires.alipay.mapping import code_of, explained
from bankside.gateway.wires.alipay.methods import Code, Method, MethodTable, method_table
from bankside.gateway.wires.alipay.plain import answered, native_of, plain_method
from bankside.gateway.wires.alipay.v2 import EMPTY
from bankside.gateway.wires.forms import (
    REPLAY_KEY_BYTES_MAX,
    json_object,
    read_form,
)
from bankside.gateway.wires.keys import (
    AnswerSigners,
    ContentKeyMissing,
    SigningImpossible,
    content_key,
    digest_name,
)
from bankside.kernel.egress import Egress
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing import alipay
from bankside.kernel.signing.content import decrypt, encrypt
from bankside.kernel.snapshot import App, Key

# Methods of the table, and operations under their own names.
PREFIXES = ("/v3/alipay/", "/v3/bankside/")
ALG = "rsa-sha256"
_MILLISECONDS_DIGITS_MAX = 15
_MEDIA = frozenset({"", "application/json", "text/plain", "multipart/form-data"})
# The dialect's statuses; ours that it does not know become the nearest of them. 503 and 504 stay:
# the public SDKs take any status from 400 on, and clients and proxies know which are worth a retry.
_STATUS = {405: 404, 408: 400, 409: 400, 410: 400, 413: 400, 415: 400, 422: 400, 501: 400}


@dataclass(slots=True)
class _Read:
    """What `read` found; ``signed_body`` is what stands for the body in the signature."""

    authorisation: str
    signature: str
    signed_body: bytes = b""
    method: Method | None = None
    has_files: bool = False
    content: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""
    aes: bytes | None = None


class Alipay3Wire:
    """The Wire of v3 requests (see `gateway.ports.Wire`)."""

    name = "alipay3"
    window_behind = 300
    window_ahead = 60

    def __init__(self, table: MethodTable | None = None, *, egress: Egress | None = None) -> None:
        """``egress`` says which addresses a request may name for callbacks."""
        self._table = table or method_table()
        self._egress = egress or Egress()
        self._signers = AnswerSigners(self.name)

    def claims(self, x: Exchange) -> bool:
        return x.path.startswith(PREFIXES)

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        try:
            state = _authorisation(x)
            x.wire_state = state
            state.method = method = self._method(x.path, s)
            operation = s.operations.get(method.choices[0].operation)
            if operation is None or not _fits(x.method, operation.method):
                raise MethodUnknown
            x.operation = operation
            state.signed_body = x.body
            if x.headers.get("content-type", "").partition(";")[0].strip() not in _MEDIA:
                raise ParameterInvalid("the body is application/json, encrypted text/plain")
            if x.headers.get("content-type", "").startswith("multipart/form-data"):
                form = read_form("", x.body, x.headers["content-type"])
                state.signed_body = form.get("data").encode()
                state.has_files = bool(form.files)
            if x.headers.get("alipay-encrypt-type", "AES") != "AES":
                raise EncryptionUnsupported
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def verify(self, x: Exchange, key: Key) -> bool:
        state: _Read = x.wire_state
        if digest_name(key) != ALG:
            x.refusal = Refusal.of(AlgorithmMismatch())
            return False
        assert x.serving is not None
        target = f"{x.path}?{x.query}" if x.query else x.path
        message = alipay.request_message_v3(
            state.authorisation, x.method, target, state.signed_body, token=x.tenant_token
        )
        try:
            signature = base64.b64decode(state.signature, validate=True)
        except (binascii.Error, ValueError):
            return False
        return x.serving.verifier(key)(message, signature)

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        state: _Read = x.wire_state
        assert state.method is not None
        try:
            if state.has_files:
                raise FilesUnsupported
            state.content = self._content(x, s, state)
            native = native_of(state.method, x.operation, state.content)
            if state.method.tells:
                url = state.content.get("notify_url", "")
                if not isinstance(url, str):
                    raise ParameterInvalid("notify_url is a text")
                x.callback = asked(self._egress, self.name, url, sign_type="RSA2")
        except BanksideError as error:
            return Refusal.of(error)
        state.base = native.choice.base
        x.operation = s.operations[native.choice.operation]
        x.path_params, x.query_params, x.body_json = native.path, native.query, native.body
        x.idempotency_key = native.idempotency_key
        return None

    def reply(self, x: Exchange, s: Serving) -> Reply:
        state: _Read | None = x.wire_state
        fields = None
        if x.answer is not None and state is not None and state.method is not None:
            fields = answered(self._table, state.method, state.content, x.answer, state.base)
        status = 200
        if fields is None:
            status, fields = self._refused(x, state, x.refusal or EMPTY)
        body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
        media = "application/json;charset=utf-8"
        if status == 200 and state is not None and state.aes is not None:
            body, media = encrypt(body, state.aes).encode(), "text/plain;charset=utf-8"
        headers = [("content-type", media), ("alipay-trace-id", x.request_id)]
        if x.refusal is not None and x.refusal.retry_after is not None:
            headers.append(("retry-after", str(x.refusal.retry_after)))
        return Reply(status, headers + self._signed(x, s, body), body)

    def _method(self, path: str, s: Serving) -> Method:
        name = path.removeprefix("/v3/").replace("/", ".")
        method = self._table.methods.get(name) or plain_method(s, name)
        if method is None:
            raise MethodUnknown(self._table.later.get(name, ""))
        if method.page:
            raise MethodUnknown("pages are opened at /gateway.do, by a form or an address of v2")
        return method

    def _content(self, x: Exchange, s: Serving, state: _Read) -> Mapping[str, Any]:
        if x.method == "GET":
            return read_form(x.query, b"", "").values
        body = state.signed_body
        if "alipay-encrypt-type" in x.headers:
            key = content_key(x.app, self.name, x.now)
            if key is None:
                raise ContentKeyMissing
            state.aes = s.opened(key)
            body = decrypt(body.decode("ascii", "replace"), state.aes)
        return json_object(body or b"{}")

    def _refused(
        self, x: Exchange, state: _Read | None, refusal: Refusal
    ) -> tuple[int, dict[str, Any]]:
        """Status and body of a refusal: the last part of the v2 sub code is the v3 code."""
        code = code_of(self._table, state.method if state is not None else None, refusal)
        if refusal.code == "signature.invalid" and x.app is None and x.app_id:
            code = self._table.codes["app.unknown"]
        status, name = v3_code(code, refusal)
        return status, {"code": name, "message": explained(code, refusal), "links": []}

    def _signed(self, x: Exchange, s: Serving, body: bytes) -> list[tuple[str, str]]:
        timestamp, nonce = str(int(x.now * 1000)), secrets.token_hex(16)
        app: App | None = x.app or s.apps.get(x.app_id)
        try:
            if x.unsigned:
                raise SigningImpossible
            sign = self._signers.of(s, app, ALG)
        except SigningImpossible:
            return []
        signature = sign(alipay.answer_message_v3(timestamp, nonce, body))
        return [
            ("alipay-timestamp", timestamp),
            ("alipay-nonce", nonce),
            ("alipay-signature", base64.b64encode(signature).decode()),
        ]


def v3_code(code: Code, refusal: Refusal) -> tuple[int, str]:
    """Status and code of a refusal: the last part of the v2 sub code."""
    name = code.sub_code.partition(".")[2] or code.sub_code
    return _STATUS.get(refusal.status, refusal.status), name


def _authorisation(x: Exchange) -> _Read:
    """The parts of the Authorization header, and what they say about the caller and the time."""
    header = x.headers.get("authorization", "")
    if not header:
        raise SignatureMissing
    scheme, _, rest = header.partition(" ")
    # Further pairs may follow the timestamp: the signature begins at the last ",sign=".
    text, found, signature = rest.strip().rpartition(",sign=")
    if scheme != alipay.SCHEME_V3 or not found:
        raise SignatureMalformed("the header is ALIPAY-SHA256withRSA app_id=..,nonce=..,sign=..")
    pairs: dict[str, str] = {}
    for part in text.split(","):
        name, _, value = part.partition("=")
        if name in pairs:
            raise SignatureMalformed("a part of the authorisation comes twice")
        pairs[name] = value
    nonce, timestamp = pairs.get("nonce", ""), pairs.get("timestamp", "")
    x.app_id = pairs.get("app_id", "")
    if not x.app_id or not 1 <= len(nonce) <= REPLAY_KEY_BYTES_MAX:
        raise SignatureMalformed("app_id and a nonce of 1 to 128 characters are needed")
    digits = timestamp.isascii() and timestamp.isdigit()
    if not digits or len(timestamp) > _MILLISECONDS_DIGITS_MAX:
        raise TimestampInvalid
    token = x.headers.get("alipay-app-auth-token")
    if token is not None and not token.isascii():
        raise TenantTokenUnknown
    x.timestamp = int(timestamp) / 1000
    x.replay_key = nonce
    x.tenant_token = token
    return _Read(text, signature)


def _fits(sent: str, native: str) -> bool:
    """Writes are POST; what only reads may also come as GET with the fields in the query."""
    return sent == "POST" or (sent == "GET" and native == "GET")
