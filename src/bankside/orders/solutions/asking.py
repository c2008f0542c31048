"""The request that begins a run, read by the solution's own inputs; credentials kept apart.

Always true: what a run begins with is of the declared kinds, currencies and, where an input goes
straight into a product's field, of that field's form too; so a step is not refused later for what
could be seen at the beginning.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from bankside.catalog import Catalogue, Input, Solution, SolutionInput, SolutionStep
from bankside.catalog.solutions import Path, parse
from bankside.orders.errors import InputInvalid
from bankside.orders.inputs import fault, read_body, refuse
from bankside.orders.solutions import rules

_HEAD = (
    Input("solution", "text", True, max=64),
    Input("run_no", "text", False, max=40, pattern=r"[A-Za-z0-9_-]{1,40}"),
)
_STEP = (Input("step", "text", True, max=32),)
_SECRET = frozenset({"secret", "token"})


@dataclass(frozen=True, slots=True)
class Given:
    """Inputs as JSON, and the credentials among them, which nobody keeps in the open."""

    plain: Mapping[str, Any]
    secret: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request asks for, before the solution is known."""

    solution: str
    number: str | None
    input: Mapping[str, Any]


def asked(body: Mapping[str, Any]) -> Asked:
    """The request of a new run. Raises InputInvalid."""
    head, given = _apart(body)
    form = read_body(_HEAD, head)
    return Asked(form["solution"], form.get("run_no"), given)


def asked_step(body: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The step that a call begins, and what it brings. Raises InputInvalid."""
    head, given = _apart(body)
    return read_body(_STEP, head)["step"], given


def given(solution: Solution, catalogue: Catalogue, body: Mapping[str, Any]) -> Given:
    """The inputs of a new run. What only later calls use may come with them.

    Raises InputInvalid with a pointer for each fault.
    """
    late = rules.fed_by_call(solution)
    fields = [
        replace(each, field=replace(each.field, required=False)) if each.name in late else each
        for each in solution.inputs
    ]
    return _read(solution, catalogue, fields, body)


def given_to(
    solution: Solution, catalogue: Catalogue, step: SolutionStep, body: Mapping[str, Any]
) -> Given:
    """The inputs that the call of one step brings. Raises InputInvalid."""
    wanted = rules.reads(step)
    fields = [
        replace(each, field=replace(each.field, required=False))
        for each in solution.inputs
        if each.name in wanted
    ]
    return _read(solution, catalogue, fields, body)


def content_hash(solution: Solution, plain: Mapping[str, Any]) -> bytes:
    """What a run is about: equal for equal requests, whatever credentials they carry."""
    text = json.dumps([solution.id, plain], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).digest()


def _apart(body: Mapping[str, Any]) -> tuple[dict[str, Any], Mapping[str, Any]]:
    head = {name: value for name, value in body.items() if name != "input"}
    found = body.get("input", {})
    if not isinstance(found, Mapping):
        refuse([fault("/input", "field.type", "expected an object")])
    return head, found


def _read(
    solution: Solution,
    catalogue: Catalogue,
    fields: list[SolutionInput],
    body: Mapping[str, Any],
) -> Given:
    try:
        read_body([each.field for each in fields], body)
    except InputInvalid as error:
        refuse([{**each, "pointer": f"/input{each['pointer']}"} for each in error.errors])
    refuse([*_currencies(fields, body), *_forms(solution, catalogue, body)])
    secret = {each.name for each in fields if each.field.type in _SECRET}
    return Given(
        plain={name: value for name, value in body.items() if name not in secret},
        secret={name: body[name] for name in secret if name in body},
    )


def _currencies(fields: list[SolutionInput], body: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    for each in fields:
        found = body.get(each.name)
        if found is None:
            continue
        amounts = [(f"/input/{each.name}", found)] if each.field.type == "money" else []
        for inner in each.field.fields:
            if inner.type == "money":
                amounts += [
                    (f"/input/{each.name}/{index}/{inner.name}", entry[inner.name])
                    for index, entry in enumerate(found)
                    if entry.get(inner.name) is not None
                ]
        for pointer, amount in amounts:
            if amount["currency"] != each.currency:
                words = f"expected an amount in {each.currency}"
                yield fault(pointer, "amount.currency", words)


def _forms(
    solution: Solution, catalogue: Catalogue, body: Mapping[str, Any]
) -> Iterator[dict[str, str]]:
    """Faults of values in the form of the fields that they go straight into."""
    for step in solution.steps:
        fields = {each.name: each for each in catalogue.operations[step.operation].inputs}
        for name, raw in step.bindings.items():
            source = parse(raw)
            if not (isinstance(source, Path) and source.source == "input" and name in fields):
                continue
            (own,) = source.parts[:1]
            if len(source.parts) > 1 or body.get(own) is None:
                continue
            form = replace(fields[name], name=own, required=False, instead_of=None)
            try:
                read_body([form], {own: body[own]})
            except InputInvalid as error:
                for each in error.errors:
                    yield {**each, "pointer": f"/input{each['pointer']}"}
