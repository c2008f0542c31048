"""What an order counted against a day's limit is free again when the order came to nothing."""

from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests import stand_up
from tests.orders.requests.money import MONEY

from bankside.orders import store, unattended


async def test_a_cancelled_order_frees_what_it_counted(bank: LittleBank) -> None:
    product, world = "wealth.wealth-subscriptions", await stand_up(bank)
    order = await bank.shown(f"{product}.create", MONEY[f"{product}.create"](world))
    counted = await bank.counted(product)

    await bank.call(f"{product}.cancellations", {}, path=order["id"])

    assert (counted, await bank.counted(product)) == (2_000_000, 0)


async def test_a_second_order_still_counts_when_the_first_is_cancelled(bank: LittleBank) -> None:
    product, world = "wealth.wealth-subscriptions", await stand_up(bank)
    body = MONEY[f"{product}.create"](world)
    first = await bank.shown(f"{product}.create", body)
    await bank.call(f"{product}.create", body)

    await bank.call(f"{product}.cancellations", {}, path=first["id"])

    assert await bank.counted(product) == 2_000_000


async def test_a_loan_that_was_drawn_and_is_undone_counts_nothing(bank: LittleBank) -> None:
    product, world = "loan.personal-loans", await stand_up(bank)
    body = MONEY[f"{product}.applications-create"](world)
    order = (await bank.shown(f"{product}.applications-create", body))["id"]
    applied = await bank.counted(product)
    await bank.call(f"{product}.drawdowns", {"amount": cny("600.00")}, path=order)
    await bank.call(f"{product}.drawdowns", {"amount": cny("400.00")}, path=order)
    drawn = await bank.counted(product)

    await _undone(bank, order)

    assert (applied, drawn, await bank.counted(product)) == (0, 100_000, 0)


async def test_a_payment_that_the_network_refuses_counts_nothing(bank: LittleBank) -> None:
    product, world = "payment.interbank-transfers", await stand_up(bank)
    # The sandbox's network knows no account that ends in 9001.
    body = MONEY[f"{product}.create"](world) | {"payee_account_no": "6222000012349001"}
    order = (await bank.shown(f"{product}.create", body))["id"]
    counted = await bank.counted(product)

    await bank.orders.resume(order, partner=bank.partner)

    assert (counted, await bank.counted(product)) == (1_000, 0)


async def _undone(bank: LittleBank, order_id: str) -> None:
    """The worker gives the order up, as it does when a later step is refused for good."""
    desk = bank.orders._desk
    async with desk.reading() as db:
        order = await store.find(db, store.Scope(bank.partner, None), order_id)
    assert order is not None
    await unattended.give_back(desk, order, "order.cancelled", "undone")
