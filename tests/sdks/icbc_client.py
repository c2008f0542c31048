"""A client of the ICBC-style dialect, written from the bank's public rules and nothing of ours.

It signs as the bank's Java SDK does, and accepts an answer only when the three public ways of
cutting the signed text agree: Java (up to the last ``,"sign":"``), C# (up to the last comma) and
PHP (decode, encode again, compare). It imports no line of the platform.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import quote_plus, urlsplit
from uuid import uuid4

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

# send(method, target, headers, body) -> status, body
Send = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
DIGESTS = {"RSA": hashes.SHA1(), "RSA2": hashes.SHA256()}
BEIJING = timedelta(hours=8)


class AnswerRejected(Exception):
    """The answer is not the bank's, or one of the public SDKs could not read it."""


@dataclass(frozen=True, kw_only=True)
class IcbcClient:
    """One app; keys as PEM or DER bytes, ``aes_key`` as base64 text."""

    app_id: str
    private_key: bytes
    bank_public_key: bytes
    send: Send
    sign_type: str = "RSA2"
    aes_key: str = ""
    charset: str = "UTF-8"
    now: Callable[[], datetime] = field(default=lambda: datetime.now(UTC))

    def call(
        self, path: str, content: Mapping[str, Any], *, method: str = "POST", **common: str
    ) -> dict[str, Any]:
        """Sign, send, verify; the business answer."""
        return self.deliver(path, self.signed(path, self.parameters(content, **common)), method)

    def parameters(self, content: Mapping[str, Any], **common: str) -> dict[str, str]:
        """The unsigned parameters of one call."""
        text = json.dumps(content, ensure_ascii=False)
        params = {
            "app_id": self.app_id,
            "msg_id": uuid4().hex,
            "format": "json",
            "charset": self.charset,
            "sign_type": self.sign_type,
            "timestamp": (self.now() + BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
            "biz_content": text,
        }
        if self.aes_key:
            params |= {"encrypt_type": "AES", "biz_content": self._encrypted(text)}
        return params | common

    def signed(self, path: str, params: Mapping[str, str]) -> dict[str, str]:
        """The parameters with their ``sign``."""
        signature = load_private(self.private_key).sign(
            self.string_to_sign(path, params).encode(self.charset),
            rsa_padding.PKCS1v15(),
            DIGESTS[self.sign_type],
        )
        return {**params, "sign": base64.b64encode(signature).decode()}

    @staticmethod
    def string_to_sign(path: str, params: Mapping[str, str]) -> str:
        """Path, ``?`` and the sorted, raw, non-empty pairs except ``sign``."""
        keys = sorted(key for key in params if key and key != "sign" and params[key])
        return urlsplit(path).path + "?" + "&".join(f"{key}={params[key]}" for key in keys)

    def deliver(self, path: str, form: Mapping[str, str], method: str = "POST") -> dict[str, Any]:
        """Send a form as it is and read the answer."""
        text = "&".join(
            f"{quote_plus(k, encoding=self.charset)}={quote_plus(v, encoding=self.charset)}"
            for k, v in form.items()
        )
        if method == "GET":
            status, body = self.send("GET", f"{path}?{text}", {}, b"")
        else:
            head = {"content-type": f"application/x-www-form-urlencoded;charset={self.charset}"}
            status, body = self.send("POST", path, head, text.encode())
        if status != 200:
            raise AnswerRejected(f"HTTP status {status}")
        return self.read(body.decode(self.charset))

    def read(self, text: str) -> dict[str, Any]:
        """The business answer behind a signed answer text; raises AnswerRejected."""
        head, tail = '{"response_biz_content":', ',"sign":"'
        if not text.startswith(head) or tail not in text:
            raise AnswerRejected(f"no ICBC-style answer: {text[:80]}")
        signed = text[len(head) : text.rindex(tail)]
        sign = text[text.rindex(tail) + len(tail) :].partition('"')[0]
        if text[len(head) : text.rindex(",")] != signed:
            raise AnswerRejected("C# cuts at the last comma and gets another text")
        content = json.loads(text)["response_biz_content"]
        if php_json(content) != signed:
            raise AnswerRejected("PHP decodes and encodes again and gets another text")
        try:
            load_public(self.bank_public_key).verify(
                base64.b64decode(sign),
                signed.encode(self.charset),
                rsa_padding.PKCS1v15(),
                hashes.SHA1(),
            )
        except InvalidSignature as error:
            raise AnswerRejected("the signature is not the bank's") from error
        if isinstance(content, str):
            content = self.content(content)
        if not isinstance(content, dict):
            raise AnswerRejected("the content is no object")
        return content

    def content(self, text: str) -> Any:
        """What a ``biz_content`` says, encrypted when the client has an AES key."""
        return json.loads(self._decrypted(text) if self.aes_key else text)

    def believes(self, path: str, form: Mapping[str, str]) -> bool:
        """Whether a callback form is the bank's (always SHA1withRSA)."""
        try:
            load_public(self.bank_public_key).verify(
                base64.b64decode(form["sign"]),
                self.string_to_sign(path, form).encode(self.charset),
                rsa_padding.PKCS1v15(),
                hashes.SHA1(),
            )
        except InvalidSignature:
            return False
        return True

    def callback_answer(self, msg_id: str) -> str:
        """What the partner answers to a callback, signed over the text before ``,"sign"``."""
        content = f'{{"return_code":0,"return_msg":"success","msg_id":"{msg_id}"}}'
        signed = f'"response_biz_content":{content},"sign_type":"{self.sign_type}"'
        signature = load_private(self.private_key).sign(
            signed.encode(), rsa_padding.PKCS1v15(), DIGESTS[self.sign_type]
        )
        return f'{{{signed},"sign":"{base64.b64encode(signature).decode()}"}}'

    def _encrypted(self, text: str) -> str:
        padder = padding.PKCS7(128).padder()
        padded = padder.update(text.encode(self.charset)) + padder.finalize()
        cipher = Cipher(algorithms.AES(base64.b64decode(self.aes_key)), modes.CBC(bytes(16)))
        encryptor = cipher.encryptor()
        return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()

    def _decrypted(self, text: str) -> str:
        cipher = Cipher(algorithms.AES(base64.b64decode(self.aes_key)), modes.CBC(bytes(16)))
        decryptor = cipher.decryptor()
        padded = decryptor.update(base64.b64decode(text)) + decryptor.finalize()
        unpadder = padding.PKCS7(128).unpadder()
        return (unpadder.update(padded) + unpadder.finalize()).decode(self.charset)


def php_json(value: Any) -> str:
    """What PHP's ``json_encode($x, 320)`` makes of a decoded value (arrays, not objects)."""
    if isinstance(value, dict):
        # A decoded object is an array; an empty one, or one with keys 0..n, comes back as a list.
        if list(value) == [str(index) for index in range(len(value))]:
            return php_json(list(value.values()))
        return "{" + ",".join(f"{php_json(k)}:{php_json(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(php_json(each) for each in value) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


# Checking an RSA private key takes tens of milliseconds.
@cache
def load_private(key: bytes) -> rsa.RSAPrivateKey:
    """An RSA private key from PEM, DER or bare base64."""
    loaded = (
        serialization.load_pem_private_key(key, None)
        if key.lstrip().startswith(b"-----")
        else serialization.load_der_private_key(key, None)
    )
    assert isinstance(loaded, rsa.RSAPrivateKey)
    return loaded


@cache
def load_public(key: bytes) -> rsa.RSAPublicKey:
    """An RSA public key from PEM or DER."""
    loaded = (
        serialization.load_pem_public_key(key)
        if key.lstrip().startswith(b"-----")
        else serialization.load_der_public_key(key)
    )
    assert isinstance(loaded, rsa.RSAPublicKey)
    return loaded
