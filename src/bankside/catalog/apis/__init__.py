"""The catalogue as OpenAPI and JSON Schema.

Public: input_schema, openapi, selected (a part of the document), example (of a request).
"""

from bankside.catalog.apis.document import openapi
from bankside.catalog.apis.examples import example
from bankside.catalog.apis.schemas import input_schema
from bankside.catalog.apis.selection import selected

__all__ = ["example", "input_schema", "openapi", "selected"]
