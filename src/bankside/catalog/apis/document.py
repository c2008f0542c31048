"""The OpenAPI 3.1 document of the whole platform, derived from the catalogue.

Always true: every route of the catalogue is in it once, with what the edge checks and whether
anything executes it (``x-bankside-*``); nothing in it was written by hand for one route. The
authorization server's routes stand beside them as `identity` describes them.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from bankside import __version__
from bankside.catalog.apis.access import (
    INTERACTION_PARAMETER,
    KEY_PARAMETER,
    REFUSED,
    SECURITY,
    TAG,
    access_operation,
)
from bankside.catalog.apis.answers import answer_schema, answer_schemas, is_file
from bankside.catalog.apis.examples import example, example_of
from bankside.catalog.apis.schemas import MONEY, REFERENCE_PATTERN, field_schema, fields_schema
from bankside.catalog.compiling import Runnable
from bankside.catalog.model import Catalogue, Cloud, Fees, Product, ProductOperation
from bankside.identity import oauth_components, oauth_paths
from bankside.kernel.snapshot import token_scope

Node = dict[str, Any]
Refusals = Callable[[Product, ProductOperation], Sequence[str]]

_MONEY_REF = "#/components/schemas/Money"
_PARAMETER = re.compile(r"\{(\w+)\}")
_SIGNATURE = (
    "RFC 9421 HTTP message signature. Cover @method, @target-uri (or @path and @query), "
    "content-digest when there is a body (RFC 9530, sha-256), and each of authorization, "
    "idempotency-key, x-app-auth-token, x-consent-id and notify-url that is sent; parameters "
    "created, nonce, keyid and alg. "
    "Answers are signed the same way and cover the request's signature."
)


def openapi(
    catalogue: Catalogue, runnable: Runnable, refusals: Refusals = lambda _, __: ()
) -> Node:
    """The document as plain data, in the catalogue's order.

    ``refusals`` tells the codes that an operation can answer; `orders` supplies both.
    """
    paths: dict[str, Node] = {}
    for product in (catalogue.platform, *catalogue.products.values()):
        for operation in product.all_operations:
            node = _operation(product, operation, available=runnable(product, operation))
            if named := refusals(product, operation):
                node["x-bankside-errors"] = list(named)
            paths.setdefault(operation.path, {})[operation.method.lower()] = node
    access = catalogue.open_banking
    for operation in access.all_operations:
        node = access_operation(access, operation, available=runnable(access, operation))
        paths.setdefault(operation.path, {})[operation.method.lower()] = node
    for cloud in catalogue.clouds.values():
        for operation in cloud.operations:
            node = _cloud_operation(cloud, operation)
            paths.setdefault(operation.path, {})[operation.method.lower()] = node
    for path, item in paths.items():
        if parameters := list(_path_parameters(path)):
            item["parameters"] = parameters
    components = _components(catalogue)
    for kind, found in oauth_components().items():
        components[kind] = {**components[kind], **found}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "bankside open banking platform",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": (
                "Every operation of the catalogue. `x-bankside-availability` says whether it runs "
                "(`available`) or is described only (`not_built`: it answers 501 "
                "`product.not_available`). `x-bankside-errors` names the codes that it can answer, "
                "besides those of the edge."
            ),
        },
        "servers": [{"url": "http://127.0.0.1:8080", "description": "make run"}],
        "security": [{"signature": []}],
        "tags": list(_tags(catalogue)),
        "paths": {**paths, **oauth_paths()},
        "components": components,
    }


def _operation(product: Product, operation: ProductOperation, *, available: bool) -> Node:
    tag = product.category or product.id
    node = _node(operation, tag=tag, name=product.name.en, available=available)
    node["description"] = (operation.description or product.description).en
    node["x-bankside-name-zh"] = product.name.zh
    node["x-bankside-scopes"] = sorted(product.consent_scopes)
    node["x-bankside-risk-tier"] = product.risk_tier
    node["x-bankside-data-class"] = product.data_class
    node["x-bankside-tier"] = product.tier
    fees = _fees(product.fees) if product.fees is not None else {}
    if fees:
        node["x-bankside-fees"] = fees
    if operation.runs:
        node["x-bankside-runs"] = operation.runs
    if operation.access == "either":
        # A token's scopes are coarser than a product's: `accounts` covers `accounts:read`.
        scopes = sorted({token_scope(each) for each in product.consent_scopes})
        node["security"] = [{"signature": []}, {"customerToken": scopes}]
    content = {"application/json": {"schema": answer_schema(product, operation)}}
    if is_file(product, operation):
        content = {"text/csv": {"schema": {"type": "string"}}}
    node["responses"] = _responses(operation, content)
    return node


def _cloud_operation(cloud: Cloud, operation: ProductOperation) -> Node:
    node = _node(operation, tag="clouds", name=cloud.name.en, available=False)
    node["description"] = cloud.description.en
    node["x-bankside-name-zh"] = cloud.name.zh
    content = {"application/json": {"schema": {"type": "object"}}}
    node["responses"] = _responses(operation, content)
    return node


def _node(operation: ProductOperation, *, tag: str, name: str, available: bool) -> Node:
    """What products' and clouds' operations have in common."""
    node: Node = {
        "operationId": operation.id,
        "tags": [tag],
        "summary": f"{name}: {operation.purpose}",
        "description": "",
        "x-bankside-product": operation.product,
        "x-bankside-availability": "available" if available else "not_built",
        "x-bankside-moves-money": operation.moves_money,
        "x-bankside-icbc-path": operation.icbc_path,
    }
    if operation.environments != ("sandbox", "live"):
        node["x-bankside-environments"] = list(operation.environments)
    parameters = list(_parameters(operation))
    if parameters:
        node["parameters"] = parameters
    body = _body(operation)
    if body:
        node["requestBody"] = body
    return node


def _parameters(operation: ProductOperation) -> Iterator[Node]:
    if operation.writes and operation.needs_key:
        yield {"$ref": "#/components/parameters/IdempotencyKey"}
    yield {"$ref": "#/components/parameters/AppAuthToken"}
    if operation.method == "POST" and operation.runs and "{" not in operation.path:
        yield {"$ref": "#/components/parameters/NotifyUrl"}
    if operation.access == "either":
        yield {"$ref": "#/components/parameters/ConsentId"}
    if not operation.writes:
        for each in operation.inputs:
            yield {
                "name": each.name,
                "in": "query",
                "required": each.required,
                "schema": field_schema(each, money_ref=_MONEY_REF),
                **({"example": example_of(each)} if each.required else {}),
            }


def _path_parameters(path: str) -> Iterator[Node]:
    for name in _PARAMETER.findall(path):
        schema = {"type": "string", "pattern": REFERENCE_PATTERN}
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def _body(operation: ProductOperation) -> Node | None:
    if not operation.writes or (not operation.inputs and not operation.open):
        return None
    schema = fields_schema(operation.inputs, money_ref=_MONEY_REF)
    if operation.body is not None:
        schema = {"$ref": f"#/components/schemas/{operation.body}"}
    elif operation.open:
        schema = {"type": "object"}
    required = "$ref" in schema or "required" in schema or "allOf" in schema
    media: Node = {"schema": schema}
    if operation.body is None and not operation.open:
        shown = example(operation.inputs)
        if operation.word == "amend" and not shown:
            # Which field is changed is the caller's to choose, but one has to be.
            shown = {each.name: example_of(each) for each in operation.inputs[:1]}
        media["example"] = shown
    return {"required": required, "content": {"application/json": media}}


def _responses(operation: ProductOperation, content: Node) -> Node:
    done = {"description": "Done; signed", "content": content}
    codes: Node = {"200": done}
    if operation.writes:
        codes["201"] = done | {"description": "Created and finished; signed"}
    if operation.runs:
        codes["202"] = done | {"description": "Accepted, the order waits; signed"}
    return codes | {
        "4XX": {"$ref": "#/components/responses/Problem"},
        "5XX": {"$ref": "#/components/responses/Problem"},
    }


def _fees(fees: Fees) -> Node:
    """What the product costs, where it costs something; bounds in hundredths of the main unit."""
    node: Node = {}
    if fees.rate_bps or fees.min_minor:
        node |= {"rate_bps": fees.rate_bps, "min_cents": fees.min_minor}
        node |= {"max_cents": fees.max_minor}
    if fees.account is not None:
        node["account"] = asdict(fees.account)
    if node:
        node |= {"payer": fees.payer, "currency": fees.currency}
    return {name: value for name, value in node.items() if value is not None}


def _tags(catalogue: Catalogue) -> Iterator[Node]:
    yield {"name": "platform", "description": catalogue.platform.description.en}
    for category in sorted(catalogue.categories.values(), key=lambda each: each.order):
        description = f"{category.name.en} · {category.name.zh}"
        yield {"name": category.id, "description": description}
    yield TAG
    yield {"name": "clouds", "description": "Industry applications for tenants"}
    yield {"name": "oauth", "description": "Authorization server (FAPI 2.0), on the web process"}


def _components(catalogue: Catalogue) -> Node:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "securitySchemes": {
            "signature": {
                "type": "apiKey",
                "in": "header",
                "name": "Signature",
                "description": _SIGNATURE,
            },
            **SECURITY,
        },
        "parameters": {
            "IdempotencyKey": {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "Kept 7 days per app, tenant and operation: the same key and body "
                "give the first answer again.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 128},
            },
            "AppAuthToken": {
                "name": "X-App-Auth-Token",
                "in": "header",
                "required": False,
                "description": "The token of the tenant the app acts for.",
                "schema": {"type": "string"},
            },
            "NotifyUrl": {
                "name": "Notify-Url",
                "in": "header",
                "required": False,
                "description": "Where to tell what becomes of the order this call makes: https, "
                "port 443, a public host. Covered by the signature when it is sent.",
                "schema": {"type": "string", "format": "uri", "maxLength": 500},
            },
            "ConsentId": {
                "name": "X-Consent-Id",
                "in": "header",
                "required": False,
                "description": "The consent a signed call is made under: it then reaches the "
                "accounts of that consent and nothing else. Left out with a customer's token.",
                "schema": {"type": "string", "pattern": REFERENCE_PATTERN},
            },
            "UKIdempotencyKey": KEY_PARAMETER,
            "InteractionId": INTERACTION_PARAMETER,
        },
        "responses": {
            "Problem": {"description": "Refused; RFC 9457 problem details", "content": problem},
            "OBRefused": REFUSED,
        },
        "schemas": {
            "Money": MONEY,
            "Problem": _PROBLEM,
            **answer_schemas(),
            **{name: dict(schema) for name, schema in catalogue.schemas.items()},
        },
    }


_PROBLEM: Node = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "request_id"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "description": "Stable; switch on this"},
        "request_id": {"type": "string"},
        "iso_reason": {"type": "string", "description": "ISO 20022 external status reason"},
        "outcome": {"const": "unknown", "description": "Ask again with the same key"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code"],
                "properties": {
                    "pointer": {"type": "string"},
                    "code": {"type": "string"},
                    "detail": {"type": "string"},
                },
            },
        },
    },
}
