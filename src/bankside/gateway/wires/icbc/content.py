"""The business content of ICBC-style answers: JSON that every public SDK reads back byte for byte.

Always true: compact, raw UTF-8, ``/`` unescaped, no empty object, no number but small integers:
one public SDK decodes and re-encodes the content before it verifies, and only such JSON survives.
Source: the dialect's trap table (the SDKs' ways of cutting the signed text).
"""

import base64
import json
from collections.abc import Mapping
from typing import Any

from bankside.gateway.exchange import Exchange
from bankside.gateway.wires.icbc.codes import KEY_MISSING, SIGNATURE_BAD, return_code
from bankside.kernel.call import Answer

# Integers beyond 32 bits are read as floats by some clients; they travel as text.
_INTEGER_MAX = 2**31 - 1


def answer_content(answer: Answer, msg_id: str) -> dict[str, Any]:
    """The content of a carried-out call: the native answer and ``return_code`` 0."""
    if isinstance(answer.body, bytes):
        # A file's bytes have no other way through a JSON dialect.
        body: dict[str, Any] = {
            "content": base64.b64encode(answer.body).decode(),
            "content_type": answer.content_type,
        }
    else:
        body = dict(answer.body)
    return body | {"return_code": 0, "return_msg": "success", "msg_id": msg_id}


def refusal_content(x: Exchange, msg_id: str, *, has_key: bool) -> dict[str, Any]:
    """The content of a refusal: the dialect's number and our own stable code beside it.

    ``has_key``: whether the app is known and has a key for this wire. The dialect has a number of
    its own for those that have not; app ids are no secret in it, they stand in every address.
    """
    refusal = x.refusal
    assert refusal is not None
    number = return_code(refusal)
    # ``extra`` says of an unknown outcome by which key to ask for it.
    content: dict[str, Any] = dict(refusal.extra or {}) | {
        "return_code": number if has_key or number != SIGNATURE_BAD else KEY_MISSING,
        "return_msg": f"{refusal.code}: {refusal.detail or refusal.title}",
        "msg_id": msg_id,
        "error_code": refusal.code,
        "request_id": x.request_id,
    }
    if refusal.errors:
        content["errors"] = [dict(each) for each in refusal.errors]
    return content


def compact(content: Mapping[str, Any]) -> str:
    """The JSON text of ``content`` in the one form that survives every public SDK."""
    text = json.dumps(_plain(content), ensure_ascii=False, separators=(",", ":"))
    # Line separators are legal raw in JSON, but one SDK's re-encoding escapes them.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= _INTEGER_MAX else str(value)
    if isinstance(value, Mapping):
        # An empty object comes back as an empty list from the re-encoding SDK.
        return {str(name): _plain(each) for name, each in value.items()} or None
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value)
