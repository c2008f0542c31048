"""Messages made wrong in one place: what each is, how it is sent, how the answer is read.

They are tried on the bank's authorization server and, as an anchor, on somebody else's. Source:
FAPI 2.0 Security Profile section 5.3.2, RFC 7523, 9126, 9449, 6749.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from tests.clients.handmade import HandMade

NOW = time.time
SELF = "http://127.0.0.1:8765/callback"


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Status and error of an OAuth endpoint's refusal (RFC 6749 section 5.2)."""
    assert answer.headers["content-type"].startswith("application/json")
    assert "no-store" in answer.headers["cache-control"]
    return answer.status_code, answer.json()["error"]


# Claims and header of an assertion, made wrong in one place; what a client may hold are its id,
# the issuer, and the text of its public key.
ASSERTIONS: Mapping[str, Callable[[HandMade], dict[str, Any]]] = {
    "aud as an array": lambda c: {"aud": [c.web]},
    "aud of the token endpoint": lambda c: {"aud": f"{c.web}/oauth/token"},
    "aud of the endpoint called": lambda c: {"aud": f"{c.web}/oauth/par"},
    "aud with a final slash": lambda c: {"aud": f"{c.web}/"},
    "aud of another server": lambda c: {"aud": "https://other-bank.example"},
    "no aud": lambda c: {"aud": None},
    "no exp": lambda c: {"exp": None},
    "exp an hour ahead": lambda c: {"exp": int(NOW()) + 3600},
    "exp just passed": lambda c: {"exp": int(NOW()) - 1},
    "exp as text": lambda c: {"exp": "tomorrow"},
    "iat far ahead": lambda c: {"iat": int(NOW()) + 90},
    "nbf far ahead": lambda c: {"nbf": int(NOW()) + 90},
    "no jti": lambda c: {"jti": None},
    "jti too long": lambda c: {"jti": "j" * 129},
    "iss of another client": lambda c: {"iss": "app_other"},
    "sub of another client": lambda c: {"sub": "app_other"},
    "nobody's client": lambda c: {"iss": "app_other", "sub": "app_other"},
    "alg none": lambda c: {"header": {"alg": "none"}},
    "HS256 keyed with the public key": lambda c: {
        "header": {"alg": "HS256"},
        "secret": json.dumps({k: v for k, v in c.jwk.items() if k != "d"}),
    },
    "an unknown kid": lambda c: {"header": {"kid": "other"}},
    "a key of its own in the header": lambda c: {
        "header": {"kid": "other", "jwk": {k: v for k, v in c.jwk.items() if k != "d"}}
    },
}

PROOFS: Mapping[str, Callable[[HandMade], dict[str, Any]]] = {
    "typ of another JWT": lambda c: {"header": {"typ": "JWT"}},
    "another method": lambda c: {"htm": "GET"},
    "another path": lambda c: {"htu": f"{c.web}/oauth/par"},
    "another host": lambda c: {"htu": "https://other-bank.example/oauth/token"},
    "no htu": lambda c: {"htu": None},
    "old": lambda c: {"iat": int(NOW()) - 120},
    "far ahead": lambda c: {"iat": int(NOW()) + 90},
    "no iat": lambda c: {"iat": None},
    "no jti": lambda c: {"jti": None},
    "jti too long": lambda c: {"jti": "j" * 129},
    "the private key in the header": lambda c: {"header": {"jwk": c.proof_jwk}},
    "another key in the header": lambda c: {
        "header": {"jwk": {k: v for k, v in c.jwk.items() if k in {"kty", "crv", "x", "y"}}}
    },
    "alg none": lambda c: {"header": {"alg": "none"}},
    "HS256": lambda c: {"header": {"alg": "HS256"}, "secret": json.dumps(c.proof_public)},
    "more than 8 kB": lambda c: {"filler": "f" * 8192},
}

REQUESTS: Mapping[str, tuple[dict[str, str | None], str]] = {
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "the plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no challenge method": ({"code_challenge_method": None}, "invalid_request"),
    "the implicit flow": ({"response_type": "token"}, "unsupported_response_type"),
    "the hybrid flow": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "no redirect_uri": ({"redirect_uri": None}, "invalid_request"),
    "a longer path": ({"redirect_uri": f"{SELF}/more"}, "invalid_request"),
    "a final slash": ({"redirect_uri": f"{SELF}/"}, "invalid_request"),
    "a query": ({"redirect_uri": f"{SELF}?next=x"}, "invalid_request"),
    "a fragment": ({"redirect_uri": f"{SELF}#x"}, "invalid_request"),
    "a user": ({"redirect_uri": "http://me@127.0.0.1:8765/callback"}, "invalid_request"),
    "another host": ({"redirect_uri": "https://evil.example/callback"}, "invalid_request"),
    "a path in capitals": ({"redirect_uri": "http://127.0.0.1:8765/CALLBACK"}, "invalid_request"),
    "an unknown scope": ({"scope": "openid everything"}, "invalid_scope"),
    "a request_uri": ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    "a client_secret": ({"client_secret": "s3cret"}, "invalid_client"),
    "another client_id": ({"client_id": "app_other"}, "invalid_request"),
}


def by_assertion(client: HandMade, case: str) -> httpx.Response:
    """Push an honest request with a wrong assertion."""
    wrong = ASSERTIONS[case](client)
    asked = client.request()[0] | {"client_id": wrong.get("sub", client.id)}
    form = client.form(**asked, client_assertion=client.assertion(**wrong))
    return client.post("/oauth/par", form)


def by_proof(client: HandMade, case: str) -> httpx.Response:
    """Ask for a token with a wrong proof."""
    proof = client.proof("POST", f"{client.web}/oauth/token", **PROOFS[case](client))
    form = client.form(grant_type="client_credentials", scope="accounts")
    return client.post("/oauth/token", form, proof=proof)


def by_request(client: HandMade, case: str) -> httpx.Response:
    """Push a wrong request."""
    told = {**client.request()[0], **REQUESTS[case][0]}
    form = {name: value for name, value in told.items() if value is not None}
    return client.post("/oauth/par", client.form(**form))
