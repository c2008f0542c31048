"""A demo app's keys as `demo.json` lists them, ready to sign with and to check answers by."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization

from bankside.cli.output import USAGE, fail
from bankside.kernel.signing import Verifier, signer, verifier
from bankside.kernel.signing.rfc9421 import AnswerUntrusted, Identity

PREFERRED = "ecdsa-p256-sha256"


@dataclass(frozen=True, slots=True)
class DemoApp:
    """One app of the demo, signing under one of its native keys; where the demo is called."""

    edge: str
    app_id: str
    identity: Identity
    _answer_keys: Mapping[tuple[str, str], Verifier]

    @classmethod
    def of(cls, home: Path, *, app: str = "", alg: str = "") -> "DemoApp":
        """The named app (default: the first with native keys) and algorithm, or a usage error."""
        demo = read_demo(home)
        apps = [each for each in demo["apps"] if each["wires"].get("native")]
        chosen = next((each for each in apps if app in {"", each["app_id"]}), None)
        if chosen is None:
            fail(
                f"no demo app {app!r} with native keys; there are: {_names(apps, 'app_id')}", USAGE
            )
        keys = native_keys(chosen)
        wanted = alg or (PREFERRED if PREFERRED in _names(keys, "alg") else keys[0]["alg"])
        key = next((each for each in keys if each["alg"] == wanted), None)
        if key is None:
            fail(f"{chosen['app_id']} has no {alg} key; it has: {_names(keys, 'alg')}", USAGE)
        secret = private_material(home, key)
        identity = Identity(key_id=key["key_id"], alg=wanted, sign=signer(wanted, secret))
        return cls(demo["edge"], chosen["app_id"], identity, _trusted(home, demo, keys))

    def answer_verifier(self, key_id: str, alg: str) -> Verifier:
        """The verifier of a bank key, or of our own shared secret; AnswerUntrusted when unknown."""
        found = self._answer_keys.get((key_id, alg))
        if found is None:
            raise AnswerUntrusted(f"the answer names the key {key_id} ({alg}), which is not ours")
        return found


def read_demo(home: Path) -> dict[str, Any]:
    """The demo facts of an installation, or a usage error that says how to get them."""
    path = home / "demo.json"
    try:
        facts: dict[str, Any] = msgspec.json.decode(path.read_bytes())
    except FileNotFoundError:
        fail(f"there is no {path}; start the demo first: make run", USAGE)
    return facts


def native_keys(app: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The native keys of an app: its main one, and the others listed under ``keys``."""
    native = app["wires"]["native"]
    return list(native) if isinstance(native, list) else [native, *native.get("keys", [])]


def private_material(home: Path, key: Mapping[str, Any]) -> bytes:
    """DER PKCS#8 of a private key file, or the raw secret for HMAC."""
    data = _file(home, key["private_key_file"])
    if key["alg"] == "hmac-sha256":
        return bytes.fromhex(data.decode().strip())
    loaded = serialization.load_pem_private_key(data, password=None)
    return loaded.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _trusted(
    home: Path, demo: Mapping[str, Any], keys: list[dict[str, Any]]
) -> dict[tuple[str, str], Verifier]:
    """Keys that may have signed an answer: the bank's, and our own shared secrets."""
    trusted: dict[tuple[str, str], Verifier] = {}
    bank = demo["bank_keys"].get("native")
    for each in bank if isinstance(bank, list) else [bank]:
        loaded = serialization.load_pem_public_key(_file(home, each["public_key_file"]))
        der = loaded.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        trusted[each["key_id"], each["alg"]] = verifier(each["alg"], der)
    for key in keys:
        if key["alg"] == "hmac-sha256":
            secret = private_material(home, key)
            trusted[key["key_id"], key["alg"]] = verifier(key["alg"], secret)
    return trusted


def _file(home: Path, name: str) -> bytes:
    path = Path(name)
    return (path if path.is_absolute() else home / path).read_bytes()


def _names(rows: list[dict[str, Any]], name: str) -> str:
    return ", ".join(str(row[name]) for row in rows)
