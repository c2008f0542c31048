"""Public OAuth clients behind one face: the same journeys run on each of them, unmodified.

npm openid-client and oauth4webapi live in one node process, Authlib in a Python of its own; both
are asked by JSON lines (``tests/sdks/harness.py``) and installed once, pinned, below ``var/sdks``.
What a client itself refuses is raised as SdkFailed with the words it used.
"""

import json
import secrets
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey
from tests.platform import Platform
from tests.sdks.harness import Driver, node_folder, python_with

HERE = Path(__file__).resolve().parent
KINDS = ("openid-client", "oauth4webapi", "authlib")
NODE_MIN = 20
# Key kinds of DPoP proofs; the client's assertion is ES256, as registered.
DPOP_ALG = "ES256"
ACCOUNTS = {
    "type": "account_information",
    "actions": ["list_accounts", "read_balances", "read_transactions"],
    "purpose": "每月账本 monthly budget",
}


def payment(amount: str, **more: str) -> dict[str, Any]:
    """Authorization details of one payment."""
    return {
        "type": "payment_initiation",
        "instructedAmount": {"currency": "CNY", "amount": amount},
        "creditorName": "海棠书店",
        "creditorAccount": {"number": "6222000011112222"},
        "remittanceInformationUnstructured": "订单 7 & Co.",
        **more,
    }


def registered(
    platform: Platform, folder: Path, redirect_uri: str, *scopes: str, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Another client of the demo's first partner, registered as an operator does; its facts."""
    key = ECKey.generate_key("P-256", {"kid": secrets.token_hex(8)})
    private, jwks = folder / "private.jwk", folder / "jwks.json"
    private.write_text(json.dumps(key.as_dict(private=True)))
    public = {**key.as_dict(private=False), "alg": "ES256"}
    jwks.write_text(json.dumps({"keys": [public]}))
    partner = platform.demo["oauth_clients"][0]["partner"]
    name = "窗边 Window"
    told = ["--partner", partner, "--name", name, "--jwks", str(jwks)]
    told += ["--redirect-uri", redirect_uri, *options]
    for scope in scopes:
        told += ["--scope", scope]
    done = platform.bankside("app", "create", *told)
    assert done.returncode == 0, done.stderr.decode()
    record: dict[str, Any] = json.loads(done.stdout)
    kept = {"name": name, "private_jwk_file": str(private), "alg": "ES256"}
    return record | kept


@dataclass
class Client:
    """One registered client, spoken for by one public library."""

    driver: Driver
    name: str
    facts: Mapping[str, Any]

    def begin(self, *details: Mapping[str, Any], scope: str = "", **params: str) -> str:
        """Push a request for these authorization details; where to send the customer."""
        asked = {
            "redirect_uri": self.facts["redirect_uris"][0],
            "scope": scope or "openid offline_access accounts",
            **params,
        }
        if details:
            asked["authorization_details"] = json.dumps(details, ensure_ascii=False)
        return str(self._ask("begin", params=asked))

    def ask_elsewhere(self, login: str, message: str, **params: str) -> dict[str, Any]:
        """Ask a customer who is not at this browser (OpenID CIBA); how long it may take."""
        asked = {"login_hint": login, "binding_message": message, **params}
        return dict(self._ask("ask_elsewhere", params=asked))

    def answered_elsewhere(self) -> dict[str, Any]:
        """Tokens, once the customer has said yes; polls as often as it was told to."""
        return dict(self._ask("answered_elsewhere"))

    def finish(self, address: str) -> dict[str, Any]:
        """Tokens for the code in the address the customer came back with."""
        return dict(self._ask("finish", url=address))

    def refresh(self, token: str) -> dict[str, Any]:
        return dict(self._ask("refresh", token=token))

    def own(self, scope: str) -> dict[str, Any]:
        """A token of the client itself."""
        return dict(self._ask("own", params={"scope": scope}))

    def userinfo(self, token: str, subject: str) -> dict[str, Any]:
        return dict(self._ask("userinfo", token=token, subject=subject))

    def introspect(self, token: str) -> dict[str, Any]:
        return dict(self._ask("introspect", token=token))

    def revoke(self, token: str) -> None:
        self._ask("revoke", token=token)

    def resource(
        self, token: str, url: str, method: str = "GET", *, body: Any = None, **headers: str
    ) -> tuple[int, Any]:
        """A call with the token: status and JSON body."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        text = None
        if body is not None:
            text, given["content-type"] = json.dumps(body), "application/json"
        heard = self._ask("resource", token=token, url=url, method=method, body=text, headers=given)
        return heard["status"], json.loads(heard["body"] or "null")

    def calls(self) -> list[tuple[str, str, int]]:
        """Method, path and status of every call since the last time this was asked."""
        return [(method, path, status) for method, path, status in self._ask("calls")]

    def _ask(self, what: str, **command: Any) -> Any:
        return self.driver.ask(what, client=self.name, **command)


@dataclass
class Library:
    """The processes that public clients run in; made when first wanted, ended together."""

    issuer: str
    _open: ExitStack = field(default_factory=ExitStack)
    _drivers: dict[str, Driver] = field(default_factory=dict)
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def client(self, kind: str, facts: Mapping[str, Any], **settings: Any) -> Client:
        """A client of ``demo.json`` (`oauth_clients[]`) with a DPoP key of its own."""
        driver = self._driver("authlib" if kind == "authlib" else "node")
        made = Client(driver, f"{kind}-{next(self._numbers)}", facts)
        jwk = json.loads(Path(facts["private_jwk_file"]).read_text())
        driver.ask(
            "configure",
            client=made.name,
            kind=kind,
            issuer=self.issuer,
            client_id=facts["client_id"],
            jwk=jwk,
            alg=facts["alg"],
            dpop_alg=DPOP_ALG,
            **settings,
        )
        return made

    def signed(self, header: Mapping[str, Any], claims: Mapping[str, Any], **key: Any) -> str:
        """A JWT by npm jose, exactly as asked for; ``jwk`` or ``secret``."""
        return str(self._driver("node").ask("sign", header=header, claims=claims, **key))

    def close(self) -> None:
        """End all processes."""
        self._open.close()

    def _driver(self, kind: str) -> Driver:
        if kind not in self._drivers:
            made = _node() if kind == "node" else _authlib()
            self._open.callback(made.close)
            self._drivers[kind] = made
        return self._drivers[kind]


def packages(source: Path) -> str:
    """The folder of what ``source`` pins from npm; skips on a node too old for these libraries."""
    folder = str(node_folder(source))
    said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(said.strip().removeprefix("v").partition(".")[0]) < NODE_MIN:
        pytest.skip(f"openid-client wants node {NODE_MIN}, here is {said.strip()}")
    return folder


def _node() -> Driver:
    source = HERE / "node"
    return Driver("node", str(source / "driver.mjs"), SDK_FOLDER=packages(source))


def _authlib() -> Driver:
    python = python_with(HERE / "authlib.lock")
    return Driver(str(python), str(HERE / "driver_authlib.py"))
