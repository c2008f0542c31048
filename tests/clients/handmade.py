"""A client that sends what no honest library would: every message by hand, signed by npm jose.

Honest by default; a test changes one thing. Every call may use a connection of its own, so that
calls at the same time reach several processes.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Barrier
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from joserfc.jwk import ECKey
from tests.clients.oauth import Library

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ANSWER_SECONDS = 60
T = TypeVar("T")


@dataclass
class HandMade:
    """One registered client, its private key, and a DPoP key of its own."""

    library: Library
    web: str
    facts: Mapping[str, Any]
    nonce: str = ""
    issued: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.jwk: dict[str, Any] = json.loads(Path(self.facts["private_jwk_file"]).read_text())
        self.proof_jwk = dict(ECKey.generate_key("P-256").as_dict(private=True))

    @property
    def id(self) -> str:
        return str(self.facts["client_id"])

    def assertion(
        self, *, header: Mapping[str, Any] | None = None, secret: str = "", **changes: Any
    ) -> str:
        """Proof of the client; ``changes`` are claims, None takes one away."""
        now = int(time.time())
        claims = {"iss": self.id, "sub": self.id, "aud": self.web, "iat": now, "exp": now + 60}
        claims |= {"jti": secrets.token_urlsafe(16)} | changes
        told = {"alg": self.facts["alg"], "kid": self.jwk["kid"], **(header or {})}
        return self._kept(self._signed(told, claims, self.jwk, secret))

    def proof(
        self,
        method: str,
        url: str,
        *,
        token: str = "",
        header: Mapping[str, Any] | None = None,
        secret: str = "",
        **changes: Any,
    ) -> str:
        """Proof of the DPoP key for one call; ``changes`` are claims, None takes one away."""
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": int(time.time())}
        claims |= {"jti": secrets.token_urlsafe(16), "nonce": self.nonce or None}
        if token:
            digest = hashlib.sha256(token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        told = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self.proof_public, **(header or {})}
        return self._kept(self._signed(told, claims | changes, self.proof_jwk, secret))

    @property
    def proof_public(self) -> dict[str, Any]:
        """The public half of the DPoP key."""
        return {name: self.proof_jwk[name] for name in ("kty", "crv", "x", "y")}

    def _signed(
        self, header: Mapping[str, Any], claims: Mapping[str, Any], jwk: Any, secret: str
    ) -> str:
        told = {name: value for name, value in claims.items() if value is not None}
        key = {"secret": secret} if secret else {"jwk": jwk}
        return self.library.signed(header, told, **key)

    def form(self, **fields: str) -> dict[str, str]:
        """Form fields with a fresh assertion."""
        return {
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(),
            **fields,
        }

    def post(
        self, path: str, form: Mapping[str, str], *, proof: str | None = None
    ) -> httpx.Response:
        """Post a form; a fresh proof unless one is given ("" for none)."""
        with httpx.Client(timeout=ANSWER_SECONDS) as connection:
            return self.sent(connection, path, form, proof=proof)

    def sent(
        self,
        connection: httpx.Client,
        path: str,
        form: Mapping[str, str],
        *,
        proof: str | None = None,
    ) -> httpx.Response:
        """The same on a connection that stands already."""
        url = self.web + path
        made = self.proof("POST", url) if proof is None else proof
        headers = {"dpop": made} if made else {}
        answer = connection.post(url, data=dict(form), headers=headers)
        self.nonce = answer.headers.get("dpop-nonce", self.nonce)
        return answer

    def ask_nonce(self) -> None:
        """Learn the server's nonce of this minute."""
        answer = self.post("/oauth/token", self.form(grant_type="client_credentials"))
        assert self.nonce, answer.text

    def request(self, *details: Mapping[str, Any], **params: str) -> tuple[dict[str, str], str]:
        """An honest authorization request and the verifier of its challenge."""
        verifier = secrets.token_urlsafe(48)
        digest = hashlib.sha256(verifier.encode()).digest()
        asked = {
            "client_id": self.id,
            "response_type": "code",
            "redirect_uri": self.facts["redirect_uris"][0],
            "scope": "openid offline_access accounts",
            "state": secrets.token_urlsafe(16),
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        if details:
            asked["authorization_details"] = json.dumps(details, ensure_ascii=False)
        return asked | params, verifier

    def link(self, *details: Mapping[str, Any], **params: str) -> tuple[str, str]:
        """Push an honest request: the address for the customer and the verifier."""
        if not self.nonce:
            self.ask_nonce()
        asked, verifier = self.request(*details, **params)
        answer = self.post("/oauth/par", self.form(**asked))
        assert answer.status_code == 201, answer.text
        uri = self._kept(answer.json()["request_uri"])
        return (
            f"{self.web}/oauth/authorize?{urlencode({'client_id': self.id, 'request_uri': uri})}",
            (self._kept(verifier)),
        )

    def code_form(self, back: str, verifier: str) -> dict[str, str]:
        """The token request for the address the customer came back with, without an assertion."""
        return {
            "grant_type": "authorization_code",
            "code": self._kept(code_of(back)),
            "redirect_uri": self.facts["redirect_uris"][0],
            "code_verifier": verifier,
        }

    def tokens(self, back: str, verifier: str) -> dict[str, Any]:
        """Redeem a code."""
        answer = self.post("/oauth/token", self.form(**self.code_form(back, verifier)))
        assert answer.status_code == 200, answer.text
        got: dict[str, Any] = answer.json()
        self.issued += [got[name] for name in got if name.endswith("_token")]
        return got

    def introspected(self, token: str) -> dict[str, Any]:
        """What the server says of a token."""
        answer = self.post("/oauth/introspect", self.form(token=token), proof="")
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def userinfo(self, token: str) -> httpx.Response:
        """Call the one resource of the web process."""
        url = f"{self.web}/oauth/userinfo"
        return httpx.get(url, headers=self.bearing(token, "GET", url), timeout=ANSWER_SECONDS)

    def bearing(
        self, token: str, method: str, url: str, *, proof: str = "", **headers: str
    ) -> dict[str, str]:
        """The headers of a call with a token; a fresh proof unless one is given."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        made = proof or self.proof(method, url, token=token)
        return {"authorization": f"DPoP {token}", "dpop": made, **given}

    def _kept(self, secret: str) -> str:
        """Remember what must stand in no log."""
        self.issued.append(secret)
        return secret


def code_of(back: str) -> str:
    """The code in an address a customer came back with."""
    return parse_qs(urlsplit(back).query)["code"][0]


def at_once(
    web: str, calls: list[Callable[[httpx.Client], T]], opened: Callable[[set[int]], None]
) -> list[T]:
    """What each call answered, all sent at one moment on connections that stood before.

    ``opened`` is told the connections' local ports while all of them stand.
    """
    ports: set[int] = set()
    barrier = Barrier(len(calls), lambda: opened(ports))

    def run(call: Callable[[httpx.Client], T]) -> T:
        with httpx.Client(timeout=ANSWER_SECONDS) as connection:
            stream = connection.get(f"{web}/healthz").extensions["network_stream"]
            ports.add(stream.get_extra_info("client_addr")[1])
            barrier.wait(ANSWER_SECONDS)
            return call(connection)

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
