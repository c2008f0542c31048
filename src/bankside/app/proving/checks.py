"""The three checks that the platform runs on a product version, over a running edge.

Contract fuzz: every operation, valid and just bad; no answer is a 5xx, each has the shape its
document says, each refusal a code it documents, none changes the books, and what the request's own
schema refuses is not carried out. Docs samples: every printed request, sent as printed, is
understood. Magic values: every documented code is had on request, on every wire.
Source: catalogue guide section 6 (gate of ``sandbox``).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bankside.app import outcomes
from bankside.app.proving.books import LOOKS, SpaceBooks
from bankside.app.proving.client import WIRES, Asked, Heard, Line, has_wire
from bankside.app.proving.judging import Contract
from bankside.app.proving.making import Maker
from bankside.app.proving.report import Check
from bankside.catalog import Product, ProductOperation
from bankside.gateway import spelled

# Nothing has this id: what a sample or a wish is asked of when nothing else stands.
NOBODYS: Final = "ord_00000000000000000000000000"
# What undoes or ends an order comes after everything else that can be done with it.
_LATE: Final = {"refunds": 1, "cancellations": 2, "closures": 2, "revoke": 2}
_BAD_IDS: Final = (NOBODYS, "x" * 300, "%", "ord_é", "..")

Tell = Callable[[str], None]


@dataclass(slots=True)
class Trial:
    """What the checks work with; ``tell`` is told how far they are."""

    product: Product
    line: Line
    contract: Contract
    maker: Maker
    books: SpaceBooks
    tell: Tell

    def body(self, operation: ProductOperation) -> Any:
        """A valid body: made from declared fields, or as printed where a whole schema says it."""
        if not operation.writes:
            return None
        if operation.inputs:
            return self.maker.valid(operation)
        return self.contract.sample(operation)

    @property
    def operations(self) -> Sequence[ProductOperation]:
        """Creates first, then reads and acts on what they made, then what undoes and ends."""
        return sorted(
            self.product.all_operations,
            key=lambda each: ("{" in each.path, each.writes, _LATE.get(each.word, 0)),
        )


async def contract_fuzz(trial: Trial) -> Check:
    """Every operation, well and badly."""
    check = Check("contract-fuzz")
    made: dict[str, str] = {}
    well: set[str] = set()
    await trial.books.look()
    for operation in trial.operations:
        of = _order_of(operation, made)
        for asked in _well(trial, operation, of):
            heard = await _judged(trial, check, asked)
            if heard.is_done:
                well.add(operation.id)
                if operation.writes and "{" not in operation.path and isinstance(heard.body, dict):
                    made.setdefault(operation.path, str(heard.body.get("id", "")))
        for how, asked in _badly(trial, operation, of):
            check.counts["bad_requests"] += 1
            await _judged(trial, check, asked, how=how)
        trial.tell(f"contract-fuzz {operation.id}: {check.counts['calls']} calls")
    check.counts["operations"] = len(trial.operations)
    check.counts["answered_well"] = len(well)
    if (unbalanced := await trial.books.unbalanced()) and trial.operations:
        last = Asked(operation=trial.operations[-1])
        said = f"balances do not add up to zero: {', '.join(unbalanced)}"
        check.wrong("native", last, Heard(0, "", None, ""), said)
    return check


async def docs_samples(trial: Trial) -> Check:
    """Every printed request, as printed."""
    check = Check("docs-samples")
    for operation in trial.operations:
        asked = Asked(
            operation=operation,
            of=NOBODYS,
            body=trial.contract.sample(operation),
            query=trial.contract.query(operation),
        )
        heard = await trial.line.call("native", asked)
        check.counts["calls"] += 1
        said = trial.contract.fault_of(operation, heard)
        if not said and heard.code == "request.invalid":
            said = f"the printed request is not understood: {_faults_in(heard)}"
        if not said and asked.body is not None and not trial.contract.takes(operation, asked.body):
            said = "the printed request is refused by its own schema"
        if said:
            check.wrong("native", asked, heard, said)
    check.counts["samples"] = check.counts["calls"]
    trial.tell(f"docs-samples: {check.counts['calls']} calls")
    return check


async def magic_values(trial: Trial) -> Check:
    """Every code that an operation documents, on every wire that has the operation."""
    check = Check("magic-values")
    codes: set[str] = set()
    for operation in trial.operations:
        for code in trial.contract.codes(operation):
            codes.add(code)
            for wire in WIRES:
                if has_wire(operation, wire):
                    await _wished(trial, check, wire, operation, code)
        trial.tell(f"magic-values {operation.id}: {check.counts['calls']} calls")
    check.counts["codes"] = len(codes)
    return check


async def _wished(
    trial: Trial, check: Check, wire: str, operation: ProductOperation, code: str
) -> None:
    asked = Asked(
        operation=operation,
        of=NOBODYS,
        body=trial.body(operation),
        query={} if operation.writes else trial.maker.query(operation),
        outcome=code,
    )
    heard = await trial.line.call(wire, asked)
    check.counts["calls"] += 1
    check.counts[wire] += 1
    known = outcomes.refusals().get(code, {})
    expected = spelled(wire, next(iter(known.values()))()) if known else ""
    said = f"{heard.status} {heard.code}" if wire == "native" else heard.code
    if not known:
        check.wrong(wire, asked, heard, f"{code} cannot be asked for")
    elif said != expected or (wire == "icbc" and heard.native_code != code):
        check.wrong(wire, asked, heard, f"asked for {code} ({expected}), heard {said}")


async def _judged(trial: Trial, check: Check, asked: Asked, *, how: str = "") -> Heard:
    """Call, and hold the answer against the document; a refusal against the books."""
    heard = await trial.line.call("native", asked)
    check.counts["calls"] += 1
    check.counts["done" if heard.is_done else "refused"] += 1
    label = f" ({how})" if how else ""
    if said := trial.contract.fault_of(asked.operation, heard):
        check.wrong("native", asked, heard, said + label)
    elif heard.is_done and _is_refused_by_schema(trial, asked):
        check.wrong("native", asked, heard, f"carried out what its own schema refuses{label}")
    if heard.is_done:
        await trial.books.look()
    elif await _changed(trial, asked):
        check.wrong("native", asked, heard, f"refused and changed the books{label}")
    return heard


async def _changed(trial: Trial, asked: Asked) -> bool:
    """Whether the refusal changes the books: each time it is asked for anew."""
    if not await trial.books.look():
        return False
    for _ in range(LOOKS - 1):
        await trial.line.call("native", asked)
        if not await trial.books.look():
            return False
    return True


def _is_refused_by_schema(trial: Trial, asked: Asked) -> bool:
    if isinstance(asked.body, bytes):
        return True
    takes = trial.contract.takes(asked.operation, asked.body)
    return asked.operation.writes and asked.body is not None and not takes


def _well(trial: Trial, operation: ProductOperation, of: str) -> Iterator[Asked]:
    """What the operation should carry out, on the order that stands."""
    asked = Asked(operation=operation, of=of)
    if not operation.writes:
        yield replace(asked, query=trial.maker.query(operation))
        return
    yield replace(asked, body=trial.body(operation))
    if operation.inputs:
        yield replace(asked, body=trial.maker.whole(operation))


def _badly(trial: Trial, operation: ProductOperation, of: str) -> Iterator[tuple[str, Asked]]:
    asked = Asked(operation=operation, of=of)
    if operation.writes and operation.method != "DELETE":
        printed = trial.contract.sample(operation)
        bad = trial.maker.bad(operation) if operation.inputs else trial.maker.spoiled(printed)
        for each in bad:
            yield each.how, replace(asked, body=each.body)
    if not operation.writes:
        for _ in range(LOOKS):
            query = trial.maker.query(operation, bad=True)
            yield "a query that no list takes", replace(asked, query=query)
    if "{" in operation.path:
        for wrong in _BAD_IDS:
            said = f"an id of nobody: {wrong[:30]}"
            yield said, replace(asked, of=wrong, body=trial.body(operation))


def _order_of(operation: ProductOperation, made: Mapping[str, str]) -> str:
    """The id that the product's own create gave; nobody's when it gave none."""
    collection = operation.path.partition("/{")[0]
    return made.get(collection) or NOBODYS


def _faults_in(heard: Heard) -> str:
    errors: Any = heard.body.get("errors") if isinstance(heard.body, dict) else None
    if not isinstance(errors, list):
        return str(heard.body)[:200]
    return "; ".join(f"{each.get('pointer')} {each.get('detail', '')}" for each in errors[:3])
