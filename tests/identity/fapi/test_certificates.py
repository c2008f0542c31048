"""Tokens bound to a client's TLS certificate. Source: RFC 8705, RFC 9440, ASGI's TLS extension."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from httpx import ASGITransport, AsyncClient, Response, TransportError
from litestar import Litestar
from litestar import Response as Page
from tests.identity.fapi.rig import ISSUER, VAULT, FAPIClient, World, refused_as

from bankside.app.settings import SettingInvalid, Settings
from bankside.app.tls import CertificateProtocol, server_tls
from bankside.identity.certificates import ClientCertificates, presented_thumbprint
from bankside.identity.http import AuthorizationServer, routes
from bankside.kernel.certificates import (
    CertificateMalformed,
    TrustedHops,
    certificate_of_header,
    certificate_thumbprint,
)

HEADER, PROXY = "client-cert", "10.0.0.7"
MTLS_URL = "https://mtls.bank.example"


@cache
def issued(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A self-signed certificate of one name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    return builder.sign(key, hashes.SHA256()), key


def der(name: str) -> bytes:
    return issued(name)[0].public_bytes(serialization.Encoding.DER)


def pem(name: str) -> str:
    return issued(name)[0].public_bytes(serialization.Encoding.PEM).decode()


def rfc9440(name: str) -> str:
    return f":{base64.b64encode(der(name)).decode()}:"


def by_hand(name: str) -> str:
    """RFC 8705 section 3.1, without the code under test."""
    return base64.urlsafe_b64encode(hashlib.sha256(der(name)).digest()).rstrip(b"=").decode()


def layered(server: AuthorizationServer, *, sender: str = PROXY) -> AsyncClient:
    """The routes behind the certificate layer, called from one address."""

    def refused(request: Any, error: Any) -> Page[str]:
        return Page(error.code, status_code=error.status, media_type="text/html")

    app = Litestar(routes(server, refused_page=refused), openapi_config=None)
    guarded = ClientCertificates(app, header=HEADER, trusted=["10.0.0.0/29"])  # type: ignore[arg-type]
    transport = ASGITransport(app=guarded, client=(sender, 4711))  # type: ignore[arg-type]
    return AsyncClient(transport=transport, base_url=ISSUER)


@pytest.fixture
async def mtls(world: World) -> AsyncIterator[FAPIClient]:
    """A client registered for certificates, behind the bank's proxy; a direct line beside it."""
    async with (
        layered(world.server) as proxied,
        layered(world.server, sender="192.0.2.9") as direct,
    ):
        world.webs[:] = [proxied, direct]
        yield await world.client(sender_constraint="mtls")


async def asked(
    client: FAPIClient, form: dict[str, Any], *, header: str | None = None, web: int = 0
) -> Response:
    """A token request with a certificate in the proxy's header."""
    headers = {} if header is None else {HEADER: header}
    data = client.signed_in(**form)
    return await client.world.webs[web].post("/oauth/token", data=data, headers=headers)


async def tokens(client: FAPIClient, name: str = "one", **change: Any) -> dict[str, Any]:
    """The answer of a whole flow with a certificate."""
    code, pushed = await client.code(**change)
    answer = await client.world.web.post(
        "/oauth/token", data=client.code_form(code, pushed), headers={HEADER: rfc9440(name)}
    )
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


async def userinfo(
    client: FAPIClient, token: str, header: str | None, *, scheme: str = "Bearer", web: int = 0
) -> Response:
    headers = {"authorization": f"{scheme} {token}"} | ({HEADER: header} if header else {})
    return await client.world.webs[web].get("/oauth/userinfo", headers=headers)


async def test_a_token_carries_the_certificates_thumbprint(mtls: FAPIClient) -> None:
    body = await tokens(mtls)

    told = await mtls.introspect(body["access_token"])

    assert body["token_type"] == "Bearer"
    assert told["cnf"] == {"x5t#S256": by_hand("one")}
    for header in (rfc9440("one"), quote(pem("one"))):
        assert (await userinfo(mtls, body["access_token"], header)).status_code == 200
        again = await userinfo(mtls, body["access_token"], header, scheme="bearer")
        assert again.status_code == 200


async def test_another_or_no_certificate_is_401(mtls: FAPIClient) -> None:
    token = (await tokens(mtls))["access_token"]

    answers = [
        await userinfo(mtls, token, rfc9440("two")),
        await userinfo(mtls, token, None),
        await userinfo(mtls, token, rfc9440("one")[:-3] + ":"),
        await userinfo(mtls, token, rfc9440("one"), scheme="DPoP"),
        await userinfo(mtls, "at0" + "A" * 43, rfc9440("one")),
    ]

    assert [each.status_code for each in answers] == [401] * 5
    assert all("www-authenticate" in each.headers for each in answers)


