"""The authorization server in the words of OpenAPI 3.1, for the platform's one document.

Always true: every endpoint that ``identity.http`` serves stands here once, and nothing beside them
(OWASP API9; `tests/identity/fapi/test_described.py`). The pages for people are no API and not here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from bankside.identity import addresses
from bankside.identity.tokens import GRANT_TYPES

Node = dict[str, Any]

TAG = "oauth"
SERVERS = [{"url": "http://127.0.0.1:8000", "description": "make run: the issuer"}]

_TEXT: Node = {"type": "string"}
_DETAILS: Node = {"type": "string", "description": "JSON array (RFC 9396), at most 8 kB"}
_CREDENTIALS: Mapping[str, Node] = {
    "client_assertion_type": {
        "const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    },
    "client_assertion": {"type": "string", "description": "private_key_jwt (RFC 7523), used once"},
}
_DPOP: Node = {
    "name": "DPoP",
    "in": "header",
    "required": False,
    "description": "Proof of the key (RFC 9449) with our nonce; not with a certificate (RFC 8705)",
    "schema": _TEXT,
}
_REQUEST: Node = {"type": "string", "description": "The request as a signed JWT (RFC 9101)"}


def oauth_paths() -> dict[str, Node]:
    """Path -> path item, in the order of use."""
    items: dict[str, Node] = {path: {"get": _metadata(path)} for path in addresses.METADATA}
    items[addresses.JWKS] = {"get": _read("oauth.jwks", "Public keys of this server", "KeySet")}
    items |= {
        addresses.PAR: {"post": _par()},
        addresses.AUTHORIZE: {"get": _authorize()},
        addresses.BACKCHANNEL: {"post": _backchannel()},
        addresses.TOKEN: {"post": _token()},
        addresses.INTROSPECT: {"post": _introspect()},
        addresses.REVOKE: {"post": _for_token("oauth.revoke", "End a token (RFC 7009)", {})},
        addresses.USERINFO: {
            verb: _resource(f"oauth.userinfo.{verb}", "Who granted the token", "UserInfo")
            for verb in ("get", "post")
        },
        addresses.GRANTS + "/{grant_id}": _grants(),
    }
    return {path: {"servers": SERVERS, **item} for path, item in items.items()}


def oauth_components() -> Mapping[str, Mapping[str, Node]]:
    """What the paths refer to, by kind of component."""
    refused = {"application/json": {"schema": {"$ref": "#/components/schemas/OAuthRefusal"}}}
    return {
        "schemas": _SCHEMAS,
        "responses": {"OAuthRefused": {"description": "RFC 6749 section 5.2", "content": refused}},
        "securitySchemes": {
            "boundToken": {
                "type": "http",
                "scheme": "DPoP",
                "description": "An access token with the proof of its key, or as Bearer over a "
                "connection with the certificate it is bound to.",
            }
        },
    }


def _node(operation_id: str, summary: str) -> Node:
    return {"operationId": operation_id, "tags": [TAG], "summary": summary, "security": []}


def _answers(schema: str | None, *, status: str = "200") -> Node:
    done: Node = {"description": "Done; nobody stores it"}
    if schema is not None:
        reference = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
        done["content"] = {"application/json": reference}
    return {
        status: done,
        "4XX": {"$ref": "#/components/responses/OAuthRefused"},
        "503": {"$ref": "#/components/responses/OAuthRefused"},
    }


def _read(operation_id: str, summary: str, schema: str) -> Node:
    return _node(operation_id, summary) | {"responses": _answers(schema)}


def _metadata(path: str) -> Node:
    name = path.rpartition("/")[2]
    return _read(f"oauth.{name}", "What this server serves (RFC 8414)", "Metadata")


def _form(fields: Mapping[str, Node], required: Sequence[str]) -> Node:
    schema: Node = {
        "type": "object",
        "required": ["client_assertion_type", "client_assertion", *required],
        "properties": {"client_id": _TEXT, **_CREDENTIALS, **fields},
    }
    content = {"application/x-www-form-urlencoded": {"schema": schema}}
    return {"requestBody": {"required": True, "content": content}}


def _par() -> Node:
    fields: Mapping[str, Node] = {
        "response_type": {"const": "code"},
        "response_mode": {"enum": ["query", "jwt", "query.jwt"]},
        "redirect_uri": _TEXT,
        "scope": _TEXT,
        "authorization_details": _DETAILS,
        "state": {"type": "string", "maxLength": 4096},
        "nonce": {"type": "string", "maxLength": 512},
        "code_challenge": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "code_challenge_method": {"const": "S256"},
        "dpop_jkt": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "grant_management_action": {"const": "create"},
        "request": _REQUEST,
    }
    return (
        _node("oauth.par", "Push an authorization request (RFC 9126)")
        | {"parameters": [_DPOP]}
        | _form(fields, [])
        | {"responses": _answers("PushedRequest", status="201")}
    )


def _authorize() -> Node:
    parameters = [
        {"name": name, "in": "query", "required": True, "schema": _TEXT}
        for name in ("client_id", "request_uri")
    ]
    page = {"text/html": {"schema": _TEXT}}
    return _node("oauth.authorize", "Open the customer's page with a pushed request") | {
        "parameters": parameters,
        "responses": {
            "303": {"description": "The customer's page goes on"},
            "400": {"description": "A page: the link cannot be used", "content": page},
            "503": {"$ref": "#/components/responses/OAuthRefused"},
        },
    }


def _backchannel() -> Node:
    fields: Mapping[str, Node] = {
        "scope": _TEXT,
        "authorization_details": _DETAILS,
        "login_hint": {"type": "string", "description": "The customer's login"},
        "binding_message": {"type": "string", "maxLength": 64},
        "requested_expiry": {"type": "string", "pattern": "^[0-9]{1,3}$"},
        "request": _REQUEST,
    }
    return (
        _node("oauth.backchannel", "Ask a customer who is elsewhere (OpenID CIBA, poll mode)")
        | _form(fields, [])
        | {"responses": _answers("BackchannelRequest")}
    )


def _token() -> Node:
    fields: Mapping[str, Node] = {
        "grant_type": {"enum": list(GRANT_TYPES)},
        "code": _TEXT,
        "redirect_uri": _TEXT,
        "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
        "refresh_token": _TEXT,
        "auth_req_id": _TEXT,
        "scope": _TEXT,
        "authorization_details": _DETAILS,
    }
    return (
        _node("oauth.token", "Get tokens that are bound to a key or a certificate")
        | {"parameters": [_DPOP]}
        | _form(fields, ["grant_type"])
        | {"responses": _answers("Tokens")}
    )


def _for_token(operation_id: str, summary: str, more: Node) -> Node:
    form = _form({"token": _TEXT}, ["token"])
    return _node(operation_id, summary) | form | {"responses": _answers(None) | more}


def _introspect() -> Node:
    node = _for_token("oauth.introspect", "What a token of one's own is worth (RFC 7662)", {})
    signed = "application/token-introspection+jwt"
    node["responses"]["200"]["content"] = {
        "application/json": {"schema": {"$ref": "#/components/schemas/Introspection"}},
        signed: {"schema": {"type": "string", "description": "RFC 9701, when Accept asks for it"}},
    }
    return node


def _resource(operation_id: str, summary: str, schema: str | None, *, status: str = "200") -> Node:
    return _node(operation_id, summary) | {
        "security": [{"boundToken": []}],
        "parameters": [_DPOP],
        "responses": _answers(schema, status=status),
    }


def _grants() -> Node:
    name = {"name": "grant_id", "in": "path", "required": True, "schema": _TEXT}
    return {
        "parameters": [name],
        "get": _resource("oauth.grants.query", "A grant that the client holds", "Grant"),
        "delete": _resource("oauth.grants.revoke", "Give a grant back", None, status="204"),
    }


def _object(required: Sequence[str], properties: Mapping[str, Node]) -> Node:
    return {"type": "object", "required": list(required), "properties": dict(properties)}


_SECONDS: Node = {"type": "integer", "minimum": 1}
_LIST: Node = {"type": "array", "items": {"type": "object"}}
_SCHEMAS: Mapping[str, Node] = {
    "OAuthRefusal": _object(
        ["error", "error_description"], {"error": _TEXT, "error_description": _TEXT}
    ),
    "Metadata": _object(["issuer"], {"issuer": _TEXT}),
    "KeySet": _object(["keys"], {"keys": _LIST}),
    "PushedRequest": _object(
        ["request_uri", "expires_in"], {"request_uri": _TEXT, "expires_in": _SECONDS}
    ),
    "BackchannelRequest": _object(
        ["auth_req_id", "expires_in", "interval"],
        {"auth_req_id": _TEXT, "expires_in": _SECONDS, "interval": _SECONDS},
    ),
    "Tokens": _object(
        ["access_token", "token_type", "expires_in", "scope"],
        {
            "access_token": _TEXT,
            "token_type": {"enum": ["DPoP", "Bearer"]},
            "expires_in": _SECONDS,
            "scope": _TEXT,
            "refresh_token": _TEXT,
            "id_token": _TEXT,
            "grant_id": _TEXT,
            "authorization_details": _LIST,
        },
    ),
    "Introspection": _object(["active"], {"active": {"type": "boolean"}}),
    "UserInfo": _object(["sub"], {"sub": _TEXT}),
    "Grant": _object(
        ["scopes", "authorization_details", "created_at", "expires_at"],
        {
            "scopes": {"type": "array", "items": _object(["scope"], {"scope": _TEXT})},
            "authorization_details": _LIST,
            "created_at": {"type": "string", "format": "date-time"},
            "expires_at": {"type": "string", "format": "date-time"},
        },
    ),
}
