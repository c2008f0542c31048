"""The ICBC-style wire: form in the query or the body, path signed along, one compact JSON back.

Always true: what is verified is the path as sent, ``?`` and the non-empty parameters sorted by
name, in the form's own charset; the answer is HTTP 200 and signed SHA1withRSA, whatever the app
signs with, because the public SDKs verify nothing else. ``msg_id`` is the replay key.
A form on ``/ui/...`` (parameters in query and body, signed over both) leads the browser to the
hosted page of what it ordered, or to a page that names the code.
Not built yet, and refused with a clear text: SM2, SM4 and certificate (CA) requests.
Source: wire-protocol rules, section 3 (the bank's public Java, PHP and C# clients).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from bankside.gateway.errors import (
    AlgorithmMismatch,
    RouteUnknown,
    SignatureMissing,
    TenantTokenUnknown,
)
from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.wires.addresses import asked, way_back
from bankside.gateway.wires.forms import (
    REPLAY_KEY_BYTES_MAX,
    Form,
    FormMalformed,
    beijing_seconds,
    decrypted,
    encoded,
    json_object,
    read_form,
)
from bankside.gateway.wires.icbc import codes
from bankside.gateway.wires.icbc.content import (
    answer_content,
    compact,
    refusal_content,
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
from bankside.kernel.errors import BanksideError, Invalid, NotBuilt
from bankside.kernel.signing import icbc
from bankside.kernel.signing.content import encrypt
from bankside.kernel.snapshot import App, Key

# The answer's digest is fixed by the dialect; the SDKs fail on anything stronger.
ANSWER_ALG = "rsa-sha1"
API, UI = "/api/", "/ui/"
# Constants of the dialect that we know and do not serve.
_SIGN_TYPES_LATER = frozenset({"SM2", "SM", "EM", "EM-SM", "CA"})
_HOLE = re.compile(r"\{(\w+)\}")
_HUMP = re.compile(r"(?<=[a-z0-9])([A-Z])")


class ParameterInvalid(Invalid):
    """A common parameter is missing or not what the dialect allows."""

    code = "icbc.parameter_invalid"
    status = 400


class PageUnavailable(NotBuilt):
    """There is no hosted page for this operation."""

    code = "ui.not_available"


@dataclass(slots=True)
class _Read:
    """What `read` found and later steps need; ``alg`` is what the message says it is signed by."""

    form: Form
    alg: str
    msg_id: str
    encrypted: bool


class IcbcWire:
    """The Wire of ICBC-style requests (see `gateway.ports.Wire`)."""

    name = "icbc"
    # Times have seconds and local clocks drift: ten minutes each way.
    window_behind = 600
    window_ahead = 600

    def __init__(self, *, egress: Egress | None = None) -> None:
        """``egress`` says which addresses a request may name for callbacks."""
        self._egress = egress or Egress()
        self._signers = AnswerSigners(self.name)

    def claims(self, x: Exchange) -> bool:
        return x.path.startswith((API, UI))

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        try:
            if x.method not in {"GET", "POST"} or (x.method == "GET" and x.body):
                raise RouteUnknown("this dialect knows POST forms and GET queries")
            form = read_form(x.query, x.body, x.headers.get("content-type", ""))
            x.app_id = form.get("app_id")
            x.outcome = form.get("sandbox_outcome")
            x.wire_state = _Read(form, "", form.get("msg_id"), form.get("encrypt_type") == "AES")
            self._read_common(x, form)
            is_page = x.path.startswith(UI)
            operation = s.icbc_paths.get(API + x.path.removeprefix(UI) if is_page else x.path)
            if operation is None:
                raise RouteUnknown("there is no API at this path")
            if is_page and not operation.page:
                raise PageUnavailable
            x.operation = operation
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def verify(self, x: Exchange, key: Key) -> bool:
        state: _Read = x.wire_state
        if digest_name(key) != state.alg:
            x.refusal = Refusal.of(AlgorithmMismatch())
            return False
        assert x.serving is not None
        try:
            signature = base64.b64decode(state.form.get("sign"), validate=True)
            message = icbc.string_to_sign(x.path, state.form.values).encode(state.form.charset)
        except (binascii.Error, ValueError):
            return False
        return x.serving.verifier(key)(message, signature)

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        state: _Read = x.wire_state
        assert x.operation is not None
        try:
            content = json_object(self._content(x, s, state))
            x.idempotency_key = _idempotency_key(content.pop("idempotency_key", state.msg_id))
            x.path_params = _path_params(x.operation.path, content)
            if x.operation.method == "GET":
                x.query_params = {name: _scalar(name, value) for name, value in content.items()}
            else:
                x.body_json = content
            if x.operation.writes:
                x.callback = asked(
                    self._egress,
                    self.name,
                    state.form.get("notify_url"),
                    api=x.path,
                    encrypt_type="AES" if state.encrypted else "",
                )
                x.return_to = way_back(self.name, state.form.get("return_url"), api=x.path)
        except BanksideError as error:
            return Refusal.of(error)
        return None

    def reply(self, x: Exchange, s: Serving) -> Reply:
        state: _Read | None = x.wire_state
        app = x.app or s.apps.get(x.app_id)
        has_key = app is not None and bool(app.keys.get(self.name))
        if x.path.startswith(UI):
            return _page(x, has_key=has_key)
        charset = state.form.charset if state is not None else "utf-8"
        msg_id = state.msg_id if state is not None else ""
        if x.answer is not None:
            content = answer_content(x.answer, msg_id)
        else:
            content = refusal_content(x, msg_id, has_key=has_key)
        text = encoded(compact(content), charset)
        if state is not None and state.encrypted:
            text = self._encrypted(text, app, s, x.now, charset)
        try:
            if x.unsigned:
                raise SigningImpossible
            sign = self._signers.of(s, app, ANSWER_ALG)
            body = icbc.answer_text(text, sign, charset=charset)
        except SigningImpossible:
            failed = {"return_code": codes.SIGNING_FAILED, "return_msg": "", "msg_id": msg_id}
            body = icbc.answer_text(compact(failed), lambda _: b"")
        headers = [("content-type", f"application/json;charset={charset.upper()}")]
        if x.refusal is not None and x.refusal.retry_after is not None:
            headers.append(("retry-after", str(x.refusal.retry_after)))
        return Reply(200, headers, body.encode(charset))

    def _read_common(self, x: Exchange, form: Form) -> None:
        """Fill the common fields, or raise: each refusal names the parameter."""
        for name in ("app_id", "msg_id", "timestamp"):
            if not form.get(name):
                raise _invalid(name, f"{name} is missing")
        if len(form.get("msg_id").encode()) > REPLAY_KEY_BYTES_MAX:
            raise _invalid("msg_id", f"msg_id is longer than {REPLAY_KEY_BYTES_MAX} bytes")
        if form.get("format") not in {"", "json"}:
            raise _invalid("format", "format is json")
        if form.files:
            raise FormMalformed("this dialect carries no files")
        sign_type = form.get("sign_type") or "RSA"
        if sign_type in _SIGN_TYPES_LATER:
            text = f"sign_type {sign_type} is not served yet; register an RSA2 key"
            raise _invalid("sign_type", text)
        if sign_type not in icbc.SIGN_TYPES:
            raise _invalid("sign_type", "sign_type is RSA or RSA2")
        if form.get("encrypt_type") not in {"", "AES"}:
            raise _invalid("encrypt_type", "encrypt_type is AES; SM4 is not served yet")
        seconds = beijing_seconds(form.get("timestamp"))
        if seconds is None:
            raise _invalid("timestamp", "timestamp is yyyy-MM-dd HH:mm:ss in GMT+8")
        if not form.get("sign"):
            raise SignatureMissing
        x.wire_state.alg = icbc.SIGN_TYPES[sign_type]
        x.timestamp = seconds
        x.replay_key = form.get("msg_id")
        token = form.get("app_auth_token") or None
        if token is not None and not token.isascii():
            raise TenantTokenUnknown
        x.tenant_token = token

    def _content(self, x: Exchange, s: Serving, state: _Read) -> bytes | str:
        """The plain business content; raises ContentKeyMissing, ContentUnreadable."""
        content = state.form.get("biz_content") or "{}"
        if not state.encrypted:
            return content
        key = content_key(x.app, self.name, x.now)
        if key is None:
            raise ContentKeyMissing
        return decrypted(content, s.opened(key), state.form.charset)

    def _encrypted(self, text: str, app: App | None, s: Serving, now: float, charset: str) -> str:
        """The content as quoted base64, when the app has a key to read it with."""
        key = content_key(app, self.name, now)
        if key is None:
            return text
        try:
            return f'"{encrypt(text.encode(charset), s.opened(key))}"'
        except BanksideError:
            return text


@lru_cache(maxsize=4_096)
def _holes(template: str) -> tuple[tuple[str, str], ...]:
    """Path parameters of a native template: (name in the template, key in biz_content)."""
    return tuple((name, _HUMP.sub(r"_\1", name).lower()) for name in _HOLE.findall(template))


def _path_params(template: str, content: dict[str, Any]) -> Mapping[str, str]:
    params = {}
    for name, key in _holes(template):
        value = _scalar(key, content.pop(key, ""))
        if not value or not value.isprintable():
            raise _invalid(f"biz_content/{key}", f"{key} is missing in biz_content")
        params[name] = value
    return params


def _idempotency_key(value: Any) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= REPLAY_KEY_BYTES_MAX:
        raise _invalid("biz_content/idempotency_key", "idempotency_key is a text of 1 to 128")
    return value


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int):
        return str(value)
    raise _invalid(f"biz_content/{name}", f"{name} is a single value in a query")


def _invalid(name: str, text: str) -> ParameterInvalid:
    error = {"pointer": f"/{name}", "code": ParameterInvalid.code}
    return ParameterInvalid(text, errors=[error])


def _page(x: Exchange, *, has_key: bool) -> Reply:
    """On to the hosted page, or the page of a refusal (also when the order has no page)."""
    address = page_address(x)
    if address is not None:
        return sent_on(address)
    x.refusal = x.refusal or Refusal.of(PageUnavailable())
    said = refusal_content(x, "", has_key=has_key)
    return refused_page(x, [(name, str(said[name])) for name in ("return_code", "error_code")])
