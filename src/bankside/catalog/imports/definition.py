"""An imported set as the life cycle and the router know it: a product whose steps are elsewhere.

Always true: reading is pure; a definition with an operation that nobody confirmed does not leave
the draft; what a product of this kind runs is named by the id of its upstream alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from bankside.catalog.imports.errors import ReviewInvalid
from bankside.catalog.imports.naming import shape
from bankside.catalog.imports.proposing import Review
from bankside.catalog.imports.review import Confirmed, ConfirmedOperation, confirmed
from bankside.catalog.model import Catalogue, Input, Product, ProductOperation, Text
from bankside.catalog.naming import icbc_path
from bankside.kernel.snapshot import Operation, SentField, Upstream

KIND = "upstream"
FAMILY = "upstream"
SERVING, READS = "serving", "reads"
# Our own time around the upstream's: checks before, a signature after, one repeat of a read.
OWN_MS = 1_000
BODY_MAX = 262_144
_MEMBERS = frozenset(Confirmed.__struct_fields__)

Definition = Mapping[str, Any]


def definition_of(review: Review, upstream: Upstream) -> dict[str, Any]:
    """The definition of a product version: its review, what serves it, what its reads take."""
    reads = {
        name.rpartition(".")[2]: [_query(each) for each in forward.fields if each.place == "query"]
        for name, forward in upstream.forwards.items()
        if forward.method == "GET"
    }
    return {**review, "id": review["product"], SERVING: upstream.id, READS: reads}


def _query(field: SentField) -> dict[str, Any]:
    kinds = {"integer": "int", "boolean": "bool"}
    return {
        "name": field.native,
        "type": kinds.get(field.kind, "text"),
        "required": field.required,
    }


def review_of(definition: Definition) -> Confirmed:
    """The review in a definition; raises ReviewInvalid."""
    return confirmed({name: value for name, value in definition.items() if name in _MEMBERS})


def product_of(definition: Definition, version: int) -> Product:
    """The product of an imported set; raises ReviewInvalid."""
    review = review_of(definition)
    kept = tuple(each for each in review.operations if each.keep)
    return Product(
        id=review.product,
        category=review.product.partition(".")[0],
        name=Text(review.name.zh, review.name.en),
        description=Text(review.description.zh, review.description.en),
        tier="imported",
        archetype="",
        family=FAMILY,
        scenes=tuple(review.scenes),
        industries=tuple(review.industries),
        inputs=(),
        steps=(),
        primitives=(),
        fees=None,
        limits=None,
        risk_tier=review.risk_tier,
        data_class=review.data_class,
        consent_scopes=frozenset(review.scopes),
        operations=tuple(
            _operation(review, each, definition.get(READS, {}).get(each.word, ())) for each in kept
        ),
        version=version,
    )


def faults(definition: Definition, catalogue: Catalogue) -> list[str]:
    """What forbids to leave the draft."""
    try:
        review = review_of(definition)
    except ReviewInvalid as error:
        return [error.detail]
    kept = [each for each in review.operations if each.keep]
    found = []
    if not kept:
        found.append("no operation is kept: there is nothing to publish")
    waiting = [each.upstream for each in kept if not each.confirmed]
    if waiting:
        found.append(f"{len(waiting)} operations are not confirmed, such as {waiting[0]}")
    if SERVING not in definition:
        found.append("the review was not bound to its description")
    others = [each for each in catalogue.operations.values() if each.product != review.product]
    taken = {(each.method, shape(each.path)) for each in others}
    clash = next((each for each in kept if (each.method, shape(each.path)) in taken), None)
    if clash is not None:
        found.append(f"{clash.method} {clash.path} is a route of another product")
    root = f"/v1/{review.product.partition('.')[2]}"
    if any(each.path == root or each.path.startswith(f"{root}/") for each in others):
        found.append(f"{root} belongs to another product")
    return found


def route(operation: Operation, made: ProductOperation, definition: Definition) -> Operation:
    """The operation as the edge forwards it."""
    entry = _entry(definition, made.word)
    return replace(
        operation,
        available=True,
        upstream=str(definition[SERVING]),
        risk_tier=entry["risk_tier"],
        data_class=entry["data_class"],
        body_max=BODY_MAX,
        deadline_ms=definition["upstream"]["answer_ms"] + OWN_MS,
    )


def _entry(definition: Definition, word: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = next(
        each for each in definition["operations"] if each["word"] == word and each["keep"]
    )
    return found


def _operation(
    review: Confirmed, each: ConfirmedOperation, reads: Iterable[Mapping[str, Any]]
) -> ProductOperation:
    summary = each.summary or f"{each.method} {each.path}"
    return ProductOperation(
        id=f"{review.product}.{each.word}",
        product=review.product,
        method=each.method,  # type: ignore[arg-type]  # the description's reader knows no others
        path=each.path,
        purpose=each.word.rpartition("-")[2],
        word=each.word,
        icbc_path=icbc_path(review.product, each.word),
        inputs=tuple(Input(one["name"], one["type"], one["required"]) for one in reads),
        moves_money=each.moves_money,
        keyed=each.moves_money,
        open=True,
        description=Text(summary, summary),
        access=review.access,
        scopes=frozenset(each.scopes),
    )
