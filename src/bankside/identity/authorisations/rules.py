"""What a pushed request must say, and the addresses that answer it.

Source: RFC 9126, RFC 7636 (S256 only), RFC 9207, FAPI 2.0 Security Profile section 5.3.2.2.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import quote

from bankside.identity.authorisations.details import asked_details
from bankside.identity.authorisations.model import Detail, ResponseMode
from bankside.identity.clients import CLIENT_ONLY, Client
from bankside.identity.errors import (
    RequestInvalid,
    ResponseTypeUnsupported,
    ScopeInvalid,
)

# Conformance tests send state of more than 1,000 characters; a redirect stays below 8 kB with it.
STATE_LENGTH_MAX = 4096
NONCE_LENGTH_MAX = 512
# With the response type code the mode jwt is query.jwt (JARM section 2.3.4).
_MODES: Mapping[str, ResponseMode] = {"query": "query", "jwt": "jwt", "query.jwt": "jwt"}
_VSCHAR = re.compile(r"[\x20-\x7e]+")
# A SHA-256 in base64url without padding.
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}")
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_shape(form: Mapping[str, str], client: Client) -> None:
    """Nothing in the request contradicts the one profile; or the refusal that names what does."""
    if "request_uri" in form:
        raise RequestInvalid("request_uri is the answer of this endpoint, not a parameter")
    if "response_type" not in form:
        raise RequestInvalid("response_type is missing")
    if form["response_type"] != "code":
        raise ResponseTypeUnsupported
    if form.get("redirect_uri") not in client.redirect_uris:
        raise RequestInvalid("redirect_uri is missing or not one that is registered")
    if form.get("code_challenge_method") != "S256":
        raise RequestInvalid("code_challenge_method is S256")
    if not _DIGEST.fullmatch(form.get("code_challenge", "")):
        raise RequestInvalid("code_challenge is a SHA-256 in base64url (43 characters)")
    # Grant management draft: a grant is made anew and ended; nothing is merged into a standing one.
    if form.get("grant_management_action", "create") != "create" or "grant_id" in form:
        raise RequestInvalid("grant_management_action is create, without a grant_id")
    if "none" in form.get("prompt", "").split():
        raise RequestInvalid("prompt=none is not served: the customer decides on our page")
    for name, longest in (("state", STATE_LENGTH_MAX), ("nonce", NONCE_LENGTH_MAX)):
        value = form.get(name, "-")
        if not _VSCHAR.fullmatch(value) or len(value) > longest:
            raise RequestInvalid(f"{name} has 1 to {longest} printable ASCII characters")


def asked_mode(form: Mapping[str, str], client: Client) -> ResponseMode:
    """How the answer travels; or RequestInvalid."""
    mode = _MODES.get(form.get("response_mode", "query"))
    if mode is None:
        raise RequestInvalid(f"response_mode is one of {', '.join(_MODES)}")
    if mode != "jwt" and client.authorization_signed_response_alg is not None:
        raise RequestInvalid("this client takes signed answers: response_mode is jwt")
    return mode


def asked_scopes(text: str, allowed: frozenset[str]) -> tuple[str, ...]:
    """The scopes of a parameter, each in ``allowed``; or ScopeInvalid."""
    scopes = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if not allowed.issuperset(scopes):
        raise ScopeInvalid(f"the scopes open here are: {' '.join(sorted(allowed))}")
    return scopes


def asked_rights(
    form: Mapping[str, str], client: Client
) -> tuple[tuple[str, ...], tuple[Detail, ...]]:
    """What the request asks for: (scopes, authorization details), not both empty."""
    scopes = asked_scopes(form.get("scope", ""), client.scopes - CLIENT_ONLY)
    text = form.get("authorization_details")
    details = asked_details(text, allowed=client.detail_types) if text is not None else ()
    if not scopes and not details:
        raise RequestInvalid("ask for a scope or for authorization_details")
    return scopes, details


def bound_key(form: Mapping[str, str], client: Client, proof_jkt: str | None) -> str | None:
    """The DPoP key that the code will need (RFC 9449 section 10), if the request names one."""
    jkt = form.get("dpop_jkt")
    if jkt is not None and client.sender_constraint != "dpop":
        raise RequestInvalid("this client's tokens are bound to its certificate, not to a key")
    if jkt is None:
        return proof_jkt
    if not _DIGEST.fullmatch(jkt):
        raise RequestInvalid("dpop_jkt is a SHA-256 thumbprint in base64url (43 characters)")
    if proof_jkt is not None and proof_jkt != jkt:
        raise RequestInvalid("dpop_jkt is not the key of the DPoP proof")
    return jkt


def proves(verifier: str, challenge: str) -> bool:
    """Whether a code_verifier belongs to the challenge (RFC 7636 section 4.6)."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    made = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(made, challenge.encode())


def answer_address(redirect_uri: str, answer: Mapping[str, str | None]) -> str:
    """The redirect URI with the answer's parameters that have a value."""
    query = "&".join(
        f"{name}={quote(value, safe='')}" for name, value in answer.items() if value is not None
    )
    return f"{redirect_uri}{'&' if '?' in redirect_uri else '?'}{query}"