async def test_a_certificate_header_from_an_untrusted_hop_is_ignored(mtls: FAPIClient) -> None:
    token = (await tokens(mtls))["access_token"]
    world = mtls.world

    at_resource = await userinfo(mtls, token, rfc9440("one"), web=1)
    at_server = await asked(
        mtls, {"grant_type": "client_credentials"}, header=rfc9440("one"), web=1
    )
    lying = await world.webs[1].get(
        "/oauth/userinfo",
        headers={
            "authorization": f"Bearer {token}",
            HEADER: rfc9440("one"),
            "x-forwarded-for": PROXY,
            "forwarded": f"for={PROXY}",
        },
    )

    assert (at_resource.status_code, lying.status_code) == (401, 401)
    assert refused_as(at_server) == (400, "invalid_request")


async def test_two_certificate_headers_count_as_none(mtls: FAPIClient) -> None:
    token = (await tokens(mtls))["access_token"]

    answer = await mtls.world.web.get(
        "/oauth/userinfo",
        headers=[
            ("authorization", f"Bearer {token}"),
            (HEADER, rfc9440("one")),
            (HEADER, rfc9440("one")),
        ],
    )

    assert answer.status_code == 401


async def test_the_token_endpoint_needs_the_certificate(mtls: FAPIClient) -> None:
    code, pushed = await mtls.code()
    form = mtls.code_form(code, pushed)

    without = await mtls.world.web.post("/oauth/token", data=form)
    with_one = await mtls.world.web.post(
        "/oauth/token",
        data=mtls.code_form(code, pushed),
        headers={HEADER: rfc9440("one")},
    )

    assert refused_as(without) == (400, "invalid_request")
    assert with_one.status_code == 200


async def test_a_client_of_certificates_proves_no_key(mtls: FAPIClient) -> None:
    with_proof = await mtls.post("/oauth/token", mtls.signed_in(grant_type="client_credentials"))
    bound = await mtls.post(
        "/oauth/par", mtls.request_form("v" * 43, dpop_jkt=mtls.jkt), proof=None
    )

    assert refused_as(with_proof) == (400, "invalid_dpop_proof")
    assert refused_as(bound) == (400, "invalid_request")


async def test_a_client_of_keys_is_not_helped_by_a_certificate(world: World) -> None:
    async with layered(world.server) as proxied:
        world.webs[:] = [proxied]
        client = await world.client()
        form = {"grant_type": "client_credentials"}
        without = await asked(client, form, header=rfc9440("one"))
        token = (await client.tokens())["access_token"]
        as_bearer = await userinfo(client, token, rfc9440("one"))

        assert refused_as(without) == (400, "invalid_dpop_proof")
        assert as_bearer.status_code == 401
        assert (await client.userinfo(token)).status_code == 200


async def test_a_refresh_takes_the_certificate_of_its_own_connection(mtls: FAPIClient) -> None:
    refresh = (await tokens(mtls, scope="openid offline_access"))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": refresh}

    body = (await asked(mtls, form, header=rfc9440("two"))).json()

    assert (await mtls.introspect(body["access_token"]))["cnf"] == {"x5t#S256": by_hand("two")}
    assert refused_as(await asked(mtls, form)) == (400, "invalid_request")


@pytest.mark.parametrize(
    "header",
    ["", ":", "::", ":%:", ":AAAA:", "AAAA", "%", "%ff", "中", ":" + "A" * 60_000 + ":"],
)
async def test_a_malformed_certificate_is_none(mtls: FAPIClient, header: str) -> None:
    raw = header.encode("utf-8")
    answer = await mtls.world.web.post(
        "/oauth/token",
        data=mtls.signed_in(grant_type="client_credentials"),
        headers=[(HEADER.encode(), raw)],  # type: ignore[list-item]
    )

    assert refused_as(answer) == (400, "invalid_request")


def test_the_thumbprint_is_over_the_der_whatever_the_form() -> None:
    assert certificate_thumbprint(der("one")) == by_hand("one")
    assert certificate_thumbprint(pem("one").encode()) == by_hand("one")
    assert certificate_thumbprint(certificate_of_header(rfc9440("one"))) == by_hand("one")
    assert certificate_thumbprint(certificate_of_header(quote(pem("one")))) == by_hand("one")
    for wrong in (b"", b"-----BEGIN CERTIFICATE-----", der("one")[:-1], b"x" * 20_000):
        with pytest.raises(CertificateMalformed):
            certificate_thumbprint(wrong)


def test_only_configured_addresses_are_trusted() -> None:
    hops = TrustedHops(["10.0.0.0/29", "::1", "192.0.2.1"])

    assert all(each in hops for each in ("10.0.0.7", "::1", "192.0.2.1", "::ffff:10.0.0.1"))
    assert not any(
        each in hops for each in ("10.0.0.8", "::2", "", "unix:", "10.0.0.7.evil.example")
    )


