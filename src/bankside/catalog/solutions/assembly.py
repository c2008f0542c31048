"""Whether an assembly can run: every fault names the link that is broken, with a JSON Pointer.

Always true of an assembly without faults: its steps wait for each other in no circle, each field
that a step's operation requires is brought from somewhere that comes before it and fits, amounts
and accounts of one step are of one currency, its products answer for whoever asks, and what moves
money says what gives it back. What the values themselves are is known when a run begins.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bankside.catalog.model import Catalogue, Product, ProductOperation
from bankside.catalog.solution_definitions import ORDER_STATES, STANDS, STATUS_WORDS, Solution
from bankside.catalog.solution_definitions import SolutionStep as Step
from bankside.catalog.solutions.links import Broken, Links, Place

_UNTIL = ORDER_STATES | STATUS_WORDS | {STANDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """For whom it is asked. ``subscribed``, ``scopes`` None: for nobody in particular."""

    runnable: Callable[[Product, ProductOperation], bool]
    offline: frozenset[str] = frozenset()
    subscribed: frozenset[str] | None = None
    scopes: frozenset[str] | None = None


def broken(solution: Solution, catalogue: Catalogue, asker: Asker) -> list[Broken]:
    """Every broken link of an assembly, in the order of its steps; empty: it can run."""
    return _Assembly(solution, catalogue, asker).faults()


def closed(solution: Solution, catalogue: Catalogue, asker: Asker) -> list[Broken]:
    """The faults of an assembly whose links were checked before: what does not answer the asker."""
    return _Assembly(solution, catalogue, asker).unanswered()


def needed(solution: Solution, catalogue: Catalogue) -> tuple[str, ...]:
    """The products an app has to subscribe to for the solution, those that undo included."""
    operations = [each.undo.operation for each in solution.steps if each.undo]
    undoing = [catalogue.operations[each].product for each in operations]
    found = dict.fromkeys((*solution.products, *undoing))
    return tuple(each for each in found if each in catalogue.products)


@dataclass
class _Assembly:
    solution: Solution
    catalogue: Catalogue
    asker: Asker
    found: list[Broken] = field(default_factory=list)

    def faults(self) -> list[Broken]:
        self.found = [*self._names(), *self._order()]
        if self.found:
            return self.found
        for number, step in enumerate(self.solution.steps):
            self.found += self._step(number, step)
        return self.found

    def unanswered(self) -> list[Broken]:
        for number, step in enumerate(self.solution.steps):
            at, operations = f"/steps/{number}/product", self.catalogue.operations
            for name in (step.operation, *([step.undo.operation] if step.undo else [])):
                operation = operations[name]
                product = self.catalogue.product(operation.product)
                self.found += self._answers(at, step, product, operation)
        return self.found

    def _names(self) -> Iterator[Broken]:
        steps = [each.id for each in self.solution.steps]
        for number, name in enumerate(steps):
            if name in steps[:number]:
                at = f"/steps/{number}/id"
                yield Broken(at, "step.stands_twice", f"step {name} stands twice", name)
        names = [each.name for each in self.solution.inputs]
        for number, name in enumerate(names):
            if name in names[:number]:
                at = f"/inputs/{number}/name"
                yield Broken(at, "input.stands_twice", f"input {name} stands twice")

    def _order(self) -> Iterator[Broken]:
        """Steps wait for steps that exist, and in no circle."""
        known = {each.id for each in self.solution.steps}
        for number, step in enumerate(self.solution.steps):
            for index, name in enumerate(step.after):
                if name not in known:
                    at = f"/steps/{number}/after/{index}"
                    words = f"step {step.id} waits for {name}, which is no step"
                    yield Broken(at, "step.after_unknown", words, step.id)
                elif step.id in self.before[name] | {name}:
                    at = f"/steps/{number}/after/{index}"
                    words = f"steps {step.id} and {name} wait for each other"
                    yield Broken(at, "step.circle", words, step.id)

    @cached_property
    def before(self) -> Mapping[str, frozenset[str]]:
        """The steps that are over before each one begins."""
        links = {each.id: each.after for each in self.solution.steps}
        found: dict[str, frozenset[str]] = {}
        for name, after in links.items():
            reached: set[str] = set()
            waiting = list(after)
            while waiting:
                each = waiting.pop()
                if each not in reached and each in links:
                    reached.add(each)
                    waiting += links[each]
            found[name] = frozenset(reached)
        return found

    def _step(self, number: int, step: Step) -> Iterator[Broken]:
        at = f"/steps/{number}"
        operation = self.catalogue.operations.get(step.operation)
        if step.product not in self.catalogue.products:
            words = f"{step.id} is of {step.product}, which the catalogue has not"
            yield Broken(f"{at}/product", "product.unknown", words, step.id)
            return
        if operation is None or not operation.writes or operation.product != step.product:
            words = f"{step.product} offers no call {step.operation.rpartition('.')[2]}"
            yield Broken(f"{at}/operation", "operation.unknown", words, step.id)
            return
        product = self.catalogue.products[step.product]
        yield from self._answers(f"{at}/product", step, product, operation)
        yield from self._acts(at, step, operation)
        for index, word in enumerate(step.until):
            if word not in _UNTIL:
                words = f"no order is ever {word}"
                yield Broken(f"{at}/until/{index}", "until.unknown", words, step.id)
        links = Links(self.solution, self.catalogue)
        place = Place(f"{at}/with", step, operation, self.before[step.id])
        yield from links.conditions(f"{at}/when", place, step.conditions)
        yield from links.bindings(place, step.bindings)
        yield from self._undone(at, step, operation, links)

    def _answers(
        self, at: str, step: Step, product: Product, operation: ProductOperation
    ) -> Iterator[Broken]:
        """Whether the product answers for whoever asks."""
        asked = self.asker
        if not asked.runnable(product, operation):
            words = f"{operation.id} is described, and nothing executes it yet"
            yield Broken(at, "product.not_available", words, step.id)
        if product.id in asked.offline:
            yield Broken(at, "product.offline", f"{product.id} is offline", step.id)
        open_to_all = asked.subscribed is None or product.id not in self.catalogue.products
        if not open_to_all and product.id not in (asked.subscribed or ()):
            words = f"the app has not subscribed to {product.id}"
            yield Broken(at, "product.not_subscribed", words, step.id)
        granted = [each for each in (self.solution.scopes, asked.scopes) if each is not None]
        for scope in sorted(product.consent_scopes):
            if any(scope not in each for each in granted):
                words = f"{product.id} needs the scope {scope}, which was not granted"
                yield Broken(at, "scope.not_granted", words, step.id)

    def _acts(self, at: str, step: Step, operation: ProductOperation) -> Iterator[Broken]:
        """An act names the step whose order it acts on; a beginning names none."""
        on_order = "{" in operation.path
        if step.of is None:
            if on_order:
                words = f"{operation.id} acts on an order; say `of` which step"
                yield Broken(f"{at}/operation", "step.of_missing", words, step.id)
            return
        began = self.solution.step(step.of)
        if began is None or step.of not in self.before[step.id]:
            words = f"{step.id} acts on {step.of}, which is not over before it"
            yield Broken(f"{at}/of", "step.of_unknown", words, step.id)
        elif not on_order or began.of is not None or began.product != step.product:
            words = f"{operation.id} does not act on what {step.of} begins"
            yield Broken(f"{at}/of", "step.of_other", words, step.id)

    def _undone(
        self, at: str, step: Step, operation: ProductOperation, links: Links
    ) -> Iterator[Broken]:
        """What moves money says what gives it back, or why nothing does."""
        if step.undo is None:
            if operation.moves_money and step.final is None:
                words = f"{step.id} moves money: say `undo` what gives it back, or `final` why not"
                yield Broken(f"{at}/undo", "undo.missing", words, step.id)
            return
        undoing = self.catalogue.operations.get(step.undo.operation)
        if undoing is None or not undoing.writes:
            words = f"there is no call {step.undo.operation}"
            yield Broken(f"{at}/undo/operation", "operation.unknown", words, step.id)
            return
        if "{" in undoing.path and undoing.product != step.product:
            words = f"{undoing.id} does not act on an order of {step.product}"
            yield Broken(f"{at}/undo/operation", "step.of_other", words, step.id)
        owner = self.catalogue.product(undoing.product)
        yield from self._answers(f"{at}/undo/operation", step, owner, undoing)
        known = self.before[step.id] | {step.id}
        place = Place(f"{at}/undo/with", step, undoing, known, undoes=True)
        yield from links.conditions(f"{at}/undo/when", place, step.undo.conditions)
        yield from links.bindings(place, step.undo.bindings)
