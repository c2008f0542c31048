"""A partner's client of each dialect that can also do everything wrong: one wish, four spellings.

A ``Wish`` says what is asked and what is bad about it; each dialect spells it in its own bytes,
signs it (or not), and reads the answer the way its SDKs do: signature first.
"""

import base64
import json
import os
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import quote_from_bytes

from tests.journeys.raw import Heard, Message

from bankside.kernel.signing import Signer, Verifier, alipay, icbc
from bankside.kernel.signing.content import decrypt, encrypt
from bankside.kernel.signing.rfc9421 import (
    Answer,
    Identity,
    Request,
    sign_request,
    verify_answer,
)

BEIJING = timedelta(hours=8)
# A well-formed order id that names nothing.
NOBODYS = "ord_00000000000000000000000000"
FORM = "application/x-www-form-urlencoded"
# Business fields of a scan payment by their Alipay-style names.
_ALIPAY_FIELDS = {
    "order_no": "out_trade_no",
    "amount": "total_amount",
    "payer_token": "auth_code",
    "merchant": "seller_id",
    "subject": "subject",
}


_ALIPAY_OTHER_FIELDS = {
    "hold": {"order_no": "out_order_no", "amount": "amount"},
    "refund": {"order": "trade_no", "amount": "refund_amount", "refund_no": "out_request_no"},
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a message asks for, and what is wrong with it.

    ``operation``: pay, hold, ask, refund, unbought, unknown; ``order`` is whose (ask, refund).
    ``fields`` change business fields (None: left out); ``content`` replaces all of them.
    ``age``: seconds the message is old. ``keyless``: without what makes a repeat harmless.
    ``altered``: one byte of the signed content changed on the way. ``parameters``: further ones of
    a form, signed along.
    """

    operation: str = "pay"
    order: str = NOBODYS
    fields: Mapping[str, Any] = field(default_factory=dict)
    content: bytes | None = None
    age: int = 0
    token: str = ""
    forged: bool = False
    unsigned: bool = False
    altered: bool = False
    stranger: bool = False
    keyless: bool = False
    twice: bool = False
    other_algorithm: bool = False
    media: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Party:
    """Who calls: the app, its signer, a stranger's, whose answers it believes, its business facts.

    ``trusted`` maps (key id, algorithm) on the native wire, the wire's name elsewhere. ``payment``
    are the business fields of a payment that would succeed, without number.
    """

    app_id: str
    key_id: str = ""
    alg: str
    sign: Signer
    forge: Signer
    trusted: Mapping[Any, Verifier]
    payment: Mapping[str, str]
    aes: bytes | None = None
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True)
class Said:
    """An answer as the caller reads it: its code in the dialect's own words, id and content."""

    code: str
    request_id: str
    content: Mapping[str, Any]
    signed_by: str


class AnswerUnproven(AssertionError):
    """The answer is not signed by the key the caller trusts, or not in the dialect at all."""


class Dialect(ABC):
    """One way to call; see the module."""

    wire: str
    # The operations a wish may name, in the dialect's words.
    operations: ClassVar[Mapping[str, str]]

    def __init__(self, party: Party) -> None:
        self.party = party

    @property
    def name(self) -> str:
        """The dialect and how it signs or encrypts."""
        return f"{self.wire} {self.party.alg}" + (" aes" if self.party.aes else "")

    @abstractmethod
    def message(self, wish: Wish) -> Message:
        """The wish as bytes."""

    @abstractmethod
    def read(self, heard: Heard, message: Message) -> Said:
        """The answer, proven to be the bank's; AnswerUnproven."""

    def business(self, wish: Wish) -> dict[str, Any]:
        """The native business fields of a wish."""
        fields: dict[str, Any] = {"order_no": number(), "amount": "1.00", **self.party.payment}
        if wish.operation == "refund":
            fields = {"order": wish.order, "refund_no": "R1", "amount": "1.00"}
        fields |= wish.fields
        return {name: value for name, value in fields.items() if value is not None}

    def signer(self, wish: Wish) -> Signer:
        """The app's own signer, or a forger's."""
        return self.party.forge if wish.forged else self.party.sign


def number() -> str:
    """A partner's number nobody used before."""
    return f"n{time.time_ns():x}{os.urandom(4).hex()}"


def native_body(fields: Mapping[str, Any]) -> bytes:
    """Business fields as the native JSON body; the amount in yuan."""
    body = dict(fields)
    if "amount" in body and not isinstance(body["amount"], dict):
        body["amount"] = {"amount": body["amount"], "currency": "CNY"}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")


class Native(Dialect):
    """RFC 9421 over REST and JSON."""

    wire = "native"
    operations: ClassVar = {
        "pay": "POST /v1/scan-payments",
        "hold": "POST /v1/preauthorizations",
        "ask": "GET /v1/scan-payments/{order}",
        "refund": "POST /v1/merchant-refunds",
        "unbought": "POST /v1/clouds/education-cloud/tenants/one/schools",
        "unknown": "POST /v1/scan-payments-of-nobody",
    }

    def message(self, wish: Wish) -> Message:
        method, path = self.operations[wish.operation].format(order=wish.order).split(" ")
        body = b"" if method == "GET" else wish.content
        if body is None:
            body = native_body(self.business(wish))
        head = {"host": "bank.example"}
        if method != "GET":
            head["content-type"] = wish.media or "application/json"
        if method != "GET" and not wish.keyless:
            head["idempotency-key"] = number()
        if wish.token:
            head["x-app-auth-token"] = wish.token
        request = Request(method, path, "a=1&a=2" if wish.twice else "", head, body)
        if not wish.unsigned:
            head |= sign_request(
                request,
                Identity(
                    key_id="key_00000000000000000000000000" if wish.stranger else self.party.key_id,
                    alg=self._named_algorithm(wish),
                    sign=self.signer(wish),
                ),
                created=int(time.time()) - wish.age,
                nonce=os.urandom(16).hex(),
            )
        if wish.altered:
            request.body = body.replace(b"1.00", b"9.00")
        target = path + (f"?{request.query}" if request.query else "")
        return Message(method, target, tuple(head.items()), request.body)

    def read(self, heard: Heard, message: Message) -> Said:
        path, _, query = message.target.partition("?")
        request = Request(message.method, path, query, dict(message.headers), message.body)
        try:
            parameters = verify_answer(
                Answer(heard.status, heard.headers, heard.body),
                request,
                lambda key_id, alg: self.party.trusted[key_id, alg],
            )
        except Exception as error:
            raise AnswerUnproven(f"{error!r}: {heard}") from error
        content = json.loads(heard.body)
        code = str(heard.status)
        if heard.status >= 400:
            code += f" {content['code']}"
            assert heard.headers["content-type"] == "application/problem+json"
            assert content["status"] == heard.status
            assert content["request_id"] == heard.headers["x-request-id"]
        return Said(code, heard.headers["request-id"], content, str(parameters["keyid"]))

    def _named_algorithm(self, wish: Wish) -> str:
        if not wish.other_algorithm:
            return self.party.alg
        return "ed25519" if self.party.alg != "ed25519" else "hmac-sha256"


class Icbc(Dialect):
    """The ICBC-style form, signed over the path."""

    wire = "icbc"
    operations: ClassVar = {
        "pay": "/api/merchant/scan-payments/create/V1",
        "hold": "/api/merchant/preauthorizations/create/V1",
        "ask": "/api/merchant/scan-payments/query/V1",
        "refund": "/api/merchant/merchant-refunds/create/V1",
        "unbought": "/api/cloud/education-cloud/schools-list/V1",
        "unknown": "/api/merchant/scan-payments/explode/V1",
    }

    def message(self, wish: Wish) -> Message:
        path = self.operations[wish.operation]
        params = {
            "app_id": "app_0000000000000000000000000" if wish.stranger else self.party.app_id,
            "msg_id": os.urandom(16).hex(),
            "format": "json",
            "charset": "UTF-8",
            "sign_type": self._sign_type(wish),
            "timestamp": beijing(wish.age),
            "biz_content": _text(self._content(wish)),
            **wish.parameters,
        }
        if self.party.aes:
            sealed = encrypt(_bytes(params["biz_content"]), self.party.aes)
            params |= {"encrypt_type": "AES", "biz_content": sealed}
        if wish.token:
            params["app_auth_token"] = wish.token
        if wish.keyless:
            del params["msg_id"]
        if not wish.unsigned:
            text = icbc.string_to_sign(path, params)
            params["sign"] = base64.b64encode(self.signer(wish)(_bytes(text))).decode()
        if wish.altered:
            params["timestamp"] = beijing(wish.age + 1)
        body = form(params)
        if wish.twice:
            body += b"&format=json"
        return Message("POST", path, _form_head(wish), body)

    def read(self, heard: Heard, message: Message) -> Said:
        text = heard.body.decode()
        if heard.status != 200 or not icbc.answer_verifies(text, self.party.trusted[self.wire]):
            raise AnswerUnproven(f"{heard.status}: {text[:400]}")
        content = json.loads(text)["response_biz_content"]
        if isinstance(content, str):
            assert self.party.aes is not None
            content = json.loads(decrypt(content, self.party.aes))
        request_id = content.get("request_id", heard.headers["x-request-id"])
        return Said(str(content["return_code"]), request_id, content, self.wire)

    def _content(self, wish: Wish) -> bytes:
        if wish.content is not None:
            return wish.content
        if wish.operation == "ask":
            return json.dumps({"scan_payment_id": wish.order}).encode()
        return native_body(self.business(wish))

    def _sign_type(self, wish: Wish) -> str:
        own = "RSA" if self.party.alg == "rsa-sha1" else "RSA2"
        return {"RSA": "RSA2", "RSA2": "RSA"}[own] if wish.other_algorithm else own


class AlipayV2(Dialect):
    """The Alipay-style v2 form; common parameters in the query, the rest in the body."""

    wire = "alipay"
    operations: ClassVar = {
        "pay": "alipay.trade.pay",
        "hold": "alipay.fund.auth.order.freeze",
        "ask": "alipay.trade.query",
        "refund": "alipay.trade.refund",
        "unbought": "alipay.open.auth.token.app",
        "unknown": "alipay.trade.explode",
    }

    def message(self, wish: Wish) -> Message:
        params = {
            "app_id": "app_0000000000000000000000000" if wish.stranger else self.party.app_id,
            "method": self.operations[wish.operation],
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA" if wish.other_algorithm else "RSA2",
            "timestamp": beijing(wish.age),
            "version": "1.0",
            **wish.parameters,
        }
        content = _text(self.content(wish))
        if self.party.aes:
            params["encrypt_type"] = "AES"
            content = encrypt(_bytes(content), self.party.aes)
        if wish.token:
            params["app_auth_token"] = wish.token
        params["biz_content"] = content
        if not wish.unsigned:
            text = alipay.string_to_sign(params)
            params["sign"] = base64.b64encode(self.signer(wish)(_bytes(text))).decode()
        if wish.altered:
            params["timestamp"] = beijing(wish.age + 1)
        body = form({"biz_content": params.pop("biz_content")})
        if wish.twice:
            body += b"&version=1.0"
        return Message("POST", "/gateway.do?" + form(params).decode(), _form_head(wish), body)

    def read(self, heard: Heard, message: Message) -> Said:
        text = heard.body.decode()
        root = next(iter(json.loads(text)))
        if heard.status != 200 or not alipay.answer_verifies(
            text, root, self.party.trusted[self.wire]
        ):
            raise AnswerUnproven(f"{heard.status}: {text[:400]}")
        node = json.loads(text)[root]
        if isinstance(node, str):
            assert self.party.aes is not None
            node = json.loads(decrypt(node, self.party.aes))
        code = " ".join(filter(None, (node["code"], node.get("sub_code"))))
        return Said(code, heard.headers["trace_id"], node | {"root": root}, self.wire)

    def content(self, wish: Wish) -> bytes:
        """The business object in the dialect's names."""
        if wish.content is not None:
            return wish.content
        if wish.operation == "ask":
            return json.dumps({"trade_no": wish.order}).encode()
        names = _ALIPAY_FIELDS | _ALIPAY_OTHER_FIELDS.get(wish.operation, {})
        fields = {names.get(name, name): value for name, value in self.business(wish).items()}
        if wish.operation == "hold":
            fields |= {"out_request_no": "1"}
        if wish.keyless:
            del fields["out_trade_no"]
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


class AlipayV3(AlipayV2):
    """The Alipay-style v3: paths, JSON, an Authorization header, real statuses."""

    wire = "alipay3"

    def message(self, wish: Wish) -> Message:
        path = "/v3/" + self.operations[wish.operation].replace(".", "/")
        head = {"host": "bank.example", "content-type": wish.media or "application/json"}
        body = self.content(wish)
        if self.party.aes:
            head |= {"content-type": wish.media or "text/plain", "alipay-encrypt-type": "AES"}
            body = encrypt(body, self.party.aes).encode()
        if wish.token:
            head["alipay-app-auth-token"] = wish.token
        app = "app_0000000000000000000000000" if wish.stranger else self.party.app_id
        stamp = int((time.time() - wish.age) * 1000)
        text = alipay.authorisation_v3(app, os.urandom(16).hex(), stamp)
        if wish.twice:
            text += f",app_id={app}"
        token = wish.token or None
        to_sign = alipay.request_message_v3(text, "POST", path, body, token=token)
        if not wish.unsigned:
            authorization = alipay.authorization_header_v3(text, to_sign, self.signer(wish))
            scheme = "ALIPAY-SHA1withRSA" if wish.other_algorithm else alipay.SCHEME_V3
            head["authorization"] = authorization.replace(alipay.SCHEME_V3, scheme)
        if wish.altered:
            body = body[:-1] + (b"A" if self.party.aes else b" ")
        return Message("POST", path, tuple(head.items()), body)

    def read(self, heard: Heard, message: Message) -> Said:
        if not alipay.answer_verifies_v3(heard.headers, heard.body, self.party.trusted[self.wire]):
            raise AnswerUnproven(f"{heard.status}: {heard.body[:400]!r}")
        text = heard.body
        if self.party.aes and heard.status == 200:
            text = decrypt(text.decode(), self.party.aes)
        content = json.loads(text)
        code = " ".join(filter(None, (str(heard.status), content.get("code"))))
        return Said(code, heard.headers["alipay-trace-id"], content, self.wire)


def beijing(age: int) -> str:
    """The local time of the form dialects, ``age`` seconds ago."""
    instant = datetime.now(UTC) - timedelta(seconds=age) + BEIJING
    return instant.strftime("%Y-%m-%d %H:%M:%S")


def form(params: Mapping[str, str]) -> bytes:
    """Parameters URL-encoded; bytes that are no UTF-8 travel as they are."""
    pairs = (f"{name}={quote_from_bytes(_bytes(value), safe='')}" for name, value in params.items())
    return "&".join(pairs).encode()


def _form_head(wish: Wish) -> tuple[tuple[str, str], ...]:
    return (("host", "bank.example"), ("content-type", wish.media or f"{FORM};charset=utf-8"))


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
