"""Hand-made OAuth clients against the application: honest by default, wrong where a test says so.

The JOSE here is our own few lines on `cryptography`, so that the tests share no parser or signer
with the server. Two applications with pools of their own stand for two web processes.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from httpx import ASGITransport, AsyncClient, Response
from litestar import Litestar
from litestar import Response as Page
from tests.partners.builders import a_partner

from bankside.identity import (
    Approval,
    Grant,
    Interaction,
    NewClient,
    approve,
    create_client,
    deny,
    interaction,
)
from bankside.identity.credentials import Credential, set_password
from bankside.identity.http import AuthorizationServer, routes
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.secrets import Vault

ISSUER = "https://bank.example"
VAULT = Vault(bytes(range(32)))
SUBJECT = "cus_00000000000000000000000001"
CALLBACK = "https://app.example/callback"
CIBA = "urn:openid:params:grant-type:ciba"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
PAYMENT = {
    "type": "payment_initiation",
    "instructedAmount": {"currency": "CNY", "amount": "123.50"},
    "creditorName": "Merchant A",
    "creditorAccount": {"number": "6222000011112222"},
    "remittanceInformationUnstructured": "Order 7",
}
ACCOUNTS = {
    "type": "account_information",
    "actions": ["list_accounts", "read_balances"],
    "purpose": "Budget planning",
}


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@cache
def private_key(alg: str, name: str = "") -> Any:
    """One private key per algorithm and name; RSA keys take long to make."""
    if alg == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    if alg == "ES384":
        return ec.generate_private_key(ec.SECP384R1())
    if alg == "EdDSA":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(alg: str, name: str = "") -> dict[str, Any]:
    """The public half as a JWK."""
    key = private_key(alg, name).public_key()
    if alg == "EdDSA":
        return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_bytes_raw())}
    numbers = key.public_numbers()
    if alg.startswith("ES"):
        size = key.key_size // 8
        return {
            "kty": "EC",
            "crv": f"P-{key.key_size}",
            "x": b64(numbers.x.to_bytes(size, "big")),
            "y": b64(numbers.y.to_bytes(size, "big")),
        }
    return {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}


def private_jwk(alg: str, name: str = "") -> dict[str, Any]:
    """The private half too (EC only): what must never be sent."""
    number = private_key(alg, name).private_numbers().private_value
    return {**public_jwk(alg, name), "d": b64(number.to_bytes(32, "big"))}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638."""
    members = {k: v for k, v in sorted(jwk.items()) if k in {"kty", "crv", "x", "y", "n", "e"}}
    return b64(hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).digest())


def jws(
    header: Mapping[str, Any], claims: Any, alg: str, name: str = "", *, secret: bytes = b""
) -> str:
    """A compact JWS signed as ``alg`` says, whatever the header claims; bytes go as they are."""
    parts = [
        each if isinstance(each, bytes) else json.dumps(each, separators=(",", ":")).encode()
        for each in (header, claims)
    ]
    signed = ".".join(map(b64, parts)).encode()
    if alg == "none":
        made = b""
    elif alg == "HS256":
        made = hmac.digest(secret, signed, "sha256")
    elif alg == "ES256":
        r, s = decode_dss_signature(private_key(alg, name).sign(signed, ec.ECDSA(hashes.SHA256())))
        made = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    elif alg == "EdDSA":
        made = private_key(alg, name).sign(signed)
    elif alg == "PS256":
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), 32)
        made = private_key(alg, name).sign(signed, pss, hashes.SHA256())
    else:
        made = private_key("PS256", name).sign(signed, padding.PKCS1v15(), hashes.SHA256())
    return f"{signed.decode()}.{b64(made)}"


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    value: dict[str, Any] = json.loads(unb64(token.split(".")[1]))
    return value


@dataclass
class Pushed:
    """What an honest client keeps between PAR and token endpoint."""

    request_uri: str
    verifier: str
    state: str


