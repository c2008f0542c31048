"""Who calls in these journeys: the demo's apps on every dialect, read from ``demo.json`` alone."""

import base64
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from tests.journeys.dialects import AlipayV2, AlipayV3, Dialect, Icbc, Native, Party

from bankside.kernel.signing import Signer, Verifier, generate, signer, verifier

FORM_WIRES: Mapping[str, type[Dialect]] = {"icbc": Icbc, "alipay": AlipayV2, "alipay3": AlipayV3}


def dialects(demo: Mapping[str, Any]) -> list[Dialect]:
    """Every way in which an app of the demo can call: wire, algorithm, with and without AES."""
    return [each for app in demo["apps"] for each in dialects_of(demo, app)]


def dialects_of(demo: Mapping[str, Any], app: Mapping[str, Any]) -> Iterator[Dialect]:
    """The dialects of one app."""
    payment = payment_of(demo, app["partner"])
    common = {
        "app_id": app["app_id"],
        "payment": payment,
        "tokens": tuple(each["app_auth_token"] for each in app["tenants"]),
    }
    for wire, facts in app["wires"].items():
        if wire == "native":
            for key in facts["keys"]:
                yield Native(Party(**common, **native_key(key, demo["bank_keys"]["native"])))
            continue
        rsa = {
            "key_id": facts["key_id"],
            "alg": facts["alg"],
            "sign": _signer(facts["alg"], facts["private_key_file"]),
            "forge": _forger(facts["alg"]),
            "trusted": {wire: bank_verifier(facts["bank_alg"], facts["bank_public_key_file"])},
        }
        yield FORM_WIRES[wire](Party(**common, **rsa))
        if "aes_key_file" in facts:
            aes = base64.b64decode(Path(facts["aes_key_file"]).read_bytes())
            yield FORM_WIRES[wire](Party(**common, **rsa, aes=aes))


def native_key(key: Mapping[str, str], bank: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a Party that signs under one of its native keys."""
    alg, own = key["alg"], (key["key_id"], key["alg"])
    trusted = {(bank["key_id"], bank["alg"]): bank_verifier(bank["alg"], bank["public_key_file"])}
    if alg == "hmac-sha256":
        trusted[own] = verifier(alg, material(alg, key["private_key_file"]))
    return {
        "key_id": key["key_id"],
        "alg": alg,
        "sign": _signer(alg, key["private_key_file"]),
        "forge": _forger(alg),
        "trusted": trusted,
    }


def payment_of(demo: Mapping[str, Any], partner: str) -> dict[str, str]:
    """Merchant and payer of a payment that succeeds in the partner's own data space."""
    return {
        "merchant": own(demo, "merchants", partner)["id"],
        "payer_token": own(demo, "payer_tokens", partner)["code"],
    }


def own(demo: Mapping[str, Any], kind: str, partner: str) -> dict[str, Any]:
    """The partner's first object of a list, belonging to no tenant."""
    found: dict[str, Any] = next(
        each for each in demo[kind] if each["partner"] == partner and not each.get("tenant")
    )
    return found


@cache
def material(alg: str, path: str) -> bytes:
    """A key file's bytes: DER PKCS#8, or the raw HMAC secret."""
    data = Path(path).read_bytes()
    if alg == "hmac-sha256":
        return bytes.fromhex(data.decode().strip())
    return serialization.load_pem_private_key(data, None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@cache
def _signer(alg: str, path: str) -> Signer:
    return signer(alg, material(alg, path))


@cache
def _forger(alg: str) -> Signer:
    return signer(alg, generate(alg))


@cache
def bank_verifier(alg: str, path: str) -> Verifier:
    loaded = serialization.load_pem_public_key(Path(path).read_bytes())
    der = loaded.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return verifier(alg, der)
