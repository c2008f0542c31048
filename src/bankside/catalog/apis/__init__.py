"""The catalogue as OpenAPI and JSON Schema.

Public: input_schema, openapi, selected (a part of the document), example (of a request), example_of
(a field), and what its fields hold at most: TEXT_MAX, TOKEN_MAX, LIST_MAX.
"""

from bankside.catalog.apis.document import openapi
from bankside.catalog.apis.examples import example, example_of
from bankside.catalog.apis.schemas import LIST_MAX, TEXT_MAX, TOKEN_MAX, input_schema
from bankside.catalog.apis.selection import selected

__all__ = [
    "LIST_MAX",
    "TEXT_MAX",
    "TOKEN_MAX",
    "example",
    "example_of",
    "input_schema",
    "openapi",
    "selected",
]
