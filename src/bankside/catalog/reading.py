"""How one product, cloud or the platform is read from its definition.

Fills in what a definition leaves to rule: names on the wires, request fields by kind of route, and
whether a call can move money.
"""

from collections.abc import Mapping
from typing import Any, Literal

from bankside.catalog.model import (
    AccountFee,
    Archetype,
    Fees,
    Input,
    Limits,
    Primitive,
    Product,
    ProductOperation,
    Step,
    Text,
)
from bankside.catalog.naming import cloud_word, icbc_path, operation_word

Row = Mapping[str, Any]

PAGE = (Input("cursor", "text", False, max=512), Input("limit", "int", False))
_AMOUNT = Input("amount", "money", True)
_REASON = Input("reason", "text", False)
# Body fields by the last word of the path, for routes whose definition names none.
_BY_TAIL: Mapping[str, tuple[Input, ...]] = {
    "refunds": (_AMOUNT, _REASON),
    "drawdowns": (_AMOUNT,),
    "repayments": (_AMOUNT,),
    "claims": (_AMOUNT, _REASON),
    "redemptions": (Input("code", "text", False),),
    "closures": (_REASON,),
    "cancellations": (_REASON,),
    "retries": (_REASON,),
    "confirmations": (Input("remark", "text", False),),
    "settlements": (Input("remark", "text", False),),
}
# A list is filtered by the order it belongs to and by the caller's own numbers.
_OWN_NUMBERS = ("order", "order_no", "refund_no", "batch_no", "end_to_end_id", "reference")


def product(
    row: Row,
    category: str,
    archetypes: Mapping[str, Archetype],
    primitives: Mapping[str, Primitive],
) -> Product:
    """A product as its definition says."""
    steps = tuple(_step(each) for each in row["steps"])
    inputs = tuple(read_input(each) for each in row["inputs"])
    archetype = archetypes.get(row["archetype"])
    family = archetype.family if archetype else ""

    def operation(each: Row, *, added: bool) -> ProductOperation:
        word = operation_word(row["id"], each["method"], each["path"])
        return ProductOperation(
            id=f"{row['id']}.{word}",
            product=row["id"],
            method=each["method"],
            path=each["path"],
            purpose=each["purpose"],
            word=word,
            icbc_path=icbc_path(row["id"], word),
            runs=each.get("runs"),
            inputs=_fields(each, inputs, family),
            moves_money=_moves_money(each.get("runs"), steps, primitives),
            added=added,
            access=each.get("access", "signature"),
        )

    return Product(
        id=row["id"],
        category=category,
        name=_text(row["name"]),
        description=_text(row["description"]),
        tier=row["tier"],
        archetype=row["archetype"],
        family=family,
        scenes=tuple(row["scenes"]),
        industries=tuple(row["industries"]),
        inputs=inputs,
        steps=steps,
        primitives=tuple(row["primitives"]),
        fees=_fees(row["fees"]),
        limits=_limits(row["limits"]),
        risk_tier=row["risk_tier"],
        data_class=row["data_class"],
        consent_scopes=frozenset(row["consent_scopes"]),
        operations=tuple(operation(each, added=False) for each in row["operations"]),
        added_operations=tuple(
            operation(each, added=True) for each in row.get("added_operations", ())
        ),
        simulated=row.get("simulated", False),
        routes_missing=tuple(row.get("routes_missing", ())),
    )


def platform_product(row: Row) -> Product:
    """The platform's own operations, in the shape of a product that every app has."""

    def operation(each: Row) -> ProductOperation:
        # /v1/platform/<noun>, /v1/sandbox/<noun>, and what hangs below an item of either.
        noun = each.get("noun") or each["path"].split("/")[3]
        return ProductOperation(
            id=f"{row['id']}.{noun}.{each['word']}",
            product=row["id"],
            method=each["method"],
            path=each["path"],
            purpose=each["purpose"],
            word=each["word"],
            icbc_path=icbc_path(f"{row['id']}.{noun}", each["word"]),
            inputs=tuple(read_input(field) for field in each["inputs"]),
            moves_money=each["moves_money"],
            added=True,
            open=each.get("open", False),
            body=each.get("body"),
            answer=each.get("answer"),
            environments=tuple(each.get("environments", ("sandbox", "live"))),
            description=_text(each["description"]),
            keyed=each.get("keyed", False),
        )

    operations = tuple(operation(each) for each in row["operations"])
    return beside_the_shelf(row, "platform", operations)


