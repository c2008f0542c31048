"""What is served is described and what is described is served (OWASP API9)."""

import json
from typing import Any

from jsonschema import Draft202012Validator
from tests.identity.fapi.rig import FAPIClient, World

from bankside import catalog
from bankside.identity import oauth_components, oauth_paths
from bankside.identity.http import routes

VERBS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


def described() -> set[tuple[str, str]]:
    return {
        (verb.upper(), path)
        for path, item in oauth_paths().items()
        for verb in item
        if verb.upper() in VERBS
    }


def test_the_router_and_the_document_name_the_same_endpoints(world: World) -> None:
    handlers = routes(world.server, refused_page=lambda *_: None)  # type: ignore[arg-type, return-value]
    served = {
        (str(verb), path.replace(":str", ""))
        for handler in handlers
        for path in handler.paths
        for verb in handler.http_methods
    }

    assert served - described() == set()
    assert described() - served == set()
    assert len(served) == 13


def test_the_platforms_document_holds_them_at_the_issuers_address() -> None:
    document = catalog.openapi(catalog.load(), lambda product, operation: False)

    for path, item in oauth_paths().items():
        assert document["paths"][path] == json.loads(json.dumps(item))
        assert item["servers"]
    for kind, found in oauth_components().items():
        assert found.keys() <= document["components"][kind].keys()


async def test_answers_fit_what_is_described(client: FAPIClient) -> None:
    components = {kind: dict(found) for kind, found in oauth_components().items()}

    def fits(name: str, value: Any) -> bool:
        schema = {"$ref": f"#/components/schemas/{name}", "components": components}
        return Draft202012Validator(schema).is_valid(value)

    pushed = await client.post("/oauth/par", client.request_form("v" * 43), proof=None)
    body = await client.tokens(scope="openid offline_access accounts")

    assert fits("PushedRequest", pushed.json())
    assert fits("Tokens", body) and not fits("Tokens", {})
    assert fits("Introspection", await client.introspect(body["access_token"]))
    assert fits("UserInfo", (await client.userinfo(body["access_token"])).json())
    assert fits("OAuthRefusal", (await client.refresh("x")).json())
    assert fits("KeySet", (await client.world.web.get("/oauth/jwks")).json())
