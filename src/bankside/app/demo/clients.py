"""The demo's clients of the authorization server: registered apps with keys and redirect URIs."""

from typing import Any

from joserfc.jwk import ECKey

from bankside.app.demo import keyfiles
from bankside.app.demo.contracts import Ground
from bankside.app.demo.spec import ClientSpec, PartnerSpec, demo_id
from bankside.identity import NewClient, create_client, read_client
from bankside.identity.clients import ClientUnknown
from bankside.kernel.ids import PartnerId
from bankside.partners import AppUnknown, NewApp, create_app, read_app

ALG = "ES256"


async def seed_clients(ground: Ground, spec: PartnerSpec) -> list[dict[str, Any]]:
    """The partner's clients stand; what ``demo.json`` tells of each."""
    partner = PartnerId(demo_id("partner", spec.key))
    return [await _client(ground, partner, each) for each in spec.clients]


async def _client(ground: Ground, partner: PartnerId, spec: ClientSpec) -> dict[str, Any]:
    """The client is registered with the key of its file; a lost file makes another client."""
    path, private = keyfiles.private_jwk(ground.home, f"{spec.key}-oauth")
    public = {**ECKey.import_key(private).as_dict(private=False), "alg": ALG}
    client_id = demo_id("app", spec.key)
    if not await _holds(ground, partner, client_id, public, spec):
        client_id = demo_id("app", spec.key, str(public["kid"]))
        held = await _holds(ground, partner, client_id, public, spec)
        assert held, "a client named after its key holds it"
    return {
        "client_id": client_id,
        "name": spec.name,
        "partner": partner,
        "private_jwk_file": str(path),
        "alg": ALG,
        "redirect_uris": list(spec.redirect_uris),
        "scopes": list(spec.scopes),
    }


async def _holds(
    ground: Ground, partner: PartnerId, client_id: str, public: dict[str, Any], spec: ClientSpec
) -> bool:
    """Whether the client, registered now if it is not there, has this key."""
    try:
        found = await read_client(ground.db, partner, client_id)
    except ClientUnknown:
        await _app(ground, partner, client_id, spec)
        new = NewClient(
            name=spec.name,
            jwks={"keys": [public]},
            redirect_uris=spec.redirect_uris,
            scopes=spec.scopes,
        )
        found = await create_client(ground.db, ground.clock, partner, new, app=client_id)
    return any(key["kid"] == public["kid"] for key in found.jwks)


async def _app(ground: Ground, partner: PartnerId, app: str, spec: ClientSpec) -> None:
    try:
        await read_app(ground.db, partner, app)
    except AppUnknown:
        await create_app(ground.db, ground.clock, partner, NewApp(id=app, name=spec.name))
