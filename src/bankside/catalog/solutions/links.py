"""The links of an assembly: what each field of a step is brought, and from where."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bankside.catalog.model import Catalogue, Input, ProductOperation
from bankside.catalog.solution_definitions import Solution
from bankside.catalog.solution_definitions import SolutionStep as Step
from bankside.catalog.solutions import values
from bankside.catalog.solutions.answers import Kind, answered
from bankside.catalog.solutions.conditions import Comparison, comparison
from bankside.catalog.solutions.fitting import constant_misfit, formless, misfit
from bankside.catalog.solutions.values import (
    RUN_FACTS,
    Composed,
    Joined,
    Listed,
    Path,
    Share,
    Value,
    ValueInvalid,
)

# Kinds that a text is joined of; the rest is no text, or a credential.
_TEXTS = frozenset(
    {"text", "int", "date", "time", "account", "party", "merchant", "consent", "order"}
)
_NUMBERS = frozenset({"int", "money"})
_ONE_CURRENCY = "fx.quote"
_BOTH_SIDES = ("payer_account", "payee_account")


@dataclass(frozen=True, slots=True)
class Broken:
    """One broken link: where it is written, what is wrong, and with which step."""

    pointer: str
    code: str
    detail: str
    step: str | None = None

    def __str__(self) -> str:
        return f"{self.pointer}: {self.detail} [{self.code}]"


@dataclass(frozen=True, slots=True)
class Place:
    """The fields of one call: where they are written, and the steps that are over before it."""

    pointer: str
    step: Step
    operation: ProductOperation
    before: frozenset[str]
    undoes: bool = False


class Links:
    """Checks the bindings and conditions of one solution."""

    def __init__(self, solution: Solution, catalogue: Catalogue) -> None:
        self._solution = solution
        self._catalogue = catalogue

    def bindings(self, place: Place, bound: Mapping[str, Any]) -> Iterator[Broken]:
        """Faults of the fields of one call."""
        fields = {each.name: each for each in place.operation.inputs}
        for name in bound.keys() - fields.keys():
            words = f"{place.operation.id} has no field {name}"
            yield self._broken(place, f"/{name}", "link.field_unknown", words)
        for name, each in fields.items():
            if name not in bound:
                yield from self._left_out(place, each, bound)
        kinds: dict[str, Kind] = {}
        for name in [each for each in fields if each in bound]:
            try:
                value = values.parse(bound[name])
            except ValueInvalid as error:
                yield self._broken(place, f"/{name}", "link.value_invalid", str(error))
                continue
            yield from self._value(place, f"/{name}", fields[name], value)
            kinds.update(self._kinds(place, name, value))
        yield from self._one_currency(place, kinds)
        yield from self._two_sides(place, bound)

    def _kinds(self, place: Place, name: str, value: Value) -> Iterator[tuple[str, Kind]]:
        """The kinds of a field, and of what stands in its entries."""
        if isinstance(value, Listed):
            for index, entry in enumerate(value.entries):
                fields = entry.fields.items() if isinstance(entry, Composed) else ()
                for part, each in fields:
                    yield from self._kinds(place, f"{name}/{index}/{part}", each)
            return
        kind = self._kind(place, value)
        if kind is not None:
            yield name, kind

    def conditions(self, pointer: str, place: Place, texts: tuple[str, ...]) -> Iterator[Broken]:
        """Faults of the conditions of a step, or of what undoes it."""
        for index, text in enumerate(texts):
            at = replace(place, pointer=f"{pointer}/{index}")
            try:
                asked = comparison(text)
            except ValueInvalid as error:
                yield self._broken(at, "", "condition.invalid", str(error))
                continue
            faults = [fault for each in asked.paths for fault in self._path(at, "", each)]
            yield from faults
            if not faults and not self._comparable(at, asked):
                words = f"{text}: the two sides are not of one kind"
                yield self._broken(at, "", "condition.type_mismatch", words)

    def _left_out(self, place: Place, field: Input, bound: Mapping[str, Any]) -> Iterator[Broken]:
        other = field.instead_of
        stood_for = {each.instead_of for each in place.operation.inputs if each.name in bound}
        if (field.required and field.name not in stood_for) or (other and other not in bound):
            words = f"{place.operation.id} requires {field.name}, and nothing brings it"
            yield self._broken(place, f"/{field.name}", "link.input_missing", words)

    def _value(self, place: Place, at: str, field: Input, value: Value) -> Iterator[Broken]:
        match value:
            case Path() | Share():
                yield from self._linked(place, at, field, value)
            case Joined(parts):
                for path in values.paths(value):
                    yield from self._path(place, at, path)
                kinds = [self._kind(place, each) for each in parts if isinstance(each, Path)]
                if field.type != "text" or any(k and k.type not in _TEXTS for k in kinds):
                    words = f"{field.name} is no text, or is joined of what is none"
                    yield self._broken(place, at, "link.type_mismatch", words)
                elif field.pattern or field.choices:
                    words = f"{field.name} takes a form of its own"
                    yield self._broken(place, at, "link.form_unknown", words)
                elif any(k and k.optional for k in kinds):
                    words = f"{field.name} is joined of what may be empty"
                    yield self._broken(place, at, "link.may_be_empty", words)
            case Listed(entries) if field.type == "list" and field.fields:
                for index, each in enumerate(entries):
                    yield from self._entry(place, f"{at}/{index}", field, each)
            case _:
                yield from self._constant(place, at, field, value)

    def _linked(self, place: Place, at: str, field: Input, value: Path | Share) -> Iterator[Broken]:
        source = value if isinstance(value, Path) else value.of
        faults = list(self._path(place, at, source))
        yield from faults
        kind = None if faults else self._kind(place, value)
        if kind is None:
            return
        if place.undoes and kind.type in ("secret", "token"):
            words = f"{source} is a credential: nobody is there to show it when a step is undone"
            yield self._broken(place, at, "link.type_mismatch", words)
            return
        named = self._catalogue.products[kind.order].archetype if kind.order else None
        wrong = misfit(field, kind, named)
        if wrong is None and source.source == "steps":
            wrong = formless(field, kind)
        if isinstance(value, Share) and kind.type != "money":
            wrong = ("link.type_mismatch", "a share is taken of an amount")
        if wrong:
            words = f"{field.name} of {place.operation.id} from {source}: {wrong[1]}"
            yield self._broken(place, at, wrong[0], words)

    def _entry(self, place: Place, at: str, field: Input, entry: Value) -> Iterator[Broken]:
        if not isinstance(entry, Composed):
            words = f"an entry of {field.name} is an object"
            yield self._broken(place, at, "link.type_mismatch", words)
            return
        wanted = {each.name: each for each in field.fields}
        for name in entry.fields.keys() - wanted.keys():
            words = f"an entry of {field.name} has no field {name}"
            yield self._broken(place, f"{at}/{name}", "link.field_unknown", words)
        for name, each in wanted.items():
            if name in entry.fields:
                # A part of an entry is there or the whole request is not: nothing is left out.
                whole = replace(each, required=True)
                yield from self._value(place, f"{at}/{name}", whole, entry.fields[name])
            elif each.required:
                words = f"an entry of {field.name} requires {name}, and nothing brings it"
                yield self._broken(place, f"{at}/{name}", "link.input_missing", words)

    def _constant(self, place: Place, at: str, field: Input, value: Value) -> Iterator[Broken]:
        if any(values.paths(value)):
            words = f"{field.name} is of type {field.type} and not put together"
            yield self._broken(place, at, "link.type_mismatch", words)
            return
        wrong = constant_misfit(field, values.resolve(value, {}))
        if wrong:
            yield self._broken(place, at, wrong[0], f"{field.name}: {wrong[1]}")

    def _path(self, place: Place, at: str, path: Path) -> Iterator[Broken]:
        """A path leads to a field of a run's input, or of a step that is over before."""
        step = self._solution.step(path.step) if path.step else None
        if step is not None and step.id not in place.before:
            words = f"{path}: step {step.id} is not over before {place.step.id}"
            yield self._broken(place, at, "link.not_before", words)
        elif self._kind(place, path) is None:
            words = f"{path} leads to nothing"
            yield self._broken(place, at, "link.path_unknown", words)

    def _kind(self, place: Place, value: Value) -> Kind | None:
        """What a value is, with its currency; None for constants and what leads nowhere."""
        match value:
            case Path(source="run", parts=parts):
                return Kind(RUN_FACTS[parts[0]]) if RUN_FACTS.keys() & {".".join(parts)} else None
            case Path(source="input"):
                return self._of_input(value)
            case Path():
                return self._of_step(value)
            case Share(of=of):
                kind = self._kind(place, of)
                return replace(kind, optional=kind.optional) if kind else None
            case Composed() if not any(values.paths(value)):
                given = values.resolve(value, {})
                is_money = set(given) == {"amount", "currency"}
                return Kind("money", currency=str(given["currency"])) if is_money else None
        return None

    def _of_input(self, path: Path) -> Kind | None:
        found = next((each for each in self._solution.inputs if each.name == path.parts[0]), None)
        if found is None:
            return None
        optional = not found.field.required
        if len(path.parts) > 1:
            is_part = found.field.type == "money" and path.parts[1:] in (("amount",), ("currency",))
            return Kind("text", optional=optional) if is_part else None
        paid = found.field.type != "list" or any(
            each.type == "money" for each in found.field.fields
        )
        return Kind(
            found.field.type,
            optional=optional,
            currency=found.currency if paid else None,
            account=found.kind if found.field.type == "account" else None,
            fields=found.field.fields,
        )

    def _of_step(self, path: Path) -> Kind | None:
        step = self._solution.step(path.parts[0])
        operation = self._catalogue.operations.get(step.operation) if step else None
        if step is None or operation is None or step.product not in self._catalogue.products:
            return None
        kind = answered(self._catalogue.products[step.product], operation, path.parts[1:])
        if kind is None or kind.type not in ("money", "account"):
            return kind
        return replace(kind, currency=self._currency_of(step, path))

    def _currency_of(self, step: Step, path: Path) -> str | None:
        """The currency of what a step answers: that of its amounts and accounts, where it is one.

        Sections of an exchange may be in either.
        """
        product = self._catalogue.products[step.product]
        if any(each.use == _ONE_CURRENCY for each in product.steps):
            return None
        began = self._solution.step(step.of) if step.of else None
        for raw in (*step.bindings.values(), *(began.bindings.values() if began else ())):
            if isinstance(raw, str) and raw.startswith("$input."):
                kind = self._of_input(values.path(raw))
                if kind and kind.currency:
                    return kind.currency
        return None

    def _one_currency(self, place: Place, kinds: Mapping[str, Kind]) -> Iterator[Broken]:
        owner = self._catalogue.product(place.operation.product)
        if any(each.use == _ONE_CURRENCY for each in owner.steps):
            return
        first: tuple[str, str] | None = None
        for name, kind in kinds.items():
            if kind.type not in ("money", "account", "list") or kind.currency is None:
                continue
            if first is not None and kind.currency != first[1]:
                words = f"{name} is in {kind.currency}, {first[0]} in {first[1]}"
                yield self._broken(place, f"/{name}", "link.currency_mismatch", words)
            first = first or (name, kind.currency)

    def _two_sides(self, place: Place, bound: Mapping[str, Any]) -> Iterator[Broken]:
        sides = [bound.get(each) for each in _BOTH_SIDES]
        if sides[0] is not None and sides[0] == sides[1]:
            words = f"payer and payee are one: {sides[0]}"
            yield self._broken(place, "/payee_account", "link.same_account", words)

    def _comparable(self, place: Place, asked: Comparison) -> bool:
        left = self._kind(place, asked.left)
        assert left is not None, "its path was found"
        if isinstance(asked.right, Path):
            right = self._kind(place, asked.right)
            both = {left.type, right.type if right else ""}
            return len(both) == 1 or both <= _NUMBERS
        given = asked.right if isinstance(asked.right, list) else [asked.right]
        return all(_alike(left.type, asked.operator, each) for each in given)

    def _broken(self, place: Place, at: str, code: str, words: str) -> Broken:
        return Broken(f"{place.pointer}{at}", code, f"step {place.step.id}: {words}", place.step.id)


def _alike(kind: str, operator: str, literal: Any) -> bool:
    """Whether a literal can be compared with what is of a kind."""
    if isinstance(literal, bool):
        return kind == "bool" and operator in ("==", "!=", "in")
    if isinstance(literal, int | Decimal):
        return kind in _NUMBERS
    return isinstance(literal, str) and kind in (_TEXTS - {"int"}) | {"money"}
