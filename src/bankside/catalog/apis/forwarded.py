"""What forwarded operations take, answer and refuse, written into a made OpenAPI document.

Always true: schemas are those that the edge holds calls against, as our callers write them: amounts
and renamed members stand where the mapping reads and puts them, lists under ``items``. Codes are
those of ``gateway.upstream`` for a read or a write, and the operator's own.
Source: OpenAPI 3.1.0 sections 4.8.12, 4.8.17; JSON Schema 2020-12.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from bankside.catalog.apis.remapped import remapped
from bankside.catalog.apis.samples import Sampler
from bankside.kernel.snapshot import Forward, SentField, SentReply, Upstream

Node = dict[str, Any]

_DEFS, _SCHEMAS = "#/$defs/", "#/components/schemas/"
_METHODS = ("get", "post", "put", "patch", "delete")
# What any call may end in, besides what the edge refuses before.
ALWAYS = frozenset(
    {
        *("request.invalid", "upstream.not_configured", "upstream.unreachable", "upstream.busy"),
        *("upstream.circuit_open", "upstream.credential_refused", "upstream.refused"),
        *("upstream.conflict", "upstream.not_found", "upstream.answer_mismatch"),
    }
)
READS = frozenset({"upstream.timed_out", "upstream.failed", "upstream.answer_invalid"})
WRITES = frozenset({"upstream.outcome_unknown"})
KEYED = frozenset({"idempotency.key_missing", "idempotency.key_reused", "idempotency.in_progress"})


def with_forwards(document: Node, upstreams: Iterable[Upstream]) -> Node:
    """``document`` with what these services take and answer; operations it lacks add nothing."""
    places = {
        node["operationId"]: (path, method)
        for path, item in document["paths"].items()
        for method, node in item.items()
        if method in _METHODS and "operationId" in node
    }
    paths, schemas = dict(document["paths"]), dict(document["components"]["schemas"])
    for upstream in upstreams:
        found = {name: each for name, each in upstream.forwards.items() if name in places}
        if not found:
            continue
        described = _Described(upstream)
        schemas |= described.components
        sampler = Sampler({**document["components"]["schemas"], **described.components})
        for name, forward in found.items():
            path, method = places[name]
            node = _node(paths[path][method], forward, described, sampler)
            paths[path] = {**paths[path], method: node}
    components = {**document["components"], "schemas": schemas}
    return {**document, "paths": paths, "components": components}


class _Described:
    """The schemas of one service under names of their own in the document."""

    def __init__(self, upstream: Upstream) -> None:
        self._defs: Mapping[str, Any] = msgspec.json.decode(upstream.schemas)
        self._names: dict[str, str] = {}
        taken: set[str] = set()
        for name in self._defs:
            # Component names are letters, digits, dot, dash and underscore only.
            plain = f"{upstream.product}.{re.sub(r'[^A-Za-z0-9._-]', '_', name)}"
            while plain in taken:
                plain += "_"
            taken.add(plain)
            self._names[name] = plain
        self.components = {self._names[name]: self._ours(each) for name, each in self._defs.items()}

    def named(self, name: str) -> Node:
        """The schema of this name, by reference; any value for none."""
        return {"$ref": _SCHEMAS + self._names[name]} if name in self._names else {}

    def body(self, forward: Forward) -> Node:
        """What our callers write as the body."""
        schema = self._wrapped(forward.body) if forward.wrapped else self.named(forward.body)
        if forward.asked:
            moves = [(each, each.target, each.source) for each in forward.asked]
            schema = remapped(schema, self.components, moves, outwards=True)
        return schema or {"type": "object"}

    def reply(self, forward: Forward, reply: SentReply) -> Node:
        """What our callers read as the answer."""
        root = self._root(reply.schema)
        schema = self.named(reply.schema)
        if root.get("type") not in (None, "object") or "items" in root:
            schema = self._wrapped(reply.schema)
        if forward.answered:
            moves = [(each, each.source, each.target) for each in forward.answered]
            schema = remapped(schema, self.components, moves, outwards=False)
        return schema or {"type": "object"}

    def _wrapped(self, name: str) -> Node:
        root = self._root(name)
        member = "items" if root.get("type") == "array" or "items" in root else "value"
        return {"type": "object", "required": [member], "properties": {member: self.named(name)}}

    def _root(self, name: str) -> Mapping[str, Any]:
        schema = self._defs.get(name, {})
        for _ in range(32):
            if not isinstance(schema, Mapping) or "$ref" not in schema:
                break
            schema = self._defs.get(str(schema["$ref"]).removeprefix(_DEFS), {})
        return schema if isinstance(schema, Mapping) else {}

    def _ours(self, schema: Any) -> Any:
        """The schema with its references leading into the document."""
        if isinstance(schema, list):
            return [self._ours(each) for each in schema]
        if not isinstance(schema, dict):
            return schema
        made = {}
        for name, value in schema.items():
            if name == "$ref" and isinstance(value, str) and value.startswith(_DEFS):
                made[name] = _SCHEMAS + self._names[value.removeprefix(_DEFS)]
            else:
                made[name] = value if name in {"enum", "const", "examples"} else self._ours(value)
        return made


def _node(node: Node, forward: Forward, described: _Described, sampler: Sampler) -> Node:
    """One operation of the document as it is forwarded."""
    own = [each for each in node.get("parameters", ()) if "$ref" in each]
    made = {**node, "parameters": [*own, *_parameters(forward.fields, described)]}
    made.pop("requestBody", None)
    if forward.media != "none":
        schema = described.body(forward)
        media = {"schema": schema}
        for each in sampler.samples(schema):
            media["example"] = each
        content = {"application/json": media}
        made["requestBody"] = {"required": forward.body_required, "content": content}
    failures = {name: each for name, each in node["responses"].items() if name in ("4XX", "5XX")}
    made["responses"] = {**_replies(forward, described), **failures}
    made["x-bankside-errors"] = sorted(_codes(node, forward))
    return made


def _parameters(fields: Iterable[SentField], described: _Described) -> Iterator[Node]:
    """Every parameter as our callers give it: in the path, or as a part of the query."""
    for each in fields:
        place = "path" if each.place == "path" else "query"
        made: Node = {"name": each.native, "in": place, "schema": described.named(each.schema)}
        made["required"] = each.required or place == "path"
        if each.kind == "array":
            made |= {"style": "form" if place == "query" else "simple", "explode": False}
        elif each.kind == "object" and place == "query":
            made |= {"style": "deepObject", "explode": True}
        yield made


def _replies(forward: Forward, described: _Described) -> Node:
    made: Node = {}
    for status, reply in forward.replies.items():
        answer: Node = {"description": "Done; signed"}
        if reply.media_type == "application/json":
            schema = described.reply(forward, reply)
            answer["content"] = {"application/json": {"schema": schema}}
        elif reply.media_type:
            answer["content"] = {reply.media_type: {}}
        ours = status if status in {"200", "201", "202", "204", "2XX"} else "200"
        made.setdefault("2XX" if status == "default" else ours, answer)
    return made or {"200": {"description": "Done; signed"}}


def _codes(node: Node, forward: Forward) -> frozenset[str]:
    keyed = "#/components/parameters/IdempotencyKey" in {
        each.get("$ref") for each in node.get("parameters", ())
    }
    named = {each.code for each in forward.refusals}
    return (
        ALWAYS
        | (READS if forward.method == "GET" else WRITES)
        | named
        | (KEYED if keyed else frozenset())
    )
