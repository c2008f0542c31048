"""Whatever the check accepts does start: assemblies put together from the whole catalogue.

Each is made of valid requests of random products, linked and then bent at random; the check either
names the broken link, or the run begins and none of its steps is refused for how it was put
together.
"""

import random
from collections.abc import Mapping
from typing import Any

import pytest
from tests.orders.requests import World, begins, preceding, valid
from tests.orders.solutions.solution_bank import CREATE, RunningBank, people

from bankside.catalog import Product, ProductOperation, load
from bankside.catalog.solutions.assembly import Asker
from bankside.catalog.solutions.service import check, install
from bankside.kernel.db import transaction
from bankside.orders import Orders
from bankside.orders.errors import InputInvalid

ROUNDS = 25
ASSEMBLIES_A_ROUND = 4
ANYBODY = Asker(runnable=Orders.runnable)
TEXT = {"zh": "生成", "en": "generated"}
# How a step may not be refused: these are faults of the assembly, not of a value.
OF_THE_ASSEMBLY = {"request.invalid", "product.not_available", "link.empty", "order.not_found"}
_UNSEEN = frozenset({"secret", "token"})


def _candidates() -> list[tuple[Product, ProductOperation]]:
    found = []
    for product in load().products.values():
        operation = begins(product)
        if operation and Orders.runnable(product, operation) and not preceding(product):
            found.append((product, operation))
    return found


class Maker:
    """One generated assembly with values for its inputs, and what was bent about it."""

    def __init__(self, choose: random.Random, world: World) -> None:
        self.choose = choose
        self.world = world
        self.inputs: dict[str, dict[str, Any]] = {}
        self.values: dict[str, Any] = {}
        self.steps: list[dict[str, Any]] = []
        self.bent: str | None = None

    def make(self) -> dict[str, Any]:
        for product, operation in self.choose.sample(_candidates(), self.choose.randint(1, 3)):
            self._add(product, operation)
        if self.choose.random() < 0.6:
            self._bend()
        return {
            "id": f"generated-{self.choose.randrange(10**9)}",
            "name": TEXT,
            "description": TEXT,
            "industries": ["I"],
            "scenes": ["online-mall"],
            "inputs": list(self.inputs.values()),
            "steps": self.steps,
        }

    def _add(self, product: Product, operation: ProductOperation) -> None:
        name = f"s{len(self.steps)}"
        # A number of its own: two orders never share one.
        self.world = {**self.world, "no": f"N{self.choose.randrange(10**9)}"}
        body = valid(product, operation, self.world)
        fields = {each.name: each for each in operation.inputs}
        bound = {each: self._bound(name, fields[each], body[each]) for each in body}
        step: dict[str, Any] = {
            "id": name,
            "product": product.id,
            "operation": operation.word,
            "does": TEXT,
            "after": [each["id"] for each in self.steps if self.choose.random() < 0.5],
            "with": bound,
            "until": ["begun"],
            "on_failure": "continue",
            "final": TEXT,
        }
        self.steps.append(step)

    def _bound(self, step: str, field: Any, value: Any) -> Any:
        """The value as an input, as a constant, or as a text made of two."""
        if field.type not in _UNSEEN and self.choose.random() < 0.3:
            return value
        if field.type == "text" and not field.pattern and not field.choices:
            name = f"{step}_{field.name}"
            self._declare(name, field, value)
            return {"$text": [f"$input.{name}"]} if self.choose.random() < 0.3 else f"$input.{name}"
        name = f"{step}_{field.name}"
        self._declare(name, field, value)
        return f"$input.{name}"

    def _declare(self, name: str, field: Any, value: Any) -> None:
        row: dict[str, Any] = {
            "name": name,
            "type": field.type,
            "required": True,
            "label": TEXT,
        }
        if field.fields:
            row["fields"] = [_input_row(each) for each in field.fields]
            row["currency"] = "CNY"
        if field.type == "money":
            row["currency"] = value["currency"]
        if field.type == "account":
            row["currency"] = "USD" if value == self.world["dollars"] else "CNY"
            row["kind"] = "pension" if value == self.world["pension"] else "current"
        self.inputs[name] = row
        self.values[name] = value

    def _bend(self) -> None:
        step = self.choose.choice(self.steps)
        name = self.choose.choice(list(step["with"]))
        others = [each for each in self.inputs if not each.startswith(step["id"])] or ["nobody"]
        bends = {
            "left out": lambda: step["with"].pop(name),
            "unknown path": lambda: step["with"].update({name: "$input.nobody"}),
            "unknown field": lambda: step["with"].update(no_such_field="x"),
            "another input": lambda: step["with"].update(
                {name: f"$input.{self.choose.choice(others)}"}
            ),
            "a number": lambda: step["with"].update({name: 5}),
            "an answer": lambda: step["with"].update(
                {name: f"$steps.{self.choose.choice(self.steps)['id']}.status"}
            ),
            "an id": lambda: step["with"].update(
                {name: f"$steps.{self.choose.choice(self.steps)['id']}.id"}
            ),
            "waits for itself": lambda: step.update(after=[step["id"]]),
            "other currency": lambda: [
                row.update(currency="JPY") for row in self.inputs.values() if "currency" in row
            ][:1],
            "optional": lambda: [row.update(required=False) for row in self.inputs.values()],
        }
        self.bent = self.choose.choice(sorted(bends))
        bends[self.bent]()  # type: ignore[no-untyped-call]


def _input_row(field: Any) -> dict[str, Any]:
    row = {"name": field.name, "type": field.type, "required": field.required}
    return row | ({"pattern": field.pattern} if field.pattern else {})


@pytest.mark.parametrize("number", range(ROUNDS))
async def test_whatever_is_accepted_starts(runs: RunningBank, number: int) -> None:
    choose = random.Random(number)
    world = await people(runs)
    for _ in range(ASSEMBLIES_A_ROUND):
        made = Maker(choose, world)
        row = made.make()
        faults = check(row, load(), ANYBODY)
        if faults:
            assert made.bent is not None, [str(each) for each in faults]
            continue
        async with transaction(runs.pool) as db:
            await install(db, runs.clock, load(), ANYBODY, row, partner=runs.partner)
        values = {each["name"]: _of_currency(each, made.values) for each in row["inputs"]}

        try:
            answer = await runs.call(CREATE, {"solution": row["id"], "input": values})
        except InputInvalid as refused:
            # A value meant for one field was given to another of another form, and is named.
            assert made.bent == "another input", (made.bent, refused.errors)
            assert all(each["pointer"].startswith("/input/") for each in refused.errors)
            continue

        assert answer.status in {201, 202}
        assert isinstance(answer.body, Mapping)
        for branch in answer.body["branches"]:
            assert branch["code"] not in OF_THE_ASSEMBLY, (made.bent, row["steps"], branch)
            if made.bent is None:
                assert branch["state"] == "done", (
                    branch["step"],
                    branch["product"],
                    branch["code"],
                    branch["detail"],
                )


def _of_currency(row: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    """The value in the currency that the input was bent to."""
    found = values[row["name"]]
    return _yen(found) if row.get("currency") == "JPY" else found


def _yen(found: Any) -> Any:
    if isinstance(found, list):
        return [_yen(each) for each in found]
    if isinstance(found, dict) and set(found) == {"amount", "currency"}:
        return {"amount": found["amount"].partition(".")[0], "currency": "JPY"}
    if isinstance(found, dict):
        return {name: _yen(each) for name, each in found.items()}
    return found
