"""The Alipay-style v2 wire: one address, the method in a parameter, one signed JSON node back.

Always true: query and body are one form, a name in both is refused; what is verified is ``k=v&...``
of the non-empty parameters but ``sign``, in the form's charset; the answer is HTTP 200, its node
stands first and ``sign`` right after it. There is no nonce: money is safe by the caller's numbers.
Page methods are brought by a browser: it is sent on to the hosted page, or gets a page that names
the codes. Not built yet: certificate mode (``app_cert_sn`` is signed along and otherwise ignored,
answers carry no ``alipay_cert_sn``).
Source: wire-protocol rules, section 4 (public Python and Node SDKs).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bankside.gateway.errors import AlgorithmMismatch, SignatureMissing, TenantTokenUnknown
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.wires.addresses import asked, way_back
from bankside.gateway.wires.alipay.errors import (
    AppIdMissing,
    EncryptionUnsupported,
    FilesUnsupported,
    MethodMissing,
    MethodUnknown,
    ParameterInvalid,
    SignTypeInvalid,
    SignTypeMissing,
    TimestampInvalid,
    TimestampMissing,
)
from bankside.gateway.wires.alipay.mapping import (
    code_of,
    explained,
    is_waiting,
)
from bankside.gateway.wires.alipay.methods import Code, Method, MethodTable, method_table
from bankside.gateway.wires.alipay.node import balanced, node_text, shown
from bankside.gateway.wires.alipay.plain import answered, as_texts, native_of, plain_method
from bankside.gateway.wires.forms import (
    Form,
    beijing_seconds,
    decrypted,
    encoded,
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
from bankside.gateway.wires.pages import page_address, refused_page, sent_on
from bankside.kernel.egress import Egress
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing import alipay
from bankside.kernel.signing.content import encrypt
from bankside.kernel.snapshot import App, Key

PATH = "/gateway.do"
DONE = "10000"
PAYER_AWAITED = "10003"
# One public SDK finds the node by a pattern without digits; no served method has any.
_METHOD_NAME = re.compile(r"[A-Za-z_.]{1,128}")
_METHOD_PARAMETER = re.compile(rb"(?:^|&)method=([^&]*)")


@dataclass(slots=True)
class _Read:
    """What `read` found. ``note`` goes into the call record; ``aes`` encrypts the answer too."""

    form: Form
    method_name: str
    method: Method | None = None
    alg: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)
    base: str = ""
    aes: bytes | None = None
    note: str = ""


class AlipayWire:
    """The Wire of v2 requests (see `gateway.ports.Wire`)."""

    name = "alipay"
    # Times have seconds and local clocks drift: ten minutes each way.
    window_behind = 600
    window_ahead = 600

    def __init__(self, table: MethodTable | None = None, *, egress: Egress | None = None) -> None:
        """``egress`` says which addresses a request may name for callbacks."""
        self._table = table or method_table()
        self._egress = egress or Egress()
        self._signers = AnswerSigners(self.name)

    def claims(self, x: Exchange) -> bool:
        return x.path == PATH

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        x.wire_state = _Read(Form({}), _named_method(x))
        try:
            if x.method not in {"GET", "POST"} or (x.method == "GET" and x.body):
                raise ParameterInvalid("this dialect knows POST forms and GET queries")
            form = read_form(x.query, x.body, x.headers.get("content-type", ""))
            x.app_id = form.get("app_id")
            x.outcome = form.get("sandbox_outcome")
            x.wire_state = state = _Read(form, form.get("method"))
            _read_common(x, form)
            state.method = found = _found(self._table, s, state.method_name)
            operation = s.operations.get(found.choices[0].operation)
            if operation is None:
                raise MethodUnknown
            x.operation = operation
            state.alg = alipay.SIGN_TYPES[form.get("sign_type")]
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def verify(self, x: Exchange, key: Key) -> bool:
        state: _Read = x.wire_state
        if digest_name(key) != state.alg:
            x.refusal = Refusal.of(AlgorithmMismatch())
            return False
        assert x.serving is not None
        verify = x.serving.verifier(key)
        values, charset = state.form.values, state.form.charset
        try:
            signature = base64.b64decode(state.form.get("sign"), validate=True)
        except (binascii.Error, ValueError):
            return False
        if verify(alipay.string_to_sign(values).encode(charset), signature):
            return True
        if all(values.values()):
            return False
        # One public SDK signs its empty parameters too.
        text = alipay.string_to_sign(values, keep_empty=True)
        if not verify(text.encode(charset), signature):
            return False
        state.note = "signed_with_empty_values"
        return True

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        state: _Read = x.wire_state
        assert state.method is not None
        try:
            if state.form.files:
                raise FilesUnsupported
            state.content = self._content(x, s, state)
            native = native_of(state.method, x.operation, state.content)
            if state.method.tells:
                x.callback = asked(
                    self._egress,
                    self.name,
                    state.form.get("notify_url"),
                    sign_type=state.form.get("sign_type"),
                )
            if state.method.page:
                x.return_to = way_back(
                    self.name,
                    state.form.get("return_url"),
                    method=state.method.name,
                    sign_type=state.form.get("sign_type"),
                )
        except BanksideError as error:
            return Refusal.of(error)
        state.base = native.choice.base
        x.operation = s.operations[native.choice.operation]
        x.path_params, x.query_params, x.body_json = native.path, native.query, native.body
        x.idempotency_key = native.idempotency_key
        return None

    def reply(self, x: Exchange, s: Serving) -> Reply:
        state: _Read | None = x.wire_state
        app = x.app or s.apps.get(x.app_id)
        if state is not None and state.method is not None and state.method.page:
            return self._page(x, state, app)
        charset = state.form.charset if state is not None else "utf-8"
        text = encoded(node_text(self._node(x, state, app)), charset)
        if state is not None and state.aes is not None:
            text = f'"{encrypt(text.encode(charset), state.aes)}"'
        try:
            if x.unsigned:
                raise SigningImpossible
            sign = self._signers.of(s, app, self._answer_alg(x, app))
        except SigningImpossible:
            sign = _unsigned
        body = alipay.answer_text(_root(state), text, sign, charset=charset)
        headers = [
            ("content-type", f"application/json;charset={charset}"),
            # The public Node SDK shows this header with every error.
            ("trace_id", x.request_id),
        ]
        if x.refusal is not None and x.refusal.retry_after is not None:
            headers.append(("retry-after", str(x.refusal.retry_after)))
        return Reply(200, headers, body.encode(charset))

    def _page(self, x: Exchange, state: _Read, app: App | None) -> Reply:
        """On to the hosted page, or the page of a refusal."""
        address = page_address(x)
        if address is not None:
            return sent_on(address)
        node = self._node(x, state, app)
        shown = [(name, node[name]) for name in ("sub_code", "code", "msg") if name in node]
        return refused_page(x, shown)

    def _content(self, x: Exchange, s: Serving, state: _Read) -> Mapping[str, Any]:
        """The business object; from here on an encrypted request is answered encrypted."""
        text = state.form.get("biz_content") or "{}"
        if not state.form.get("encrypt_type"):
            return json_object(text)
        key = content_key(x.app, self.name, x.now)
        if key is None:
            raise ContentKeyMissing
        aes = s.opened(key)
        content = json_object(decrypted(text, aes, state.form.charset))
        # Only now: a partner with a wrong content key could not read why it was refused.
        state.aes = aes
        return content

    def _answer_alg(self, x: Exchange, app: App | None) -> str:
        """The digest of the answer: the one the app is registered for, SHA-256 for strangers."""
        keys = app.keys.get(self.name, ()) if app is not None else ()
        key = x.key or (keys[0] if keys else None)
        return "rsa-sha1" if key is not None and key.alg == "rsa-sha1" else "rsa-sha256"

    def _node(self, x: Exchange, state: _Read | None, app: App | None) -> dict[str, Any]:
        if x.answer is not None and state is not None and state.method is not None:
            fields = answered(self._table, state.method, state.content, x.answer, state.base)
            if fields is not None:
                done = PAYER_AWAITED if is_waiting(state.method, x.answer) else DONE
                return {"code": done, "msg": self._table.texts[done], **as_texts(fields)}
        refusal = x.refusal or EMPTY
        code = code_of(self._table, state.method if state is not None else None, refusal)
        sub_msg = explained(code, refusal)
        if refusal.status == 401 and refusal.code.startswith("signature."):
            code, sub_msg = self._proof_failed(x, state, app, code, refusal)
        return {
            "code": code.code,
            "msg": self._table.texts[code.code],
            "sub_code": code.sub_code,
            "sub_msg": sub_msg,
        }

    def _proof_failed(
        self, x: Exchange, state: _Read | None, app: App | None, code: Code, refusal: Refusal
    ) -> tuple[Code, str]:
        """Who failed to prove what; a wrong signature is shown our own string to sign."""
        if app is None and x.app_id:
            code = self._table.codes["app.unknown"]
        elif app is not None and not app.keys.get(self.name):
            code = self._table.codes["app.key_missing"]
        elif refusal.code in {"signature.invalid", "signature.algorithm_mismatch"} and state:
            string = balanced(shown(state.form.values))
            return code, f"{code.text}，网关生成的验签字符串为：{string}"
        return code, explained(code, refusal)


# What stands in for an answer without the object the method asks for.
EMPTY = Refusal(code="order.not_found", status=404, title="There is no such object")


def _named_method(x: Exchange) -> str:
    """The method of a request whose form cannot be read: SDKs understand no other node.

    Empty when it stands there twice, or not plainly.
    """
    named = _METHOD_PARAMETER.findall(x.query.encode("latin-1") + b"&" + x.body)
    return named[0].decode("latin-1") if len(named) == 1 else ""


def _read_common(x: Exchange, form: Form) -> None:
    """Fill the common fields, or raise: each refusal names the parameter."""
    if not form.get("method"):
        raise MethodMissing
    if not form.get("app_id"):
        raise AppIdMissing
    if not form.get("timestamp"):
        raise TimestampMissing
    if not form.get("sign_type"):
        raise SignTypeMissing
    if not form.get("sign"):
        raise SignatureMissing
    if form.get("sign_type") not in alipay.SIGN_TYPES:
        raise SignTypeInvalid
    if form.get("format").upper() not in {"", "JSON"}:
        raise ParameterInvalid("format is JSON")
    if form.get("version") not in {"", "1.0"}:
        raise ParameterInvalid("version is 1.0")
    if form.get("encrypt_type") not in {"", "AES"}:
        raise EncryptionUnsupported
    seconds = beijing_seconds(form.get("timestamp"))
    if seconds is None:
        raise TimestampInvalid
    token = form.get("app_auth_token") or None
    if token is not None and not token.isascii():
        raise TenantTokenUnknown
    x.timestamp = seconds
    x.tenant_token = token


def _found(table: MethodTable, s: Serving, name: str) -> Method:
    method = table.methods.get(name) or plain_method(s, name)
    if method is None:
        raise MethodUnknown(table.later.get(name, ""))
    return method


def _root(state: _Read | None) -> str:
    """The name of the node: the method's own, whenever it can stand in an answer at all."""
    if state is None or not _METHOD_NAME.fullmatch(state.method_name):
        return "error_response"
    return state.method_name.replace(".", "_") + "_response"


def _unsigned(message: bytes) -> bytes:
    return b""
