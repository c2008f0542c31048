"""Contracts: versions chain, signatures are checked, an ended contract allows nothing more."""

import base64
import hashlib
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.orders.little_bank import LittleBank

from bankside.kernel.errors import BanksideError

SIGNATURES, CONSENTS = "identity.electronic-signatures", "identity.consents"
TERMS = hashlib.sha256("租赁合同 第一版".encode()).hexdigest()


def _signed(terms: str) -> dict[str, str]:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    return {"public_key": _text(public), "signature": _text(key.sign(bytes.fromhex(terms)))}


def _text(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


async def _asked(bank: LittleBank) -> dict[str, object]:
    await bank.account()
    return {"party": bank.customer, "counterparty": bank.customer, "terms_hash": TERMS}


async def test_a_signed_contract_keeps_its_terms_and_a_file(bank: LittleBank) -> None:
    asked = {**await _asked(bank), "signatures": [_signed(TERMS), _signed(TERMS)]}

    shown = await bank.shown(f"{SIGNATURES}.create", asked)
    content = await bank.call(f"{SIGNATURES}.content", path=shown["id"])

    signed = shown["result"]["contract"]
    assert (signed["terms_hash"], signed["version"], signed["status"]) == (TERMS, 1, "active")
    assert [each["method"] for each in signed["signatures"]] == ["ed25519", "ed25519", "api"]
    assert isinstance(content.body, bytes) and TERMS.encode() in content.body
    assert hashlib.sha256(content.body).hexdigest() == shown["result"]["file"]["sha256"]


async def test_a_signature_of_other_terms_is_refused(bank: LittleBank) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    asked = {**await _asked(bank), "signatures": [_signed(TERMS), _signed(other)]}

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{SIGNATURES}.create", asked)

    assert refused.value.code == "contract.signature_invalid"
    assert refused.value.errors[0]["pointer"] == "/signatures/1"


async def test_versions_form_a_chain_until_the_contract_ends(bank: LittleBank) -> None:
    first = await bank.shown(f"{SIGNATURES}.create", await _asked(bank))
    later = hashlib.sha256(b"second version").hexdigest()
    second = await bank.shown(f"{SIGNATURES}.amendments", {"terms_hash": later}, path=first["id"])
    chain = [each["result"]["contract"] for each in (first, second)]
    assert (chain[1]["version"], chain[1]["previous"]) == (2, chain[0]["digest"])
    await bank.call(f"{SIGNATURES}.revoke", {}, path=first["id"])

    for word, body in (("amendments", {"terms_hash": TERMS}), ("revoke", {})):
        with pytest.raises(BanksideError) as refused:
            await bank.call(f"{SIGNATURES}.{word}", body, path=first["id"])
        assert refused.value.code == "contract.not_active"


async def test_a_consent_ends_with_its_last_day(bank: LittleBank) -> None:
    await bank.account()
    agreed = {"party": bank.customer, "purpose": "rating", "code": "123456", "until": "2026-03-03"}
    consent = (await bank.shown(f"{CONSENTS}.create", agreed))["id"]
    bank.clock.advance(timedelta(days=2))

    await bank.orders.expire()

    shown = await bank.shown(f"{CONSENTS}.query", path=consent)
    assert (shown["state"], shown["status"]) == ("completed", "terminated")


async def test_a_wrong_code_gives_no_consent(bank: LittleBank) -> None:
    await bank.account()

    with pytest.raises(BanksideError) as refused:
        await bank.call(
            f"{CONSENTS}.create", {"party": bank.customer, "purpose": "rating", "code": "000000"}
        )

    assert refused.value.code == "verification.failed"
