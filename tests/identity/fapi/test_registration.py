"""Discovery, keys and client records. Source: RFC 8414, RFC 7517, FAPI 2.0 SP 5.3.2.1 and 5.4."""

from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from tests.identity.fapi.rig import (
    CALLBACK,
    ISSUER,
    VAULT,
    FAPIClient,
    World,
    b64,
    private_jwk,
    public_jwk,
)
from tests.partners.builders import a_partner, an_app

from bankside.app.settings import SettingInvalid, Settings
from bankside.identity import (
    NewClient,
    create_client,
    ensure_keys,
    list_clients,
    read_client,
    rotate_keys,
)
from bankside.identity.clients import (
    ClientExists,
    ClientUnknown,
    KeySetInvalid,
    RedirectURIInvalid,
    ScopeUnknown,
)
from bankside.identity.signing_keys import NextKeyTooYoung
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, transaction

KEY = {**public_jwk("ES256", "client"), "kid": "one"}


def new(**change: Any) -> NewClient:
    return NewClient(
        **{
            "name": "Budget app",
            "jwks": {"keys": [KEY]},
            "redirect_uris": [CALLBACK],
            "scopes": ["openid", "accounts"],
        }
        | change
    )


async def test_discovery_end_point_verification(world: World) -> None:
    one = (await world.web.get("/.well-known/openid-configuration")).json()
    two = (await world.web.get("/.well-known/oauth-authorization-server")).json()

    assert one == two
    assert one["issuer"] == ISSUER
    assert one["require_pushed_authorization_requests"] is True
    assert one["authorization_response_iss_parameter_supported"] is True
    assert one["response_types_supported"] == ["code"]
    assert one["code_challenge_methods_supported"] == ["S256"]
    assert one["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    for name, value in one.items():
        if name.endswith("signing_alg_values_supported"):
            assert set(value) <= {"ES256", "PS256", "EdDSA"}


async def test_every_endpoint_that_is_listed_answers(world: World) -> None:
    document = (await world.web.get("/.well-known/openid-configuration")).json()
    listed = [url for name, url in document.items() if name.endswith(("_endpoint", "_uri"))]

    for address in listed:
        url = f"{address}/grt_x" if address.endswith("/grants") else address
        statuses = {(await world.web.request(verb, url)).status_code for verb in ("GET", "POST")}
        assert not statuses & {404, 500}, url
    assert len(listed) == 9


async def test_server_jwks_holds_public_keys_with_their_own_kid(world: World) -> None:
    answer = await world.web.get("/oauth/jwks")
    keys = answer.json()["keys"]

    assert len({key["kid"] for key in keys}) == len(keys) >= 2
    assert all(key["kty"] == "EC" and key["alg"] == "ES256" for key in keys)
    assert not {"d", "p", "q", "k"} & {name for key in keys for name in key}
    assert "max-age" in answer.headers["cache-control"]


async def test_a_rotation_publishes_before_and_after_use(fresh_world: World) -> None:
    clock, pool = fresh_world.clock, fresh_world.pool
    client = await fresh_world.client()

    async def published() -> list[str]:
        return [key["kid"] for key in (await fresh_world.web.get("/oauth/jwks")).json()["keys"]]

    await published()
    async with transaction(pool) as db:
        kids = {key.status: key.kid for key in await ensure_keys(db, clock, VAULT)}
    first, following = kids["active"], kids["next"]
    with pytest.raises(NextKeyTooYoung):
        async with transaction(pool) as db:
            await rotate_keys(db, clock, VAULT)
    clock.advance(timedelta(seconds=300))
    async with transaction(pool) as db:
        keys = await rotate_keys(db, clock, VAULT)
    signed = (await client.tokens())["id_token"]

    assert {key.kid: key.status for key in keys if key.kid in kids.values()} == {
        first: "retired",
        following: "active",
    }
    assert following in signed_by(signed)
    assert set(await published()) >= {first, following}
    clock.advance(timedelta(seconds=600))
    assert first not in await published()


def signed_by(token: str) -> str:
    import base64  # noqa: PLC0415 - used by this line alone

    head = token.split(".", maxsplit=1)[0]
    return base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)).decode()


async def test_the_id_token_verifies_under_the_published_key(client: FAPIClient) -> None:
    from joserfc import jwt  # noqa: PLC0415 - the honest client's library, for this test alone
    from joserfc.jwk import KeySet  # noqa: PLC0415

    token = (await client.tokens())["id_token"]
    published = (await client.world.web.get("/oauth/jwks")).json()

    found = jwt.decode(token, KeySet.import_key_set(published), algorithms=["ES256"])

    assert found.claims["aud"] == client.client_id


