"""What an operation's own document says of an answer: its shape, and the codes it may refuse with.

The document is the OpenAPI document that partners read, of the version as it stands.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jsonschema import Draft202012Validator

import bankside.gateway
from bankside.app import outcomes
from bankside.app.proving.client import Heard
from bankside.catalog import ProductOperation

# What the edge refuses before an operation: one table for all, not repeated in each document.
EDGE: Final = f"{bankside.gateway.__name__}."
# Refused by the rule of the wire: the same for all operations, like the edge's own.
_COMMON: Final = frozenset({"request.invalid"})


@dataclass(slots=True)
class Contract:
    """The document of one product, asked about answers and requests."""

    document: Mapping[str, Any]
    _known: dict[tuple[str, str], Draft202012Validator] = field(default_factory=dict)

    def node(self, operation: ProductOperation) -> Mapping[str, Any]:
        """What the document says of the operation."""
        found: Mapping[str, Any] = self.document["paths"][operation.path][operation.method.lower()]
        return found

    def codes(self, operation: ProductOperation) -> tuple[str, ...]:
        """The codes that the operation documents for itself."""
        return tuple(self.node(operation).get("x-bankside-errors", ()))

    def sample(self, operation: ProductOperation) -> Any:
        """The printed example of the request; None when it has no body."""
        media = self.node(operation).get("requestBody", {}).get("content", {})
        return media.get("application/json", {}).get("example")

    def query(self, operation: ProductOperation) -> dict[str, str]:
        """The printed examples of query parameters."""
        return {
            each["name"]: str(each["example"])
            for each in self.node(operation).get("parameters", ())
            if each.get("in") == "query" and "example" in each
        }

    def takes(self, operation: ProductOperation, body: Any) -> bool:
        """Whether the request's own schema takes this body."""
        body_node = self.node(operation).get("requestBody")
        if body_node is None:
            return True
        schema = body_node["content"]["application/json"]["schema"]
        return self._validator((operation.id, "request"), schema).is_valid(body)

    def fault_of(self, operation: ProductOperation, heard: Heard) -> str:
        """What is wrong with a native answer by the document; "" when nothing is."""
        if heard.status >= 500:
            return f"answered {heard.status} {heard.code}"
        if heard.status >= 400:
            return self._fault_of_refusal(operation, heard)
        return self._fault_of_success(operation, heard)

    def _fault_of_refusal(self, operation: ProductOperation, heard: Heard) -> str:
        problem = {"$ref": "#/components/schemas/Problem"}
        said = self._said("", problem, heard.body)
        if heard.media != "application/problem+json" or said:
            return f"refused without problem details: {said or heard.media}"
        if heard.code not in self.codes(operation) and not is_common(heard.code):
            return f"refused with {heard.code}, which the operation does not document"
        return ""

    def _fault_of_success(self, operation: ProductOperation, heard: Heard) -> str:
        responses = self.node(operation)["responses"]
        media = responses.get(str(heard.status), responses.get("2XX"))
        if media is None:
            return f"answered {heard.status}, which the operation does not document"
        kinds = media.get("content", {})
        if not kinds or heard.status == 204:
            return ""
        if heard.media not in kinds:
            return f"answered {heard.media or 'no media type'} in place of {', '.join(kinds)}"
        if heard.media != "application/json":
            return ""
        said = self._said(
            f"{operation.id} {heard.status}", kinds[heard.media]["schema"], heard.body
        )
        return f"the answer is of another shape: {said}" if said else ""

    def _said(self, name: str, schema: Mapping[str, Any], value: Any) -> str:
        error = next(self._validator((name, "answer"), schema).iter_errors(value), None)
        return "" if error is None else f"{error.json_path} {error.message[:200]}"

    def _validator(self, name: tuple[str, str], schema: Mapping[str, Any]) -> Draft202012Validator:
        if name not in self._known:
            whole = {**schema, "components": self.document["components"]}
            self._known[name] = Draft202012Validator(whole)
        return self._known[name]


def is_common(code: str) -> bool:
    """Whether a code is the edge's own, which every operation may be refused with."""
    if code in _COMMON:
        return True
    known = outcomes.refusals().get(code, {})
    return any(each.__module__.startswith(EDGE) for each in known.values())
