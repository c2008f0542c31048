"""Every primitive operation as products really run it: order, step, ask and instant before it ran.

A few products that between them run every primitive are begun, acted upon and left to the clock in
a bank of their own; what each primitive was given is written down.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.orders.little_bank import LittleBank
from tests.orders.requests import World, begins, following, preceding, stand_up, valid

from bankside.catalog import Product, load
from bankside.kernel.clock import booking_date
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders
from bankside.orders.model import Order, PlanStep
from bankside.orders.primitives import PRIMITIVES, Ask

ENDS = ("cancellations", "closures", "revoke")
UNDOES = ("refunds", "returns")


@dataclass(frozen=True)
class Sample:
    """What a primitive was given."""

    order: Order
    step: PlanStep
    ask: Ask
    at: datetime


Samples = dict[str, list[Sample]]


@contextmanager
def recording(samples: Samples) -> Iterator[None]:
    """Writes down what every primitive is given while it is open."""
    known = dict(PRIMITIVES)
    assert isinstance(PRIMITIVES, dict)
    for use, primitive in known.items():
        PRIMITIVES[use] = dataclasses.replace(primitive, run=_noted(samples, use, primitive.run))
    try:
        yield
    finally:
        PRIMITIVES.update(known)


def _noted(samples: Samples, use: str, run: Callable[..., Any]) -> Callable[..., Any]:
    def noted(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Any:
        effect = run(order, step, ask, at)
        samples.setdefault(use, []).append(Sample(order, step, ask, at))
        return effect

    return noted


def covering() -> list[Product]:
    """Products, few of them, that between them run every primitive of the catalogue."""
    left = set(PRIMITIVES)
    chosen: list[Product] = []
    candidates = [each for each in load().products.values() if begins(each) is not None]
    while True:
        best = max(candidates, key=lambda each: len(_uses(each) & left))
        if not _uses(best) & left:
            return chosen
        left -= _uses(best)
        chosen.append(best)


def _uses(product: Product) -> set[str]:
    asked = {each.runs for each in product.all_operations if each.runs}
    return {each.use for each in product.steps} | asked


async def lived(bank: LittleBank, product: Product) -> None:
    """A product from its request to its end: acts in their turn, the clock in between."""
    world = await stand_up(bank)
    for each in preceding(product):
        shown = await bank.shown(each.operation, each.body(world), path=each.path(world))
        world[each.kept_as] = each.found(shown)
    operation = begins(product)
    assert operation is not None
    for part in ("whole", "ended"):
        order = await bank.shown(operation.id, valid(product, operation, world))
        await _goes_on(bank, order["id"])
        for each in sorted(product.all_operations, key=lambda op: _turn(op.word)):
            if not each.writes or not Orders.runnable(product, each) or each is operation:
                continue
            if part == "ended" and each.word not in ENDS:
                continue
            with suppress(BanksideError):
                await _acts(bank, world, product, each, order["id"])
        await _goes_on(bank, order["id"])
        world["no"] = f"{world['no']}x"


async def _acts(
    bank: LittleBank, world: World, product: Product, operation: Any, order: str
) -> None:
    body: Mapping[str, Any] = following(product, operation, world)
    if "code" in body:
        shown = await bank.shown(_read(product), path=order)
        code = shown["result"].get("ticket", {}).get("code", body["code"])
        body = {**body, "code": code}
    in_path = "{" in operation.path
    shown = await bank.shown(operation.id, body, path=order if in_path else None)
    await _goes_on(bank, shown.get("id", order))


def _read(product: Product) -> str:
    return next(
        each.id
        for each in product.all_operations
        if not each.writes and each.path.endswith("}")
    )


async def _goes_on(bank: LittleBank, order: str) -> None:
    """What workers and the clock do until tomorrow."""
    with suppress(BanksideError):
        await bank.orders.resume(order, partner=bank.partner)
    await bank.orders.end_of_day(booking_date(bank.clock) + timedelta(days=1))
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()


def _turn(word: str) -> tuple[bool, ...]:
    return (word in ENDS, word in UNDOES)
