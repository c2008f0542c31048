"""The access to customers' accounts in the OpenAPI document: tokens instead of signatures.

Always true: what stands here as a request's schema is what the runtime validates it with
(``Catalogue.schemas``); scopes and security scheme are those the edge asks for.
"""

from typing import Any

from bankside.catalog.model import Product, ProductOperation

Node = dict[str, Any]

TAG: Node = {
    "name": "open-banking",
    "description": "Accounts, funds and payments under a customer's consent · 凭客户同意书访问账户",
}
# The example addresses of `make run`; discovery tells an installation's own.
_ISSUER = "http://127.0.0.1:8000"
_SCOPES = {
    "accounts": "Consents to read accounts, and what they open",
    "payments": "Consents to pay, and the payments made under them",
    "fundsconfirmations": "Consents to ask whether funds are there, and the questions",
}
_BOUND = "DPoP-bound (RFC 9449); the client proves itself with private_key_jwt. "
SECURITY: Node = {
    "clientToken": {
        "type": "oauth2",
        "description": _BOUND + "A token the client got for itself; it reaches no customer data.",
        "flows": {"clientCredentials": {"tokenUrl": f"{_ISSUER}/oauth/token", "scopes": _SCOPES}},
    },
    "customerToken": {
        "type": "oauth2",
        "description": _BOUND + "A token of a customer's grant, by way of a pushed request (PAR).",
        "flows": {
            "authorizationCode": {
                "authorizationUrl": f"{_ISSUER}/oauth/authorize",
                "tokenUrl": f"{_ISSUER}/oauth/token",
                "scopes": _SCOPES,
            }
        },
    },
}
KEY_PARAMETER: Node = {
    "name": "x-idempotency-key",
    "in": "header",
    "required": True,
    "description": "Kept 7 days per client and operation: the same key and body give the first "
    "answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
INTERACTION_PARAMETER: Node = {
    "name": "x-fapi-interaction-id",
    "in": "header",
    "required": False,
    "description": "Names the call in both logs; answered back, made up when it is not sent.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 128},
}
REFUSED: Node = {
    "description": "Refused",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/OBError"}}},
}


def access_operation(product: Product, operation: ProductOperation, *, available: bool) -> Node:
    """One operation's entry; ``#/components/...`` names of this module are the document's."""
    description = operation.description or product.description
    node: Node = {
        "operationId": operation.id,
        "tags": [TAG["name"]],
        "summary": f"{product.name.en}: {operation.purpose}",
        "description": description.en,
        "security": [_security(operation)],
        "x-bankside-description-zh": description.zh,
        "x-bankside-product": operation.product,
        "x-bankside-availability": "available" if available else "not_built",
        "x-bankside-moves-money": operation.moves_money,
        "x-bankside-scopes": sorted(operation.scopes or ()),
        "x-bankside-risk-tier": product.risk_tier,
        "x-bankside-data-class": product.data_class,
        "parameters": _parameters(operation),
    }
    if operation.body:
        content = {"application/json": {"schema": _schema(operation.body)}}
        node["requestBody"] = {"required": True, "content": content}
    done: Node = {"description": "Done"}
    if operation.answer:
        done["content"] = {"application/json": {"schema": _schema(operation.answer)}}
    refused = {"$ref": "#/components/responses/OBRefused"}
    node["responses"] = {str(operation.status): done, "4XX": refused, "5XX": refused}
    return node


def _security(operation: ProductOperation) -> Node:
    scheme = "customerToken" if operation.access == "customer" else "clientToken"
    return {scheme: sorted(operation.scopes or ())}


def _parameters(operation: ProductOperation) -> list[Node]:
    found: list[Node] = [{"$ref": "#/components/parameters/InteractionId"}]
    if operation.needs_key:
        found.insert(0, {"$ref": "#/components/parameters/UKIdempotencyKey"})
    for each in operation.inputs:
        schema = {"type": "string", "minLength": 1, "maxLength": each.max}
        found.append({"name": each.name, "in": "query", "required": False, "schema": schema})
    return found


def _schema(name: str) -> Node:
    return {"$ref": f"#/components/schemas/{name}"}