@dataclass
class FAPIClient:
    """One registered client with its keys, talking to the applications."""

    world: "World"
    client_id: str
    partner: str
    alg: str = "ES256"
    key: str = "client"
    proof_alg: str = "ES256"
    proof_key: str = "proof"
    nonce: str = ""
    redirect_uri: str = CALLBACK
    browser: AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.browser = self.world.web

    @property
    def jkt(self) -> str:
        return thumbprint(public_jwk(self.proof_alg, self.proof_key))

    def assertion(self, *, header: Mapping[str, Any] | None = None, **change: Any) -> str:
        """A client assertion; a claim changed to None is left out."""
        now = self.world.seconds
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": ISSUER,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + 60,
        } | change
        claims = {name: value for name, value in claims.items() if value is not None}
        head = {"alg": self.alg, "kid": f"{self.key}-{self.alg}"} | dict(header or {})
        return jws(head, claims, self.alg, self.key)

    def proof(
        self,
        path: str,
        *,
        method: str = "POST",
        token: str | None = None,
        header: Mapping[str, Any] | None = None,
        **change: Any,
    ) -> str:
        """A DPoP proof with the server's nonce; a claim changed to None is left out."""
        claims: dict[str, Any] = {
            "htm": method,
            "htu": ISSUER + path,
            "iat": self.world.seconds,
            "jti": secrets.token_urlsafe(16),
            "nonce": self.nonce or self.world.server.nonce(),
        }
        if token is not None:
            claims["ath"] = b64(hashlib.sha256(token.encode()).digest())
        claims = {k: v for k, v in (claims | change).items() if v is not None}
        jwk = public_jwk(self.proof_alg, self.proof_key)
        head = {"typ": "dpop+jwt", "alg": self.proof_alg, "jwk": jwk} | dict(header or {})
        return jws(head, claims, self.proof_alg, self.proof_key)

    def signed_in(self, **form: Any) -> dict[str, Any]:
        """A form with this client's credentials; a parameter of None is left out."""
        whole = {
            "client_id": self.client_id,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion() if "client_assertion" not in form else None,
        } | form
        return {name: value for name, value in whole.items() if value is not None}

    async def post(
        self, path: str, form: Mapping[str, Any], *, proof: Any = True, web: int = 0
    ) -> Response:
        """POST to an endpoint: with a good proof (True), without (None), or with a given one."""
        headers = []
        if proof is True:
            headers = [("dpop", self.proof(path))]
        elif isinstance(proof, str):
            headers = [("dpop", proof)]
        elif isinstance(proof, list):
            headers = [("dpop", each) for each in proof]
        return await self.world.webs[web].post(path, data=dict(form), headers=headers)

    def request_form(self, verifier: str, **change: Any) -> dict[str, Any]:
        """The parameters of an honest pushed request."""
        return self.signed_in(
            **{
                "response_type": "code",
                "redirect_uri": self.redirect_uri,
                "scope": "openid accounts",
                "state": "af0ifjsldkj",
                "nonce": "n-0S6_WzA2Mj",
                "code_challenge": b64(hashlib.sha256(verifier.encode()).digest()),
                "code_challenge_method": "S256",
            }
            | change
        )

    def request_object(
        self, verifier: str, *, header: Mapping[str, Any] | None = None, **change: Any
    ) -> str:
        """A signed authorization request (RFC 9101); a claim changed to None is left out."""
        now = self.world.seconds
        asked = self.request_form(verifier, client_assertion=None, client_assertion_type=None)
        claims = {
            **asked,
            "iss": self.client_id,
            "aud": ISSUER,
            "nbf": now,
            "exp": now + 300,
        } | change
        claims = {name: value for name, value in claims.items() if value is not None}
        kid = f"{self.key}-{self.alg}"
        head = {"typ": "oauth-authz-req+jwt", "alg": self.alg, "kid": kid} | dict(header or {})
        return jws(head, claims, self.alg, self.key)

    async def push_signed(self, request: str, **beside: Any) -> Response:
        """A request object at PAR, alone or with parameters beside it."""
        form = self.signed_in(request=request, **beside)
        return await self.post("/oauth/par", form, proof=None)

    async def push(self, **change: Any) -> Pushed:
        """An honest pushed request, changed where the test says so."""
        verifier = secrets.token_urlsafe(32)
        answer = await self.post("/oauth/par", self.request_form(verifier, **change), proof=None)
        assert answer.status_code == 201, answer.text
        return Pushed(answer.json()["request_uri"], verifier, change.get("state", "af0ifjsldkj"))

    async def open(self, pushed: Pushed) -> Response:
        """The browser follows the authorization link."""
        return await self.browser.get(
            "/oauth/authorize",
            params={"client_id": self.client_id, "request_uri": pushed.request_uri},
        )

    async def interaction(self, pushed: Pushed) -> Interaction:
        """The interaction behind the link, as the page sees it."""
        answer = await self.open(pushed)
        assert answer.status_code == 303, answer.text
        return await self.shown(answer.headers["location"])

    async def shown(self, location: str) -> Interaction:
        """The interaction of an address, for this browser."""
        secret = self.browser.cookies["__Host-bankside-browser"]
        async with transaction(self.world.pool) as db:
            return await interaction(
                db, self.world.clock, location.rpartition("/")[2], browser=secret
            )

    async def say_yes(self, found: Interaction, **change: Any) -> tuple[Grant, str]:
        """The customer approves all that is asked."""
        clock = self.world.clock
        approval = Approval(
            **{
                "subject": SUBJECT,
                "scopes": frozenset(found.scopes),
                "authorization_details": found.authorization_details,
                "auth_time": clock.now(),
                "amr": ("pwd", "otp"),
                "until": clock.now() + timedelta(days=90),
            }
            | change
        )
        async with transaction(self.world.pool) as db:
            return await approve(db, clock, self.world.server.minter, found, approval)

    async def say_no(self, found: Interaction) -> str:
        async with transaction(self.world.pool) as db:
            return await deny(db, self.world.clock, self.world.server.minter, found)

    async def code(self, **change: Any) -> tuple[str, Pushed]:
        """A fresh code and what belongs to it."""
        pushed = await self.push(**change)
        _, address = await self.say_yes(await self.interaction(pushed))
        return answer_of(address)["code"], pushed

    def code_form(self, code: str, pushed: Pushed, /, **change: Any) -> dict[str, Any]:
        """The parameters of an honest code exchange."""
        return self.signed_in(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": self.redirect_uri,
                "code_verifier": pushed.verifier,
            }
            | change
        )

    async def exchange(self, code: str, pushed: Pushed, /, **change: Any) -> Response:
        return await self.post("/oauth/token", self.code_form(code, pushed, **change))

    async def tokens(self, **change: Any) -> dict[str, Any]:
        """The answer of a whole honest flow."""
        answer = await self.exchange(*await self.code(**change))
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    async def refresh(self, refresh_token: str, *, web: int = 0, **change: Any) -> Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token} | change
        return await self.post("/oauth/token", self.signed_in(**form), web=web)

    async def ask(self, *, proof: Any = None, **form: Any) -> Response:
        """A backchannel request for the customer ``alice``, changed where the test says so."""
        asked = {
            "scope": "openid accounts",
            "login_hint": "alice",
            "binding_message": "Till 4: 7731",
        } | form
        return await self.post(
            "/oauth/backchannel-authentication", self.signed_in(**asked), proof=proof
        )

    async def poll(self, auth_req_id: str, *, web: int = 0, **form: Any) -> Response:
        """A poll for the tokens of a backchannel request."""
        asked = {"grant_type": CIBA, "auth_req_id": auth_req_id} | form
        return await self.post("/oauth/token", self.signed_in(**asked), web=web)

    async def introspect(self, token: str) -> dict[str, Any]:
        answer = await self.post("/oauth/introspect", self.signed_in(token=token), proof=None)
        assert answer.status_code == 200, answer.text
        value: dict[str, Any] = answer.json()
        return value

    async def revoke(self, token: str) -> Response:
        return await self.post("/oauth/revoke", self.signed_in(token=token), proof=None)

    async def userinfo(
        self, token: str, *, scheme: str = "DPoP", proof: str | None = None, web: int = 0
    ) -> Response:
        made = proof or self.proof("/oauth/userinfo", method="GET", token=token, nonce=None)
        return await self.world.webs[web].get(
            "/oauth/userinfo", headers={"authorization": f"{scheme} {token}", "dpop": made}
        )


