"""Class II and III accounts move and hold a bounded amount, and stand beside one full account."""

from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests import World, stand_up
from tests.orders.requests.money import person

from bankside.bank.accounts import account as find_account
from bankside.kernel.errors import BanksideError

OPENS, MOVES = "account.personal-accounts.create", "payment.internal-transfers.create"


@pytest.fixture
async def world(bank: LittleBank) -> World:
    """A rich payer, a stranger, and nobody's class account yet."""
    world = await stand_up(bank)
    own, bank.customer = bank.customer, None
    world["stranger"] = (await bank.account("90000.00")).id
    bank.customer = own
    return world


async def test_a_class_two_account_moves_ten_thousand_a_day_each_way(
    bank: LittleBank, world: World
) -> None:
    account = await _opened(bank, world, "II")
    await _pay(bank, world["stranger"], account, "9999.99")

    refused = await _refused(bank, world["stranger"], account, "0.02")
    await _pay(bank, world["stranger"], account, "0.01")
    await _pay(bank, account, world["stranger"], "10000.00")

    assert refused.code == "account.class_limit_exceeded"
    assert refused.extra["left"] == cny("0.01")


async def test_a_new_day_has_a_limit_of_its_own_and_the_year_goes_on(
    bank: LittleBank, world: World
) -> None:
    account = await _opened(bank, world, "III")
    ledger = await _ledger(bank, account)
    await _pay(bank, world["stranger"], account, "2000.00")
    async with bank.pool.acquire() as db:
        await db.execute(
            "update orders.usage set spent = 4800000 where subject = $1 and product like '%year'",
            ledger,
        )
    await _pay(bank, account, world["payer"], "2000.00")
    bank.clock.advance(timedelta(days=1))

    refused = await _refused(bank, world["stranger"], account, "2000.01")
    await _pay(bank, world["stranger"], account, "2000.00")

    assert refused.code == "account.class_limit_exceeded"
    assert await _used(bank, ledger, "account.class-III.in.year") == 5_000_000


async def test_a_class_three_account_holds_two_thousand_at_most(
    bank: LittleBank, world: World
) -> None:
    account = await _opened(bank, world, "III")
    await _pay(bank, world["payer"], account, "2000.00")  # Its bound account: counted for nothing.

    refused = await _refused(bank, world["payer"], account, "0.01")

    assert refused.code == "account.class_limit_exceeded"
    assert await _used(bank, await _ledger(bank, account), "account.class-III.in.day") == 0


async def test_money_moves_freely_between_a_class_two_account_and_its_bound_one(
    bank: LittleBank, world: World
) -> None:
    account = await _opened(bank, world, "II")

    await _pay(bank, world["payer"], account, "50000.00")
    await _pay(bank, account, world["payer"], "40000.00")

    assert await bank.balance(await _ledger(bank, account)) == "10000.00"


async def test_a_refused_payment_uses_nothing_of_the_day(bank: LittleBank, world: World) -> None:
    account = await _opened(bank, world, "II")
    await _refused(bank, account, world["stranger"], "5.00")  # Nothing stands on it.

    assert await _used(bank, await _ledger(bank, account), "account.class-II.out.day") == 0


async def test_a_person_has_one_full_account_and_five_of_each_other_class(
    bank: LittleBank, world: World
) -> None:
    first = await bank.shown(OPENS, person(world))
    for _ in range(5):
        await _opened(bank, world, "II")

    for body in (person(world), _asked(world, "II")):
        with pytest.raises(BanksideError) as refused:
            await bank.call(OPENS, body)
        assert refused.value.code == "account.class_full"
    await bank.call("account.personal-accounts.closures", {}, path=first["id"])
    again = await bank.shown(OPENS, person(world))

    assert first["result"]["account"]["account_class"] == "I"
    assert again["result"]["account"]["account_class"] == "I"


async def test_a_limited_account_is_bound_to_another_one_of_its_holder(
    bank: LittleBank, world: World
) -> None:
    limited = await _opened(bank, world, "II")

    for bound in (world["stranger"], limited, None):
        body = _asked(world, "III") | {"bound_account": bound}
        with pytest.raises(BanksideError) as refused:
            await bank.call(OPENS, {name: each for name, each in body.items() if each})
        assert refused.value.code == "account.bound_refused"


def _asked(world: World, kind: str) -> dict[str, Any]:
    return {**person(world), "account_class": kind, "bound_account": world["payer"]}


async def _opened(bank: LittleBank, world: World, kind: str) -> str:
    return str((await bank.shown(OPENS, _asked(world, kind)))["result"]["account"]["id"])


async def _pay(bank: LittleBank, payer: str, payee: str, amount: str) -> None:
    await bank.call(MOVES, {"payer_account": payer, "payee_account": payee, "amount": cny(amount)})


async def _refused(bank: LittleBank, payer: str, payee: str, amount: str) -> BanksideError:
    with pytest.raises(BanksideError) as refused:
        await _pay(bank, payer, payee, amount)
    return refused.value


async def _ledger(bank: LittleBank, account: str) -> str:
    async with bank.pool.acquire() as db:
        return (await find_account(db, bank.partner, account)).ledger_account


async def _used(bank: LittleBank, ledger: str, product: str) -> int:
    async with bank.pool.acquire() as db:
        found = await db.fetchval(
            "select spent from orders.usage where subject = $1 and product = $2"
            " order by day desc limit 1",
            ledger,
            product,
        )
    return int(found or 0)
