"""A passkey device in software: makes and uses ES256 keys as WebAuthn level 2 says, or nearly so.

Written from the standard, without the library that the platform verifies with.
"""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

PRESENT, VERIFIED, ATTESTED = 1, 4, 64


def b64(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class SoftAuthenticator:
    """One passkey for one person; ``verifies``: whether it asks for finger or lock."""

    origin: str = "https://bank.example"
    rp_id: str = "bank.example"
    verifies: bool = True
    counter: int = 0
    handle: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )

    def create(self, options: str, **change: Any) -> str:
        """The answer of ``navigator.credentials.create`` as our script sends it."""
        asked = json.loads(options)
        self.handle = unb64(asked["user"]["id"])
        point = self.key.public_key().public_numbers()
        cose = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")}
        )
        attested = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        data = self._data(ATTESTED, **change) + attested
        statement = {"fmt": change.get("fmt", "none"), "attStmt": {}, "authData": data}
        told = self._client("webauthn.create", asked["challenge"], **change)
        response = {"clientDataJSON": b64(told), "attestationObject": b64(cbor2.dumps(statement))}
        return self._answer(response)

    def get(self, options: str, **change: Any) -> str:
        """The answer of ``navigator.credentials.get``; each use counts."""
        asked = json.loads(options)
        self.counter += change.get("step", 1)
        data = self._data(0, **change)
        told = self._client("webauthn.get", asked["challenge"], **change)
        signed = data + hashlib.sha256(told).digest()
        response = {
            "clientDataJSON": b64(told),
            "authenticatorData": b64(data),
            "signature": b64(self.key.sign(signed, ec.ECDSA(hashes.SHA256()))),
            "userHandle": b64(change.get("handle", self.handle)),
        }
        return self._answer(response)

    def _data(self, flags: int, **change: Any) -> bytes:
        flags |= PRESENT | (VERIFIED if change.get("verifies", self.verifies) else 0)
        rp_id = change.get("rp_id", self.rp_id)
        counter = self.counter.to_bytes(4, "big")
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + counter

    def _client(self, kind: str, asked: str, **change: Any) -> bytes:
        told = {
            "type": change.get("type", kind),
            "challenge": change.get("challenge", asked),
            "origin": change.get("origin", self.origin),
            "crossOrigin": False,
        }
        return json.dumps(told).encode()

    def _answer(self, response: dict[str, str]) -> str:
        told = {"id": b64(self.id), "rawId": b64(self.id), "type": "public-key"}
        return json.dumps({**told, "response": response})
