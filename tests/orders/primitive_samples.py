"""Every primitive operation as products really run it: order, step, ask and instant before it ran.

A few products that between them run every primitive are begun, acted upon and left to the clock in
a bank of their own; what each primitive was given is written down.
"""

import dataclasses
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.orders.little_bank import LittleBank, cny
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
def recording(samples: Samples, spaces: set[str]) -> Iterator[None]:
    """Writes down what every primitive is given for orders of these data spaces while it is open.

    The sweeper wakes other tests' orders as well.
    """
    known = dict(PRIMITIVES)
    assert isinstance(PRIMITIVES, dict)
    for use, primitive in known.items():
        PRIMITIVES[use] = dataclasses.replace(
            primitive, run=_noted(samples, spaces, use, primitive.run)
        )
    try:
        yield
    finally:
        PRIMITIVES.update(known)


def _noted(
    samples: Samples, spaces: set[str], use: str, run: Callable[..., Any]
) -> Callable[..., Any]:
    def noted(order: Order, step: PlanStep, ask: Ask, at: datetime) -> Any:
        effect = run(order, step, ask, at)
        if order.partner in spaces:
            samples.setdefault(use, []).append(Sample(order, step, ask, at))
        return effect

    return noted


def next_product(samples: Samples, done: set[str]) -> Product | None:
    """The product that promises most of the primitives nobody has run yet; None at the end."""
    left = set(PRIMITIVES) - set(samples)
    rest = [
        each
        for each in load().products.values()
        if begins(each) is not None and each.id not in done
    ]
    best = max(rest, key=lambda each: len(_uses(each) & left), default=None)
    return best if best is not None and _uses(best) & left else None


def _uses(product: Product) -> set[str]:
    asked = {each.runs for each in product.all_operations if each.runs}
    return {each.use for each in product.steps} | asked


async def lived(bank: LittleBank, product: Product) -> None:
    """A product three times: with all that can be done, ended at once, and left to the clock."""
    world = await stand_up(bank)
    for each in preceding(product):
        shown = await bank.shown(each.operation, each.body(world), path=each.path(world))
        world[each.kept_as] = each.found(shown)
    operation = begins(product)
    assert operation is not None
    others = [
        each
        for each in product.all_operations
        if each.writes and each is not operation and Orders.runnable(product, each)
    ]
    ending = [each for each in others if each.word in (*ENDS, *UNDOES)]
    for acts in (others, ending, []):
        with suppress(BanksideError):  # Some things can be done once only.
            order = await bank.shown(operation.id, valid(product, operation, world))
            await bank.orders.resume(order["id"], partner=bank.partner)
            for each in sorted(acts, key=lambda op: _turn(op.word)):
                with suppress(BanksideError):
                    await _acts(bank, world, product, each, order["id"])
        world["no"] = f"N{secrets.token_hex(5)}"


async def time_passes(bank: LittleBank) -> None:
    """A day, a month, and as long as papers take to mature."""
    for days in (1, 40, 60):
        await bank.orders.end_of_day(booking_date(bank.clock) + timedelta(days=1))
        bank.clock.advance(timedelta(days=days))
        for _ in range(2):
            await bank.orders.expire()


async def _acts(
    bank: LittleBank, world: World, product: Product, operation: Any, order: str
) -> None:
    body: Mapping[str, Any] = following(product, operation, world)
    if operation.word in ("splits", "returns"):
        share = {"account": world["rider"], "amount": cny("1.00")}
        body = {"receivers": [share]} if operation.word == "splits" else share
    if "to_account" in body:
        body = {**body, "to_account": world["payer"]}
    if "code" in body:
        shown = await bank.shown(_read(product), path=order)
        code = shown["result"].get("ticket", {}).get("code", body["code"])
        body = {**body, "code": code}
    in_path = "{" in operation.path
    shown = await bank.shown(operation.id, body, path=order if in_path else None)
    with suppress(BanksideError):
        await bank.orders.resume(shown.get("id", order), partner=bank.partner)


def _read(product: Product) -> str:
    return next(
        each.id for each in product.all_operations if not each.writes and each.path.endswith("}")
    )


def _turn(word: str) -> tuple[bool, ...]:
    return (word in ENDS, word in UNDOES)
