"""The Alipay-style signature rules (v2 and v3) as pure text functions, shared by wire and clients.

Always true: v2 signs ``k=v&...`` of the non-empty parameters except ``sign``, sorted by name,
values raw, ``sign_type`` included; a callback leaves ``sign_type`` out as well. v3 signs lines:
the authorisation text, method, target, body and, only when it is sent, the app_auth_token.
Source: the public SDKs' rules as written down in our wire protocol, sections 4 and 5.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping

from bankside.kernel.signing.algorithms import Signer, Verifier

# sign_type on the wire -> our algorithm name.
SIGN_TYPES = {"RSA": "rsa-sha1", "RSA2": "rsa-sha256"}
SCHEME_V3 = "ALIPAY-SHA256withRSA"
_SIGN = ',"sign":"'


def string_to_sign(
    params: Mapping[str, str], *, without: Iterable[str] = ("sign",), keep_empty: bool = False
) -> str:
    """The text a v2 form is signed over.

    ``keep_empty`` is the reading of one public SDK that does not drop empty values.
    """
    left_out = frozenset(without)
    return "&".join(
        f"{name}={value}"
        for name, value in sorted(params.items())
        if name not in left_out and (value or keep_empty)
    )


def signed_form(
    params: Mapping[str, str], sign: Signer, *, charset: str = "utf-8"
) -> dict[str, str]:
    """A v2 request: ``params`` (with their ``sign_type``) and the ``sign`` over them."""
    signature = sign(string_to_sign(params).encode(charset))
    return {**params, "sign": base64.b64encode(signature).decode()}


def callback_form(params: Mapping[str, str], sign: Signer, *, sign_type: str) -> dict[str, str]:
    """A v2 callback (notification) as we post it: ``sign`` does not cover ``sign_type``."""
    signature = sign(string_to_sign(params, without=("sign", "sign_type")).encode())
    return {**params, "sign_type": sign_type, "sign": base64.b64encode(signature).decode()}


def callback_verifies(form: Mapping[str, str], verify: Verifier) -> bool:
    """Whether a received callback form is the bank's: what a partner checks before it acts."""
    message = string_to_sign(form, without=("sign", "sign_type")).encode()
    return _verifies(message, form.get("sign", ""), verify)


def answer_text(root: str, node: str, sign: Signer, *, charset: str = "utf-8") -> str:
    """A whole v2 answer: the node (compact JSON, or quoted base64) first, ``sign`` right after."""
    signature = base64.b64encode(sign(node.encode(charset))).decode()
    return f'{{"{root}":{node}{_SIGN}{signature}"}}'


def answer_parts(text: str, root: str) -> tuple[str, str]:
    """The signed text and the signature of a v2 answer; ValueError when it is none."""
    head = f'{{"{root}":'
    end = text.rindex(_SIGN)
    if not text.startswith(head):
        raise ValueError(f"the answer does not begin with {root}")
    return text[len(head) : end], text[end + len(_SIGN) :].split('"', 1)[0]


def answer_verifies(text: str, root: str, verify: Verifier, *, charset: str = "utf-8") -> bool:
    """Whether a v2 answer is signed by the bank."""
    try:
        node, sign = answer_parts(text, root)
        return _verifies(node.encode(charset), sign, verify)
    except ValueError:
        return False


def request_message_v3(
    authorisation: str, method: str, target: str, body: bytes, *, token: str | None = None
) -> bytes:
    """The bytes a v3 request is signed over; ``target`` is the path with its query, as sent."""
    head = f"{authorisation}\n{method}\n{target}\n".encode()
    return head + body + (b"\n" if token is None else f"\n{token}\n".encode())


def authorisation_v3(app_id: str, nonce: str, timestamp_ms: int) -> str:
    """The part of a v3 ``Authorization`` header that is signed."""
    return f"app_id={app_id},nonce={nonce},timestamp={timestamp_ms}"


def authorization_header_v3(authorisation: str, message: bytes, sign: Signer) -> str:
    """The whole v3 ``Authorization`` header."""
    return f"{SCHEME_V3} {authorisation},sign={base64.b64encode(sign(message)).decode()}"


def answer_message_v3(timestamp: str, nonce: str, body: bytes) -> bytes:
    """The bytes a v3 answer is signed over (its headers alipay-timestamp and alipay-nonce)."""
    return f"{timestamp}\n{nonce}\n".encode() + body + b"\n"


def answer_verifies_v3(headers: Mapping[str, str], body: bytes, verify: Verifier) -> bool:
    """Whether a v3 answer is signed by the bank; ``headers`` with lower-case names."""
    message = answer_message_v3(
        headers.get("alipay-timestamp", ""), headers.get("alipay-nonce", ""), body
    )
    return _verifies(message, headers.get("alipay-signature", ""), verify)


def _verifies(message: bytes, sign: str, verify: Verifier) -> bool:
    try:
        return verify(message, base64.b64decode(sign, validate=True))
    except (binascii.Error, ValueError):
        return False
