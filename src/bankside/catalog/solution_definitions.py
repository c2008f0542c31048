"""A solution: products put together for one scene, as steps with links between them.

Always true: a solution is data and nothing else; what it says is checked by ``assembly`` before
anything runs it; texts shown to people exist in Chinese and English.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bankside.catalog.model import Input, OnFailure, Text
from bankside.catalog.reading import read_input

Row = Mapping[str, Any]
# At once: as soon as the steps before it are done. By a call: when somebody asks for it then.
Trigger = Literal["at-once", "call"]
# What a step's order has to be for the step to be done, unless the step says otherwise.
DONE = ("completed",)
# What every order can be, whatever its product (``orders.model.State``).
ORDER_STATES = frozenset({"waiting", "completed", "reconciling"})
# The families' words for what became of an order's money (docs/build/orders.md).
STATUS_WORDS = frozenset(
    [
        "waiting",
        "paid",
        "settled",
        "refunded",
        "closed",
        "refused",
        "held",
        "captured",
        "released",
        "completed",
        "active",
        "used_up",
        "expired",
        "revoked",
        "presented",
        "issued",
        "redeemed",
        "accepted",
        "dishonoured",
        "lapsed",
        "passed",
        "failed",
        "open",
        "frozen",
        "sent",
        "granted",
        "overdue",
        "repaid",
        "contributed",
        "paid_out",
        "registered",
        "quoted",
        "converted",
        "terminated",
        "scheduled",
        "surrendered",
    ]
)
# A word that no order state has: the order stands, that is enough.
STANDS = "begun"


@dataclass(frozen=True, slots=True)
class SolutionInput:
    """A field of a run's request.

    ``currency``: of amounts and accounts, those of a list's entries too (None: of another type).
    ``kind``: the class of an account.
    """

    field: Input
    label: Text
    currency: str | None = None
    kind: str = "current"

    @property
    def name(self) -> str:
        """The field's name."""
        return self.field.name


@dataclass(frozen=True, slots=True)
class Undo:
    """What gives back what a step did: an operation on its order, or one of its own.

    Where its ``conditions`` do not all hold, nothing is left to give back.
    """

    operation: str
    bindings: Mapping[str, Any] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SolutionStep:
    """One call of a product's operation, once the steps in ``after`` are done.

    ``operation`` is its id; ``of`` names the step whose order it acts on (None: it begins one).
    ``conditions`` all have to hold, else the step is skipped. ``bindings`` say where each field of
    the request comes from (``values``). The step is done when its order's state or status is one
    of ``until``. ``final`` says why nothing gives back what it did.
    """

    id: str
    product: str
    operation: str
    does: Text
    after: tuple[str, ...] = ()
    of: str | None = None
    trigger: Trigger = "at-once"
    conditions: tuple[str, ...] = ()
    bindings: Mapping[str, Any] = field(default_factory=dict)
    until: tuple[str, ...] = DONE
    on_failure: OnFailure = "compensate"
    undo: Undo | None = None
    final: Text | None = None


@dataclass(frozen=True, slots=True)
class Solution:
    """Products put together for one scene.

    ``scopes`` is what customers and contract agreed to for it; None: all that its products need.
    """

    id: str
    name: Text
    description: Text
    industries: tuple[str, ...]
    scenes: tuple[str, ...]
    inputs: tuple[SolutionInput, ...]
    steps: tuple[SolutionStep, ...]
    scopes: frozenset[str] | None = None

    @property
    def products(self) -> tuple[str, ...]:
        """What it is put together from, in the order of its steps."""
        return tuple(dict.fromkeys(each.product for each in self.steps))

    def step(self, step_id: str) -> SolutionStep | None:
        """The step of this name."""
        return next((each for each in self.steps if each.id == step_id), None)


def solution(row: Row) -> Solution:
    """The solution that an entry of the right shape (``schemas.yaml``) defines."""
    return Solution(
        id=row["id"],
        name=_text(row["name"]),
        description=_text(row["description"]),
        industries=tuple(row["industries"]),
        scenes=tuple(row["scenes"]),
        inputs=tuple(_input(each) for each in row["inputs"]),
        steps=tuple(_step(each) for each in row["steps"]),
        scopes=frozenset(row["scopes"]) if "scopes" in row else None,
    )


def _text(row: Row) -> Text:
    return Text(row["zh"], row["en"])


def _input(row: Row) -> SolutionInput:
    has_currency = row["type"] in ("money", "account", "list")
    return SolutionInput(
        field=read_input(row),
        label=_text(row["label"]),
        currency=row.get("currency", "CNY") if has_currency else None,
        kind=row.get("kind", "current"),
    )


def _step(row: Row) -> SolutionStep:
    product = row["product"]
    return SolutionStep(
        id=row["id"],
        product=product,
        operation=_operation(product, row.get("operation", "create")),
        does=_text(row["does"]),
        after=tuple(row["after"]),
        of=row.get("of"),
        trigger=row.get("trigger", "at-once"),
        conditions=tuple(row.get("when", ())),
        bindings=row.get("with", {}),
        until=tuple(row.get("until", DONE)),
        on_failure=row.get("on_failure", "compensate"),
        undo=_undo(product, row["undo"]) if "undo" in row else None,
        final=_text(row["final"]) if "final" in row else None,
    )


def _undo(product: str, row: Row) -> Undo:
    operation = _operation(product, row["operation"])
    return Undo(operation, row.get("with", {}), tuple(row.get("when", ())))


def _operation(product: str, name: str) -> str:
    """An operation's id: a word is one of the step's own product."""
    return name if "." in name else f"{product}.{name}"
