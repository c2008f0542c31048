"""Verifies the bank's messages with public libraries: JSON commands in, JSON results out.

Runs in an environment of its own (``messages.lock``); nothing of ours is imported here.
"""

import base64
import json
import sys
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from http_message_signatures import (
    HTTPMessageVerifier,
    HTTPSignatureKeyResolver,
    algorithms,
)
from standardwebhooks import Webhook

ALGORITHMS = {
    "ecdsa-p256-sha256": algorithms.ECDSA_P256_SHA256,
    "ed25519": algorithms.ED25519,
}
COVERED = ("@method", "@target-uri", "content-digest", "webhook-id")


class Keys(HTTPSignatureKeyResolver):
    """The bank's public keys by their ids."""

    def __init__(self, keys: dict[str, str]) -> None:
        self._keys = keys

    def resolve_public_key(self, key_id: str) -> Any:
        return load_der_public_key(base64.b64decode(self._keys[key_id]))


def callback(asked: dict[str, Any]) -> str:
    """The key id a callback is proven under, its body included."""
    body = base64.b64decode(asked["body"])
    message = SimpleNamespace(method="POST", url=asked["url"], headers=asked["headers"])
    verifier = HTTPMessageVerifier(
        signature_algorithm=ALGORITHMS[asked["alg"]], key_resolver=Keys(asked["keys"])
    )
    (found,) = verifier.verify(
        message, expect_tag="bankside-callback", require_components=COVERED, body=body
    )
    return str(found.parameters["keyid"])


def webhook(asked: dict[str, Any]) -> Any:
    """The content of a webhook that verifies."""
    return Webhook(asked["secret"]).verify(base64.b64decode(asked["body"]), asked["headers"])


for line in sys.stdin:
    asked = json.loads(line)
    try:
        value = {"callback": callback, "webhook": webhook}[asked["do"]](asked)
        print(json.dumps({"ok": True, "value": value}), flush=True)
    except Exception as error:  # noqa: BLE001 - what a library raises is the answer
        print(json.dumps({"ok": False, "error": f"{type(error).__name__}: {error}"}), flush=True)