@dataclass
class World:
    """Two applications on one database, and the clients registered there."""

    server: AuthorizationServer
    pool: Pool
    clock: FixedClock
    webs: list[AsyncClient]

    @property
    def web(self) -> AsyncClient:
        return self.webs[0]

    @property
    def seconds(self) -> int:
        return int(self.clock.now().timestamp())

    async def client(self, *, key: str = "client", **change: Any) -> FAPIClient:
        """A newly registered client of a new partner; its key set holds all three algorithms."""
        keys = [
            {**public_jwk(alg, key), "kid": f"{key}-{alg}", "alg": alg}
            for alg in ("ES256", "PS256", "EdDSA")
        ]
        new = NewClient(
            **{
                "name": "Budget app",
                "jwks": {"keys": keys},
                "redirect_uris": [CALLBACK, "https://app.example/other?tenant=7"],
                "scopes": ["openid", "offline_access", "accounts", "payments"],
            }
            | change
        )
        async with transaction(self.pool) as db:
            partner = await a_partner(db, self.clock)
            made = await create_client(db, self.clock, partner.id, new)
        return FAPIClient(self, made.id, partner.id, key=key)

    async def customer(
        self, client: FAPIClient, login: str = "alice", person: str = SUBJECT
    ) -> str:
        """A customer of the client's data space who can log in; its id."""
        given = Credential(client.partner, person, login)
        async with transaction(self.pool) as db:
            await set_password(db, self.clock, given, password="correct horse battery")
        return person


def application(server: AuthorizationServer) -> AsyncClient:
    """One web process: the routes alone, on a pool of its own."""

    def refused(request: Any, error: Any) -> Page[str]:
        return Page(error.code, status_code=error.status, media_type="text/html")

    handlers = routes(server, refused_page=refused)
    transport = ASGITransport(app=Litestar(handlers, openapi_config=None))  # type: ignore[arg-type]
    return AsyncClient(transport=transport, base_url=ISSUER)


def answer_of(address: str) -> dict[str, str]:
    """The parameters of a redirect."""
    return dict(parse_qsl(urlsplit(address).query))


def refused_as(answer: Response) -> tuple[int, str]:
    """Status and error of an OAuth refusal, which nobody stores."""
    assert answer.headers["cache-control"] == "no-store", answer.headers
    body = answer.json()
    assert set(body) == {"error", "error_description"}, body
    return answer.status_code, body["error"]
