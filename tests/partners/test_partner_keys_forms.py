"""What a partner may register as a key: every form it comes in, and none that is weak."""

import base64
import secrets

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.partners.builders import private_key, public_key

from bankside.kernel.errors import BanksideError
from bankside.partners.keys.model import NewKey
from bankside.partners.keys.rules import checked_material

SPKI = public_key("rsa-sha256")
RSA_PUBLIC = serialization.load_der_public_key(SPKI)
PKCS1 = RSA_PUBLIC.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def wrapped(der: bytes) -> bytes:
    """Base64 in lines of 64 characters, as the PHP clients store keys."""
    text = base64.b64encode(der)
    return b"\r\n".join(text[at : at + 64] for at in range(0, len(text), 64)) + b"\n"


def refusal(key: NewKey) -> str:
    with pytest.raises(BanksideError) as caught:
        checked_material(key)
    return caught.value.code


@pytest.mark.parametrize(
    "material",
    [
        SPKI,
        PKCS1,
        base64.b64encode(SPKI),
        base64.b64encode(PKCS1),
        wrapped(SPKI),
        RSA_PUBLIC.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ),
        RSA_PUBLIC.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1),
    ],
    ids=["spki", "pkcs1", "spki base64", "pkcs1 base64", "wrapped", "spki pem", "pkcs1 pem"],
)
def test_every_form_of_a_public_key_is_stored_as_the_same_bytes(material: bytes) -> None:
    for wire, alg in (
        ("icbc", "rsa-sha1"),
        ("alipay3", "rsa-sha256"),
        ("native", "rsa-v1_5-sha256"),
    ):
        assert checked_material(NewKey(wire=wire, alg=alg, material=material)) == SPKI


@pytest.mark.parametrize("alg", ["ecdsa-p256-sha256", "ed25519", "rsa-pss-sha512"])
def test_each_native_algorithm_takes_its_own_kind_of_key(alg: str) -> None:
    material = public_key(alg)

    assert checked_material(NewKey(wire="native", alg=alg, material=material)) == material
    other = "ed25519" if alg != "ed25519" else "ecdsa-p256-sha256"
    assert refusal(NewKey(wire="native", alg=other, material=material)) == "key.invalid"


@pytest.mark.parametrize("form", ["der", "pkcs1 der", "base64", "pem", "encrypted pem"])
def test_a_private_key_is_refused_by_name_and_never_kept(form: str) -> None:
    der = private_key("rsa-sha256")
    key = serialization.load_der_private_key(der, password=None)
    pem, traditional = serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL
    locked = serialization.BestAvailableEncryption(b"secret")
    plain = serialization.NoEncryption()
    material = {
        "der": der,
        "pkcs1 der": key.private_bytes(serialization.Encoding.DER, traditional, plain),
        "base64": base64.b64encode(der),
        "pem": key.private_bytes(pem, traditional, plain),
        "encrypted pem": key.private_bytes(pem, serialization.PrivateFormat.PKCS8, locked),
    }[form]

    assert refusal(NewKey(wire="alipay", alg="rsa-sha256", material=material)) == "key.is_private"


def test_a_short_or_predictable_key_is_refused_as_weak() -> None:
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    cube = rsa.RSAPublicNumbers(3, RSA_PUBLIC.public_numbers().n).public_key()
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    for public in (short, cube):
        key = NewKey(wire="icbc", alg="rsa-sha256", material=public.public_bytes(*spki))
        assert refusal(key) == "key.weak"
    for secret in (b"x" * 32, b"0123" * 8, secrets.token_bytes(31), secrets.token_bytes(65)):
        assert refusal(NewKey(wire="native", alg="hmac-sha256", material=secret)) == "key.weak"


def test_another_curve_is_no_p256_key() -> None:
    material = (
        ec.generate_private_key(ec.SECP384R1())
        .public_key()
        .public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )

    key = NewKey(wire="native", alg="ecdsa-p256-sha256", material=material)

    assert refusal(key) == "key.invalid"


def test_secrets_of_the_right_size_are_taken_as_they_are() -> None:
    for wire, alg, size in (
        ("native", "hmac-sha256", 32),
        ("native", "hmac-sha256", 64),
        ("icbc", "aes-cbc", 16),
        ("alipay", "aes-cbc", 32),
    ):
        secret = secrets.token_bytes(size)
        assert checked_material(NewKey(wire=wire, alg=alg, material=secret)) == secret
    odd = NewKey(wire="icbc", alg="aes-cbc", material=secrets.token_bytes(17))
    assert refusal(odd) == "key.malformed"


def test_sha1_needs_a_wire_that_demands_it_or_an_app_that_asked() -> None:
    assert refusal(NewKey(wire="alipay", alg="rsa-sha1", material=SPKI)) == "key.algorithm_refused"
    assert refusal(NewKey(wire="native", alg="rsa-sha1", material=SPKI)) == "key.algorithm_refused"
    assert refusal(NewKey(wire="wechat", alg="rsa-sha256", material=SPKI)) == (
        "key.algorithm_refused"
    )
    asked = NewKey(wire="alipay", alg="rsa-sha1", material=SPKI, legacy_sha1=True)
    assert checked_material(asked) == SPKI


@given(
    st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=300).map(lambda junk: b"\x30" + junk),
        st.binary(max_size=300).map(lambda junk: b"-----BEGIN PUBLIC KEY-----\n" + junk),
        st.binary(max_size=200).map(base64.b64encode),
        st.integers(0, len(SPKI) - 1).map(lambda at: SPKI[:at]),
    )
)
@settings(max_examples=150, deadline=None)
def test_no_bytes_make_the_reader_fail_otherwise_than_by_refusal(material: bytes) -> None:
    code = refusal(NewKey(wire="icbc", alg="rsa-sha256", material=material))

    assert code in {"key.malformed", "key.invalid", "key.weak", "key.is_private"}


def test_an_oversized_text_is_refused_before_it_is_parsed() -> None:
    key = NewKey(wire="icbc", alg="rsa-sha256", material=b"A" * 9_000)

    assert refusal(key) == "key.malformed"
