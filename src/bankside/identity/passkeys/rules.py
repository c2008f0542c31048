"""What is taken from a browser, and when it proves a passkey.

Source: WebAuthn level 2, sections 7.1 and 7.2, by the library ``webauthn``; the counter (section
6.1.1) is judged by us, after the signature, so that nobody without the key can bring it down.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import msgspec
from webauthn import verify_authentication_response, verify_registration_response
from webauthn.helpers import base64url_to_bytes, parse_attestation_object, parse_client_data_json
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AttestationFormat

from bankside.identity.passkeys.errors import PasskeyInvalid, PasskeyNameInvalid, PasskeyRefused
from bankside.identity.passkeys.model import Passkey, RelyingParty

CHALLENGE = "pc"
CHALLENGE_TTL = timedelta(minutes=5)
# An answer with a self attestation has about 1 kB; the form around it takes 16.
ANSWER_CHARACTERS_MAX = 8_192
PASSKEYS_MAX = 10
NAME_LENGTH_MAX = 40
# ES256, EdDSA, and RS256, which is all that Windows Hello offers on older machines.
ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
# We ask for no attestation: a bank that takes any authenticator learns nothing from its maker's
# certificate. Browsers then answer with none, or with the key's own signature.
ATTESTATIONS = (AttestationFormat.NONE, AttestationFormat.PACKED)

T = TypeVar("T")
# What the library and its parsers raise on bytes that are no answer.
_MALFORMED = (WebAuthnException, ValueError, TypeError, KeyError, EOFError, RecursionError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the browser sent: its JSON, the challenge it answers and the handle it names."""

    fields: dict[str, Any]
    challenge: bytes
    handle: str
    credential_id: bytes

    @property
    def transports(self) -> tuple[str, ...]:
        """How the browser reaches the authenticator: short words of its own."""
        told = self.fields.get("response", {}).get("transports", [])
        words = told if isinstance(told, list) else []
        return tuple(each for each in words[:8] if isinstance(each, str) and len(each) <= 16)


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a proven registration brings."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that the passkey made over our challenge."""

    sign_count: int
    user_verified: bool


def read_answer(text: str) -> Answer:
    """The browser's JSON (``PublicKeyCredential.toJSON``), or PasskeyRefused."""

    def read() -> Answer:
        fields = msgspec.json.decode(text.encode(), type=dict[str, Any])
        response = fields["response"]
        told = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))
        handle = base64url_to_bytes(response.get("userHandle") or "").decode()
        return Answer(fields, told.challenge, handle, base64url_to_bytes(fields["id"]))

    if len(text) > ANSWER_CHARACTERS_MAX:
        raise PasskeyRefused
    return _or_refused(read, PasskeyRefused)


def new_key(answer: Answer, party: RelyingParty, challenge: bytes) -> NewKey:
    """The key that this answer registers, made with the person verified; or PasskeyInvalid."""

    def verify() -> NewKey:
        attested = base64url_to_bytes(answer.fields["response"]["attestationObject"])
        if parse_attestation_object(attested).fmt not in ATTESTATIONS:
            raise PasskeyInvalid
        made = verify_registration_response(
            credential=answer.fields,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            require_user_verification=True,
            supported_pub_key_algs=ALGORITHMS,
        )
        return NewKey(made.credential_id, made.credential_public_key, made.sign_count)

    return _or_refused(verify, PasskeyInvalid)


def proof_of(
    answer: Answer, party: RelyingParty, challenge: bytes, passkey: Passkey, *, verified: bool
) -> Proof:
    """The proof in this answer, or PasskeyRefused; ``verified``: the person must have been."""

    def verify() -> Proof:
        made = verify_authentication_response(
            credential=answer.fields,
            expected_challenge=challenge,
            expected_rp_id=party.id,
            expected_origin=party.origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=0,
            require_user_verification=verified,
        )
        return Proof(made.new_sign_count, made.user_verified)

    return _or_refused(verify, PasskeyRefused)


def looks_copied(stored: int, told: int) -> bool:
    """Whether the counter did not move on although this authenticator counts."""
    return (stored > 0 or told > 0) and told <= stored


def checked_name(name: str) -> str:
    """The name in its one form, or PasskeyNameInvalid."""
    shown = " ".join(name.split())
    if not 1 <= len(shown) <= NAME_LENGTH_MAX or not shown.isprintable():
        raise PasskeyNameInvalid
    return shown


def browser_hash(browser: str) -> bytes:
    """What is stored of the browser's own secret, to which a challenge is bound."""
    return hashlib.sha256(f"passkey\x1f{browser}".encode()).digest()


def _or_refused(work: Callable[[], T], refusal: type[PasskeyRefused | PasskeyInvalid]) -> T:
    """The result; whatever is wrong with the bytes is one refusal, without a reason."""
    try:
        return work()
    except _MALFORMED as error:
        raise refusal from error