def beside_the_shelf(
    row: Row, kind: Literal["platform", "access"], operations: tuple[ProductOperation, ...]
) -> Product:
    """A set of operations in the shape of a product: on no shelf, without a price."""
    return Product(
        id=row["id"],
        category="",
        name=_text(row["name"]),
        description=_text(row["description"]),
        tier=kind,
        archetype="",
        family=kind,
        scenes=(),
        industries=(),
        inputs=(),
        steps=(),
        primitives=(),
        fees=None,
        limits=None,
        risk_tier=row["risk_tier"],
        data_class=row["data_class"],
        consent_scopes=frozenset(),
        operations=operations,
    )


def cloud_operations(row: Row) -> tuple[ProductOperation, ...]:
    """The object routes of a cloud; its product id on the wires is ``cloud.<cloud>``."""
    product_id = f"cloud.{row['id']}"
    operations = []
    for each in row["operations"]:
        word = cloud_word(each["method"], each["path"])
        operations.append(
            ProductOperation(
                id=f"{product_id}.{word}",
                product=product_id,
                method=each["method"],
                path=each["path"],
                purpose=each["purpose"],
                word=word,
                icbc_path=icbc_path(product_id, word),
                inputs=PAGE if each["method"] == "GET" else (),
                open=each["method"] != "GET",
            )
        )
    return tuple(operations)


def _text(row: Row) -> Text:
    return Text(row["zh"], row["en"])


def read_input(row: Row) -> Input:
    """One field of a request."""
    return Input(
        name=row["name"],
        type=row["type"],
        required=row["required"],
        max=row.get("max"),
        pattern=row.get("pattern"),
        choices=tuple(row.get("choices", ())),
        fields=tuple(read_input(each) for each in row.get("fields", ())),
        instead_of=row.get("instead_of"),
        least=row.get("least"),
        most=row.get("most"),
    )


def _step(row: Row) -> Step:
    return Step(
        id=row["id"],
        use=row["use"],
        when=row.get("when", "next"),
        on_failure=row.get("on_failure", "stop"),
        roles=row.get("with", {}),
    )


def _fees(row: Row) -> Fees:
    account = row.get("account")
    return Fees(
        *(row["payer"], row["rate_bps"], row["currency"]),
        *(row.get("min_cents"), row.get("max_cents")),
        account=AccountFee(**account) if account else None,
    )


def _limits(row: Row | None) -> Limits | None:
    return Limits(row["per_transaction_cents"], row["per_day_cents"]) if row else None


def _fields(operation: Row, inputs: tuple[Input, ...], family: str) -> tuple[Input, ...]:
    """Body fields of a write, query fields of a read."""
    if "inputs" in operation:
        return tuple(read_input(each) for each in operation["inputs"])
    parts = operation["path"].split("/")[3:]
    if operation["method"] == "GET":
        return _query_fields(parts, inputs, family)
    if operation["method"] == "PATCH":
        return tuple(Input(each.name, each.type, False, each.max) for each in inputs)
    if operation["method"] == "DELETE":
        return ()
    if not parts or parts == ["exports"]:
        return inputs
    return _BY_TAIL[parts[-1]]


def _query_fields(parts: list[str], inputs: tuple[Input, ...], family: str) -> tuple[Input, ...]:
    if not parts:
        if family == "query":
            return inputs + PAGE
        return (
            tuple(
                Input(each.name, "text", False, each.max)
                for each in inputs
                if each.name in _OWN_NUMBERS
            )
            + PAGE
        )
    return PAGE if parts[-1] in ("lines", "receipts") else ()


def _moves_money(
    runs: str | None, steps: tuple[Step, ...], primitives: Mapping[str, Primitive]
) -> bool:
    """Whether starting ``runs`` can post, now or in a step that follows without a further call."""
    if runs is None:
        return False
    if runs in ("order.cancel", "order.retry"):
        return any(_posts(step.use, primitives) for step in steps)
    if _posts(runs, primitives):
        return True
    uses = [step.use for step in steps]
    if runs not in uses:
        return False
    for step in steps[uses.index(runs) + 1 :]:
        if step.when == "request":
            return False
        if _posts(step.use, primitives):
            return True
    return False


def _posts(use: str, primitives: Mapping[str, Primitive]) -> bool:
    primitive, _, op = use.partition(".")
    found = primitives.get(primitive)
    operation = found.operations.get(op) if found else None
    return operation is not None and operation.posts
