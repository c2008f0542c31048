"""Runs the unmodified Authlib client with DPoP of our own: JSON commands in, JSON results out.

Authlib knows no PAR and no DPoP. Both are added here as a partner in Python would: PAR is one post
with the client's own authentication, DPoP one header a request and one repetition for the nonce.
The example in docs/partner/consent.md says the same in words.
"""

import base64
import hashlib
import json
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oauth2.auth import TokenAuth
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

ASSERTION_SECONDS = 60


class ShortLived(PrivateKeyJWT):
    """An assertion the bank takes: Authlib's own lives an hour, the limit is 300 s."""

    alg = "ES256"

    def sign(self, auth: Any, token_endpoint: str) -> str:
        self.claims = {"exp": int(time.time()) + ASSERTION_SECONDS}
        return super().sign(auth, token_endpoint)


class Partner:
    """One client of the bank: its keys, and what it keeps between the steps of a flow."""

    def __init__(self, issuer: str, client_id: str, jwk: dict[str, Any], **_: Any) -> None:
        self.calls: list[tuple[str, str, int]] = []
        self.server = httpx.get(f"{issuer}/.well-known/oauth-authorization-server").json()
        assert self.server["issuer"] == issuer
        self.proof_key = ECKey.generate_key("P-256")
        self.nonces: dict[str, str] = {}
        self.token = ""
        self.client = OAuth2Client(
            client_id=client_id,
            client_secret=ECKey.import_key(jwk),
            token_endpoint_auth_method="private_key_jwt",
            revocation_endpoint_auth_method="private_key_jwt",
            code_challenge_method="S256",
            event_hooks={"request": [self._prove], "response": [self._note]},
        )
        # The audience is the issuer; Authlib's own choice, the token endpoint, is refused.
        way = ShortLived(issuer, headers={"kid": jwk["kid"]})
        self.client.register_client_auth_method(way)

    def begin(self, params: dict[str, str]) -> str:
        """Push the request; where to send the customer."""
        self.verifier, self.state, self.nonce = (
            generate_token(64),
            generate_token(),
            secrets.token_hex(),
        )
        self.redirect_uri = params["redirect_uri"]
        if details := params.get("authorization_details"):
            # Authlib 1.9 signs ASCII bodies only; JSON says every letter by an escape.
            params = {**params, "authorization_details": json.dumps(json.loads(details))}
        pushed = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "state": self.state,
            "nonce": self.nonce,
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
            **params,
        }
        answer = self._repeated(
            lambda: self.client.request(
                "POST",
                self.server["pushed_authorization_request_endpoint"],
                data=pushed,
                auth=self.client.client_auth("private_key_jwt"),
                withhold_token=True,
            )
        )
        assert answer.status_code == 201, answer.text
        asked = {"client_id": self.client.client_id, "request_uri": answer.json()["request_uri"]}
        return f"{self.server['authorization_endpoint']}?{urlencode(asked)}"

    def finish(self, url: str) -> dict[str, Any]:
        """Redeem the code of the address the customer came back with."""
        # Authlib 1.9 knows no RFC 9207; without this check a mix-up would send our code away.
        told = parse_qs(urlsplit(url).query)
        if told.get("iss") != [self.server["issuer"]]:
            raise OAuthError("iss_mismatch", "the answer is not of this authorization server")
        # Without a code Authlib would quietly ask for a token of the client itself.
        if "error" in told:
            raise OAuthError(told["error"][0], told.get("error_description", [""])[0])
        token = self._token(
            authorization_response=url,
            state=self.state,
            redirect_uri=self.redirect_uri,
            code_verifier=self.verifier,
        )
        keys = KeySet.import_key_set(httpx.get(self.server["jwks_uri"]).json())
        claims = jwt.decode(token["id_token"], keys, algorithms=["ES256"]).claims
        assert claims["nonce"] == self.nonce
        assert claims["aud"] == self.client.client_id
        return {**token, "claims": claims}

    def own(self, params: dict[str, str]) -> dict[str, Any]:
        """A token of the client itself."""
        return self._token(grant_type="client_credentials", **params)

    def refresh(self, token: str) -> dict[str, Any]:
        """A new access token."""
        return self._repeated_token(
            lambda: self.client.refresh_token(self.server["token_endpoint"], token)
        )

    def introspect(self, token: str) -> dict[str, Any]:
        """What the server says of a token."""
        answer = self.client.introspect_token(self.server["introspection_endpoint"], token)
        return answer.json()

    def revoke(self, token: str) -> None:
        """The token is dead."""
        answer = self.client.revoke_token(self.server["revocation_endpoint"], token)
        assert answer.status_code == 200, answer.text

    def userinfo(self, token: str, subject: str) -> dict[str, Any]:
        """The claims about the customer."""
        answer = self._bearing(token, "GET", self.server["userinfo_endpoint"])
        if answer.status_code != 200:
            raise OAuthError(answer.json()["error"], answer.json()["error_description"])
        assert answer.json()["sub"] == subject
        return answer.json()

    def resource(
        self, token: str, url: str, method: str, body: str | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        """A call with the token."""
        answer = self._bearing(token, method, url, content=body, headers=headers)
        return {"status": answer.status_code, "body": answer.text}

    def _bearing(self, token: str, method: str, url: str, **more: Any) -> httpx.Response:
        self.token = token
        try:
            self.client.token = {"access_token": token, "token_type": "DPoP"}
            return self._repeated(lambda: self.client.request(method, url, **more))
        finally:
            self.token = ""

    def _token(self, **fields: str) -> dict[str, Any]:
        return self._repeated_token(
            lambda: self.client.fetch_token(self.server["token_endpoint"], **fields)
        )

    def _repeated_token(self, ask: Any) -> dict[str, Any]:
        try:
            return ask()
        except OAuthError as error:
            if error.error != "use_dpop_nonce":
                raise
            return ask()

    def _repeated(self, ask: Any) -> httpx.Response:
        answer = ask()
        return (
            ask()
            if answer.status_code in {400, 401} and "use_dpop_nonce" in answer.text
            else answer
        )

    def _prove(self, request: httpx.Request) -> None:
        """RFC 9449 section 4: one fresh proof a request, over method and address."""
        url = str(request.url.copy_with(query=None, fragment=None))
        claims = {
            "htm": request.method,
            "htu": url,
            "iat": int(time.time()),
            "jti": secrets.token_hex(16),
        }
        if nonce := self.nonces.get(request.url.netloc.decode()):
            claims["nonce"] = nonce
        if self.token:
            digest = hashlib.sha256(self.token.encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        public = self.proof_key.as_dict(private=False)
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": public}
        request.headers["dpop"] = jwt.encode(header, claims, self.proof_key)

    def _note(self, answer: httpx.Response) -> None:
        if nonce := answer.headers.get("dpop-nonce"):
            self.nonces[answer.request.url.netloc.decode()] = nonce
        self.calls.append((answer.request.method, answer.request.url.path, answer.status_code))


def bear(token: str, uri: str, headers: Any, body: Any, placement: str = "header") -> Any:
    """How a token of the type DPoP travels."""
    headers["Authorization"] = f"DPoP {token}"
    return uri, headers, body


def carried_out(partners: dict[str, Partner], command: dict[str, Any]) -> Any:
    """One command's result."""
    what, name = command.pop("do"), command.pop("client")
    if what == "configure":
        partners[name] = Partner(**command)
        return None
    if what == "calls":
        calls, partners[name].calls = partners[name].calls, []
        return calls
    return getattr(partners[name], what)(**command)


def main() -> None:
    """Serve until the input ends."""
    TokenAuth.SIGN_METHODS["dpop"] = bear
    partners: dict[str, Partner] = {}
    for line in sys.stdin:
        try:
            result = {"ok": True, "value": carried_out(partners, json.loads(line))}
        except Exception as error:  # noqa: BLE001 - whatever it is, the test is told
            said = {"name": type(error).__name__, "message": str(error)}
            said |= {"error": getattr(error, "error", None)}
            result = {"ok": False, "error": said}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
