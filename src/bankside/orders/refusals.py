"""Which refusals an operation can answer with, read out of the code that carries it out.

Always true: a code that an operation answers is among ``codes`` of it (every call of the test bank
checks that); it may name a few more than one request can meet. Derived when documents are made,
never while a call is carried out. What the edge refuses before (signatures, quotas) is the same for
all operations and stands in ``docs/partner/errors.md``.
"""

from collections.abc import Callable, Iterator
from functools import cache, partial
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any, Final

from bankside.catalog import Product, ProductOperation
from bankside.kernel.errors import BanksideError, Unavailable
from bankside.orders.conditions import AMONG, CONDITIONS
from bankside.orders.errors import (
    BY_VERDICT,
    InputInvalid,
    KeyInProgress,
    KeyMissing,
    KeyReused,
    LimitPerDay,
    LimitPerTransaction,
    OrderBusy,
    PaymentRefused,
)
from bankside.orders.errors_core import ClassLimitExceeded
from bankside.orders.families import handler
from bankside.orders.openbanking import HANDLERS
from bankside.orders.preparations import PREPARATIONS
from bankside.orders.primitives import PRIMITIVES
from bankside.partners.webhooks import Webhooks

# Rooms whose functions refuse on behalf of orders; whatever lies below them cannot.
_ROOMS: Final = (
    *("bankside.orders", "bankside.bank", "bankside.identity", "bankside.partners"),
    "bankside.kernel.paging",
)
_KEYED: Final = frozenset({KeyMissing, KeyReused, KeyInProgress})
_MONEY: Final = frozenset(
    {*BY_VERDICT.values(), PaymentRefused, LimitPerDay, LimitPerTransaction, ClassLimitExceeded}
)
# Actions that undo or repeat any step of the plan.
_ANY_STEP: Final = frozenset({"order.cancel", "order.retry"})

Refusal = type[BanksideError]


def codes(product: Product, operation: ProductOperation) -> tuple[str, ...]:
    """The codes of the refusals the operation can answer with, in order."""
    if product.tier == "imported":
        return ()  # The edge forwards it; `catalog.display` knows what the service may refuse.
    carried_out = HANDLERS.get(operation.id) or handler(product, operation)
    if carried_out is None:
        return ("product.not_available",)
    found: set[Refusal] = {Unavailable, InputInvalid, *_named(_plain(carried_out))}
    for rules in (AMONG, CONDITIONS):
        if operation.id in rules:
            found |= _named(_plain(rules[operation.id]))
    if operation.writes:
        found |= {OrderBusy, *_KEYED}
    if operation.moves_money or operation.runs in PRIMITIVES:
        found |= _MONEY
    for use in _uses(product, operation):
        found |= _named(_plain(PRIMITIVES[use].run))
        if use in PREPARATIONS:
            found |= _named(_plain(PREPARATIONS[use]))
    return tuple(sorted({each.code for each in found}))


def _uses(product: Product, operation: ProductOperation) -> Iterator[str]:
    """The primitives the operation may run: its own, and those of the plan that follow it."""
    uses = [step.use for step in product.steps]
    runs = operation.runs
    first = 0 if runs in _ANY_STEP else None
    if runs is not None and runs in PRIMITIVES:
        yield runs
        first = uses.index(runs) if runs in uses else None
    if first is not None:
        yield from (use for use in uses[first:] if use in PRIMITIVES)


def _plain(function: Callable[..., Any]) -> FunctionType:
    """The function itself, out of a method or a partial application."""
    if isinstance(function, partial):
        return _plain(function.func)
    if isinstance(function, MethodType):
        return _plain(function.__func__)
    assert isinstance(function, FunctionType), "handlers and steps are functions"
    return function


@cache
def _named(function: FunctionType) -> frozenset[Refusal]:
    """The refusals that a function, or any it leads to, names."""
    found: set[Refusal] = set()
    seen: set[FunctionType] = set()
    waiting = [function]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.add(each)
        for value in _values(each):
            if isinstance(value, type) and issubclass(value, BanksideError):
                found.add(value)
            elif isinstance(value, FunctionType) and value.__module__.startswith(_ROOMS):
                waiting.append(value)
    return frozenset(each for each in found if "code" in vars(each))


def _values(function: FunctionType) -> Iterator[object]:
    """What the names in a function's code stand for: globals, attributes of modules, closures."""
    names = set(_names(function.__code__))
    known = [function.__globals__[name] for name in names if name in function.__globals__]
    yield from known
    for module in known:
        if isinstance(module, ModuleType):
            yield from (getattr(module, name) for name in names if hasattr(module, name))
    # A method names its class's other methods, which no global leads to.
    owner = function.__globals__.get(function.__qualname__.partition(".")[0])
    if isinstance(owner, type):
        yield from (vars(owner)[name] for name in names if name in vars(owner))
    if "_webhooks" in names:  # The one service that is reached through the desk.
        yield from (vars(Webhooks)[name] for name in names if name in vars(Webhooks))
    for cell in function.__closure__ or ():
        yield cell.cell_contents


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
