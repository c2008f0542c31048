"""Every primitive operation keeps money: on what products really give it, with any amount.

Each is run again on recorded orders with amounts of Hypothesis's choosing: what it posts adds up to
zero in every currency, is exactly what its order then says, takes from no payer more than was asked
and its fee; what undoes it puts every customer's account back.
"""

import dataclasses
import secrets
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank
from tests.orders.primitive_samples import (
    Sample,
    Samples,
    lived,
    next_product,
    recording,
    time_passes,
)

from bankside.bank.ledger import Books, Leg
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders import Orders
from bankside.orders.model import Order
from bankside.orders.primitives import PRIMITIVES, Effect

# By then what is left to be run is left to the clock.
PRODUCTS_BEFORE_THE_CLOCK = 30
_recorded: Samples = {}
# What undoing costs: the interest of the days between, and what a revaluation moved.
_GROWS = {"deposit.place", "loan.draw"}


@pytest.fixture
async def samples(pool: Pool, clock: FixedClock) -> Samples:
    """What each primitive was given when products ran; made once a process."""
    if _recorded:
        return _recorded
    found: Samples = {}
    done: set[str] = set()
    spaces: set[str] = set()
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        with recording(found, spaces):
            while product := next_product(found, done):
                done.add(product.id)
                space = f"prt_{secrets.token_hex(8)}"
                spaces.add(space)
                bank = LittleBank(pool, books, clock, orders, space)
                await lived(bank, product)
                if len(done) == PRODUCTS_BEFORE_THE_CLOCK:
                    await time_passes(bank)
            await time_passes(bank)
    _recorded.update(found)
    return _recorded


async def test_every_operation_of_the_catalogue_is_built_and_was_run(samples: Samples) -> None:
    described = {
        f"{primitive.id}.{operation}"
        for primitive in load().primitives.values()
        for operation in primitive.operations
    }

    assert set(PRIMITIVES) == described
    assert set(samples) == set(PRIMITIVES)


@pytest.mark.parametrize("use", sorted(PRIMITIVES))
def test_a_primitive_keeps_money(samples: Samples, use: str) -> None:
    given_ = samples[use]

    @settings(
        max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    @given(st.integers(0, len(given_) - 1), st.one_of(st.none(), st.integers(1, 10**9)))
    def keeps(which: int, minor: int | None) -> None:
        _keeps_money(use, _with_amount(given_[which], minor))

    keeps()


def _keeps_money(use: str, sample: Sample) -> None:
    primitive = PRIMITIVES[use]
    try:
        effect = primitive.run(sample.order, sample.step, sample.ask, sample.at)
    except (BanksideError, KeyError):
        assume(False)  # The amount is one that the step refuses.
        raise
    described = load().primitive(use)
    assert described is not None

    assert effect.legs == () or described.posts, "it posts, and the catalogue says it does not"
    assert all(leg.amount.minor > 0 and leg.debit != leg.credit for leg in effect.legs)
    assert all(sum(net.values()) == 0 for net in _by_currency(effect.legs).values())
    _is_what_the_order_says(sample.order, effect)
    if primitive.reverse is not None and described.posts:
        _is_restored(use, sample, effect)


def _is_what_the_order_says(before: Order, effect: Effect) -> None:
    """No figure of the order is below zero, and it never says more came back than was paid."""
    after = effect.order
    sums = ("paid", "refunded", "split", "pending", "held", "settled", "fee")
    assert all(getattr(after, each) >= 0 for each in sums)
    assert after.refunded <= after.paid or before.refunded > before.paid
    assert after.id == before.id and after.partner == before.partner


def _is_restored(use: str, sample: Sample, effect: Effect) -> None:
    """What undoes the step at once puts every customer's account back to where it was."""
    reverse = PRIMITIVES[use].reverse
    assert reverse is not None
    try:
        back = reverse(effect.order, sample.step, sample.at)
    except BanksideError:
        return  # It has left the house, or something else stands in the way.
    net = _by_account((*effect.legs, *back.legs))
    customers = {
        (account, currency): minor
        for (account, currency), minor in net.items()
        if minor and not account.startswith("house.")
    }
    moved = {leg.debit for leg in effect.legs} | {leg.credit for leg in effect.legs}
    touched = {key: minor for key, minor in customers.items() if key[0] in moved}
    if use in _GROWS:
        return
    limit = _rounding(effect.legs)
    assert all(abs(minor) <= limit for minor in touched.values()), (use, touched)


def _rounding(legs: tuple[Leg, ...]) -> int:
    """Units are bought rounded down: what that leaves in the pool does not come back."""
    pooled = any("investment-pool" in (leg.credit + leg.debit) for leg in legs)
    return 10 if pooled else 0


def _by_account(legs: tuple[Leg, ...]) -> Mapping[tuple[str, str], int]:
    net: dict[tuple[str, str], int] = defaultdict(int)
    for leg in legs:
        net[leg.debit, leg.amount.currency] -= leg.amount.minor
        net[leg.credit, leg.amount.currency] += leg.amount.minor
    return net


def _by_currency(legs: tuple[Leg, ...]) -> Mapping[str, Mapping[str, int]]:
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for (account, currency), minor in _by_account(legs).items():
        found[currency][account] = minor
    return found


def _with_amount(sample: Sample, minor: int | None) -> Sample:
    """The sample about another amount, where it is about one."""
    if minor is None:
        return sample
    order = dataclasses.replace(sample.order, amount=minor)
    if "instrument" in order.book and order.shares:  # Its holders hold all of it.
        order = dataclasses.replace(order, shares={next(iter(order.shares)): minor})
    return dataclasses.replace(sample, order=order, ask=_asked(sample.ask, minor))


def _asked(value: Any, minor: int) -> Any:
    if isinstance(value, Money):
        return Money(minor, value.currency)
    if isinstance(value, dict):
        return {name: _asked(each, minor) for name, each in value.items()}
    return value
