"""The catalogue as OpenAPI and JSON Schema. Public: input_schema, openapi."""

from bankside.catalog.apis.document import openapi
from bankside.catalog.apis.schemas import input_schema

__all__ = ["input_schema", "openapi"]
