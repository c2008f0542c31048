"""The ICBC-style signature rules as pure text functions: the wire, the CLI and tests share them.

Always true: a form is signed over ``path?`` and its non-empty parameters except ``sign``, sorted
by name, values raw (never URL-encoded); an answer is signed over exactly the text that stands
between ``"response_biz_content":`` and the last ``,"sign":"``.
Source: the bank's public SDK rules as written down in our wire protocol, section 3.
"""

import base64
import binascii
import json
from collections.abc import Mapping

from bankside.kernel.signing.algorithms import Signer, Verifier

# sign_type on the wire -> our algorithm name; absent means RSA.
SIGN_TYPES = {"RSA": "rsa-sha1", "RSA2": "rsa-sha256"}
_NODE = '{"response_biz_content":'
_SIGN = ',"sign":"'


def string_to_sign(path: str, params: Mapping[str, str]) -> str:
    """The text a request or callback form is signed over; ``path`` without host and query."""
    pairs = sorted((k, v) for k, v in params.items() if k and v and k != "sign")
    return path + "?" + "&".join(f"{name}={value}" for name, value in pairs)


def signed_form(
    path: str, params: Mapping[str, str], sign: Signer, *, charset: str = "UTF-8"
) -> dict[str, str]:
    """``params`` and their ``sign``: a request form, or a callback form we send to a partner.

    A callback names ``sign_type=RSA`` among its parameters and is signed SHA1withRSA; its path is
    the path of the partner's ``notify_url``.
    """
    signature = sign(string_to_sign(path, params).encode(charset))
    return {**params, "sign": base64.b64encode(signature).decode()}


def form_verifies(
    path: str, form: Mapping[str, str], verify: Verifier, *, charset: str = "UTF-8"
) -> bool:
    """Whether the form's ``sign`` verifies over its other parameters."""
    try:
        signature = base64.b64decode(form.get("sign", ""), validate=True)
        message = string_to_sign(path, form).encode(charset)
    except (binascii.Error, ValueError):
        return False
    return verify(message, signature)


def answer_text(content: str, sign: Signer, *, charset: str = "UTF-8") -> str:
    """The whole answer around ``content`` (compact JSON, or base64 in its quotes).

    No blank, nothing between the two members, ``sign`` last: public SDKs cut by position.
    """
    signature = base64.b64encode(sign(content.encode(charset))).decode()
    return f'{_NODE}{content}{_SIGN}{signature}"}}'


def answer_parts(text: str) -> tuple[str, str]:
    """The signed text and the signature of an answer, cut as the bank's Java SDK cuts it.

    Raises ValueError when the text is no such answer.
    """
    end = text.rindex(_SIGN)
    if not text.startswith(_NODE) or not text.endswith('"}'):
        raise ValueError("not an ICBC-style answer")
    return text[len(_NODE) : end], text[end + len(_SIGN) : -2]


def answer_verifies(text: str, verify: Verifier, *, charset: str = "UTF-8") -> bool:
    """Whether an answer carries a signature that verifies (SHA1withRSA on this dialect)."""
    try:
        content, sign = answer_parts(text)
        return verify(content.encode(charset), base64.b64decode(sign, validate=True))
    except (binascii.Error, ValueError):
        return False


def callback_answer(msg_id: str, sign_type: str, sign: Signer) -> str:
    """What a partner answers to a callback: signed over the text between ``{`` and ``,"sign"``."""
    content = {"return_code": 0, "return_msg": "success", "msg_id": msg_id}
    inner = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    signed = f'"response_biz_content":{inner},"sign_type":"{sign_type}"'
    signature = base64.b64encode(sign(signed.encode())).decode()
    return f'{{{signed},"sign":"{signature}"}}'


def callback_accepted(text: str, msg_id: str, verify: Verifier) -> bool:
    """Whether a partner's answer to our callback counts as delivered.

    True only when it is signed under the partner's key, says ``return_code`` 0 and repeats the
    ``msg_id`` of the callback; everything else is not delivered.
    """
    try:
        end = text.rindex(_SIGN)
        answer = json.loads(text)
        signature = base64.b64decode(answer["sign"], validate=True)
        content = answer["response_biz_content"]
        said = content["return_code"] == 0 and content["msg_id"] == msg_id
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        return False
    return bool(said) and verify(text[1:end].encode(), signature)