async def test_the_certificate_endpoints_are_published_when_configured(world: World) -> None:
    plain = (await world.web.get("/.well-known/openid-configuration")).json()
    server = AuthorizationServer(world.pool, world.clock, VAULT, ISSUER, mtls_url=MTLS_URL)
    own = AuthorizationServer(world.pool, world.clock, VAULT, ISSUER, mtls_url=ISSUER)
    async with layered(server) as one, layered(own) as two:
        listed = (await one.get("/.well-known/openid-configuration")).json()
        same = (await two.get("/.well-known/openid-configuration")).json()
        aliases = listed["mtls_endpoint_aliases"]
        for name, url in aliases.items():
            assert url == MTLS_URL + listed[name].removeprefix(ISSUER)
            if name != "grant_management_endpoint":
                assert (await one.post(listed[name])).status_code not in {404, 405, 500}

    assert (
        not {"mtls_endpoint_aliases", "tls_client_certificate_bound_access_tokens"} & plain.keys()
    )
    assert listed["tls_client_certificate_bound_access_tokens"] is True
    assert set(aliases) >= {"token_endpoint", "pushed_authorization_request_endpoint"}
    assert same["tls_client_certificate_bound_access_tokens"] is True
    assert "mtls_endpoint_aliases" not in same


@pytest.mark.parametrize(
    "environment",
    [
        {"BANKSIDE_MTLS_URL": MTLS_URL},
        {"BANKSIDE_CERTIFICATE_HEADER": "client-cert"},
        {"BANKSIDE_CERTIFICATE_HEADER": "a b", "BANKSIDE_TRUSTED_PROXIES": "10.0.0.1"},
        {"BANKSIDE_CERTIFICATE_HEADER": "client-cert", "BANKSIDE_TRUSTED_PROXIES": "*"},
        {"BANKSIDE_WEB_TLS_CERT": "missing.pem", "BANKSIDE_WEB_TLS_KEY": "missing.pem"},
        {"BANKSIDE_WEB_TLS_KEY": __file__},
        {
            "BANKSIDE_MTLS_URL": "http://mtls.bank.example",
            "BANKSIDE_CERTIFICATE_HEADER": "client-cert",
            "BANKSIDE_TRUSTED_PROXIES": "10.0.0.1",
        },
        {"BANKSIDE_EGRESS_LOOPBACK": "1", "BANKSIDE_ISSUER": "https://bank.example"},
    ],
)
def test_settings_that_would_trust_too_much_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(SettingInvalid):
        Settings.read(environment)


@pytest.mark.parametrize("header", ["x-my-cert", "x-forwarded-for", "authorization", "client-cer"])
def test_a_header_that_anybody_could_send_carries_no_certificate(header: str) -> None:
    environment = {
        "BANKSIDE_CERTIFICATE_HEADER": header,
        "BANKSIDE_TRUSTED_PROXIES": "10.0.0.1",
    }

    with pytest.raises(SettingInvalid, match="is none of client-cert, "):
        Settings.read(environment)


def test_settings_of_a_proxy_are_read() -> None:
    settings = Settings.read(
        {
            "BANKSIDE_MTLS_URL": MTLS_URL,
            "BANKSIDE_CERTIFICATE_HEADER": "Client-Cert",
            "BANKSIDE_TRUSTED_PROXIES": "10.0.0.1",
            "BANKSIDE_ISSUER": "https://bank.example",
        }
    )

    assert (settings.certificate_header, settings.mtls_url) == ("client-cert", MTLS_URL)
    assert settings.web_tls is None and not settings.egress_loopback


def written(folder: Path, name: str) -> tuple[Path, Path]:
    """Certificate and key as files."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_text(pem(name))
    key.write_bytes(
        issued(name)[1].private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, key


@asynccontextmanager
async def speaking_tls(folder: Path) -> AsyncIterator[str]:
    """A server on this machine that tells the thumbprint of its caller's certificate."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        said = (presented_thumbprint(scope) or "none").encode()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said})

    certificate, key = written(folder, "server")
    authority, _ = written(folder, "one")
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=0,
        lifespan="off",
        log_config=None,
        http=CertificateProtocol,
        ssl_context_factory=lambda *_: server_tls(certificate, key, authority),
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this flag only
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"https://localhost:{port}/"
    server.should_exit = True
    await serving


async def test_the_certificate_of_our_own_handshake_is_seen(tmp_path: Path) -> None:
    async with speaking_tls(tmp_path) as url:

        def context(name: str | None) -> ssl.SSLContext:
            made = ssl.create_default_context(cafile=str(tmp_path / "server.pem"))
            if name:
                made.load_cert_chain(*written(tmp_path, name))
            return made

        async with (
            AsyncClient(verify=context("one")) as known,
            AsyncClient(verify=context(None)) as nobody,
        ):
            assert (await known.get(url)).text == by_hand("one")
            assert (await nobody.get(url)).text == "none"
        async with AsyncClient(verify=context("stranger")) as stranger:
            with pytest.raises(TransportError):
                await stranger.get(url)
