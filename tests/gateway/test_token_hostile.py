"""Hostile bytes where a token and its proof stand: always a refusal in the RFC's words."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gateway.edge import NOW
from tests.gateway.holder import ORIGIN, Holder
from tests.gateway.test_token_calls import ACCOUNTS
from tests.gateway.token_edge import TokenEdge, error
from tests.identity.fapi.rig import b64

from bankside.kernel.signing.dpop import ProofBroken, place_of, read
from bankside.kernel.signing.jws import Keyring

GOOD = Holder("at-good", NOW).proof("GET", ACCOUNTS)
# What JSON can hold, a little deeper than any claim.
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=5,
)
MEMBERS = ("typ", "alg", "jwk", "crit", "kid")
CLAIMS = ("htm", "htu", "iat", "jti", "ath", "exp", "nbf", "nonce")


def refused_or_checked(text: str) -> None:
    """The proof is refused in words, or its claims are checked without a fault of ours."""
    try:
        said = read(text, Keyring(keep=4))
        said.checked("GET", place_of(ORIGIN + ACCOUNTS), at=NOW, token="at-good")
    except ProofBroken as broken:
        assert str(broken)


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), by=st.characters(max_codepoint=255))
def test_a_proof_with_one_changed_character_is_never_a_fault(at: int, by: str) -> None:
    changed = GOOD[:at] + by + GOOD[at + 1 :]

    refused_or_checked(changed)


@settings(max_examples=300, deadline=None)
@given(
    header=st.dictionaries(st.sampled_from(MEMBERS), VALUES),
    claims=st.dictionaries(st.sampled_from(CLAIMS), VALUES) | VALUES,
)
def test_any_json_in_a_proof_is_never_a_fault(header: object, claims: object) -> None:
    parts = [json.dumps(each).encode() for each in (header, claims)]

    refused_or_checked(".".join([*map(b64, parts), b64(b"x" * 64)]))


@settings(max_examples=200, deadline=None)
@given(
    jwk=st.dictionaries(
        st.sampled_from(("kty", "crv", "x", "y", "n", "e", "use")),
        st.sampled_from(("EC", "OKP", "RSA", "P-256", "Ed25519", "AQAB", "sig"))
        | st.text("AQabc-_09=é", max_size=50),
    ),
    alg=st.sampled_from(("ES256", "EdDSA", "PS256")),
)
def test_any_key_in_a_proof_is_never_a_fault(jwk: object, alg: str) -> None:
    header = {"typ": "dpop+jwt", "alg": alg, "jwk": jwk}
    claims = {"htm": "GET", "htu": ORIGIN + ACCOUNTS, "iat": int(NOW), "jti": "j"}
    parts = [json.dumps(each).encode() for each in (header, claims)]

    refused_or_checked(".".join([*map(b64, parts), b64(b"x" * 64)]))


@settings(max_examples=150, deadline=None)
@given(
    authorization=st.text(st.characters(max_codepoint=255), max_size=60),
    proof=st.text(st.characters(max_codepoint=255), max_size=60) | st.just(GOOD),
)
async def test_any_header_is_refused_and_nothing_is_carried_out(
    authorization: str, proof: str
) -> None:
    edge = TokenEdge()

    reply = await edge.by_token(
        edge.holder(), "GET", ACCOUNTS, authorization=f"DPoP {authorization}", dpop=proof
    )

    assert error(reply)[0] in {400, 401}
    assert edge.calls == []
