"""JSON Schemas of request fields, from the inputs of a definition.

What a schema takes is what the order runtime takes: the bounds here are those of its reader.
Source: JSON Schema 2020-12.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bankside.catalog.model import Input, Product, ProductOperation

Schema = dict[str, Any]

TEXT_MAX, TOKEN_MAX, LIST_MAX, INTEGER_MAX = 256, 512, 2_000, 2**31 - 1
# An id or code of ours or of the caller (kernel.ids.is_reference).
REFERENCE_PATTERN = "^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$"

MONEY: Schema = {
    "type": "object",
    "description": "An exact amount: a decimal string with at most the currency's digits.",
    "required": ["amount", "currency"],
    "properties": {
        "amount": {"type": "string", "pattern": r"^(0|[1-9][0-9]{0,15})(\.[0-9]{1,4})?$"},
        "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "ISO 4217"},
    },
    "additionalProperties": False,
    "examples": [{"amount": "12.34", "currency": "CNY"}],
}
_REFERENCE: Schema = {"type": "string", "pattern": REFERENCE_PATTERN}
_TOKEN: Schema = {"type": "string", "minLength": 1, "maxLength": TOKEN_MAX, "writeOnly": True}
_PLAIN: Mapping[str, Schema] = {
    "account": {**_REFERENCE, "description": "Account id or number"},
    "party": {**_REFERENCE, "description": "Customer id"},
    "merchant": {**_REFERENCE, "description": "Merchant id"},
    "consent": {**_REFERENCE, "description": "Consent id"},
    "token": _TOKEN,
    "secret": _TOKEN,
    "date": {"type": "string", "format": "date"},
    "int": {"type": "integer", "minimum": -INTEGER_MAX, "maximum": INTEGER_MAX},
    "bool": {"type": "boolean"},
    "map": {"type": "object", "additionalProperties": {"type": "string", "maxLength": TEXT_MAX}},
}


def input_schema(product: Product, operation: ProductOperation) -> Schema:
    """The schema of an operation's request: its body, or the query of a read.

    Stands alone (amounts are under ``$defs``); refuses fields that are not declared.
    """
    fields = fields_schema(operation.inputs, money_ref="#/$defs/money")
    if operation.open:
        fields = {"type": "object"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{product.name.en}: {operation.purpose}",
        **fields,
        "$defs": {"money": MONEY},
    }


def fields_schema(inputs: Iterable[Input], *, money_ref: str) -> Schema:
    """An object with these fields and no others."""
    declared = tuple(inputs)
    schema: Schema = {
        "type": "object",
        "properties": {each.name: field_schema(each, money_ref=money_ref) for each in declared},
        "additionalProperties": False,
    }
    required = [each.name for each in declared if each.required]
    if required:
        schema["required"] = required
    alternatives = [
        {"anyOf": [{"required": [each.instead_of]}, {"required": [each.name]}]}
        for each in declared
        if each.instead_of
    ]
    if alternatives:
        schema["allOf"] = alternatives
    return schema


def field_schema(field: Input, *, money_ref: str) -> Schema:
    """One field."""
    if field.type == "money":
        return {"$ref": money_ref}
    if field.type == "list":
        entry = fields_schema(field.fields, money_ref=money_ref) if field.fields else _int(field)
        most = field.max or LIST_MAX
        return {"type": "array", "minItems": 1, "maxItems": most, "items": entry}
    if field.type == "text":
        return _text(field)
    return _int(field) if field.type == "int" else dict(_PLAIN[field.type])


def _int(field: Input) -> Schema:
    bounds = {"minimum": field.least, "maximum": field.most}
    return {**_PLAIN["int"], **{name: each for name, each in bounds.items() if each is not None}}


def _text(field: Input) -> Schema:
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": field.max or TEXT_MAX}
    if field.pattern:
        schema["pattern"] = field.pattern
    if field.choices:
        schema["enum"] = list(field.choices)
    return schema