@pytest.mark.parametrize(
    "keys",
    [
        [],
        "text",
        [private_jwk("ES256", "client") | {"kid": "one"}],
        [{"kty": "oct", "k": "c2VjcmV0", "kid": "one"}],
        [{**public_jwk("ES384", "client"), "kid": "one"}],
        [{name: value for name, value in KEY.items() if name != "kid"}],
        [{**KEY, "alg": "RS256"}],
        [{**KEY, "use": "enc"}],
        [{**KEY, "kid": "x" * 200}],
        [{**KEY, "kid": "a\0"}],
        [KEY, KEY],
        [{**KEY, "kid": str(n)} for n in range(11)],
        [{**KEY, "x": KEY["y"]}],
    ],
)
async def test_a_key_set_that_cannot_be_trusted_is_refused(
    db: Connection, clock: FixedClock, keys: Any
) -> None:
    partner = await a_partner(db, clock)

    with pytest.raises(KeySetInvalid):
        await create_client(db, clock, partner.id, new(jwks={"keys": keys}))


async def test_a_short_rsa_key_is_refused(db: Connection, clock: FixedClock) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    modulus = b64(weak.public_numbers().n.to_bytes(128, "big"))
    partner = await a_partner(db, clock)

    with pytest.raises(KeySetInvalid):
        jwks = {"keys": [{"kty": "RSA", "n": modulus, "e": "AQAB", "kid": "one"}]}
        await create_client(db, clock, partner.id, new(jwks=jwks))


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        (CALLBACK, True),
        ("https://app.example/cb?x=1", True),
        ("http://127.0.0.1:9000/cb", True),
        ("http://[::1]:9000/cb", True),
        ("http://localhost:9000/cb", True),
        ("http://app.example/cb", False),
        ("https://app.example/cb#fragment", False),
        ("https://user@app.example/cb", False),
        ("javascript:alert(1)", False),
        ("myapp://cb", False),
        ("https:///cb", False),
        ("https://app.example/c b", False),
        ("https://app.example:port/cb", False),
        ("https://app.example/\r\nlocation:x", False),
        ("", False),
        ("https://app.example/" + "x" * 500, False),
    ],
)
async def test_a_redirect_uri_is_https_or_a_native_loopback(
    db: Connection, clock: FixedClock, uri: str, accepted: bool
) -> None:
    partner = await a_partner(db, clock)

    if accepted:
        made = await create_client(db, clock, partner.id, new(redirect_uris=[uri]))
        assert made.redirect_uris == (uri,)
    else:
        with pytest.raises(RedirectURIInvalid):
            await create_client(db, clock, partner.id, new(redirect_uris=[uri]))


async def test_unknown_scopes_and_types_are_refused(db: Connection, clock: FixedClock) -> None:
    partner = await a_partner(db, clock)

    for change in ({"scopes": ["admin"]}, {"scopes": []}, {"detail_types": ["all"]}):
        with pytest.raises(ScopeUnknown):
            await create_client(db, clock, partner.id, new(**change))


async def test_a_client_is_seen_by_its_partner_alone(db: Connection, clock: FixedClock) -> None:
    mine, theirs = [await a_partner(db, clock) for _ in range(2)]
    app = await an_app(db, clock, mine)

    made = await create_client(db, clock, mine.id, new(), app=app.id)

    assert made.id == app.id
    assert made.detail_types == {"account_information"}
    assert await read_client(db, mine.id, made.id) == made
    assert (await list_clients(db, mine.id)).items == (made,)
    assert (await list_clients(db, theirs.id)).items == ()
    with pytest.raises(ClientUnknown):
        await read_client(db, theirs.id, made.id)
    with pytest.raises(ClientExists):
        await create_client(db, clock, mine.id, new(), app=app.id)


@pytest.mark.parametrize(
    ("issuer", "accepted"),
    [
        ("https://bank.example", True),
        ("https://bank.example:8443", True),
        ("http://127.0.0.1:8000", True),
        ("http://bank.example", False),
        ("https://bank.example/", False),
        ("https://bank.example/oauth", False),
        ("https://user@bank.example", False),
        ("ftp://127.0.0.1", False),
        ("bank.example", False),
    ],
)
def test_the_issuer_is_https_or_this_machine(issuer: str, accepted: bool) -> None:
    if accepted:
        assert Settings.read({"BANKSIDE_ISSUER": issuer}).issuer == issuer
    else:
        with pytest.raises(SettingInvalid):
            Settings.read({"BANKSIDE_ISSUER": issuer})
