"""6. Netting: a merchant's date is one payment; gross lines are kept; nobody's money is mixed."""

from tests.bank.clearing.clearing_world import MONDAY, TUESDAY, Platform
from tests.guarantees.checks import Seen, netting
from tests.orders.little_bank import cny


async def test_many_orders_are_one_payment_and_every_gross_line_is_in_the_file(
    platform: Platform,
) -> None:
    merchant = await platform.merchant()
    orders = [await platform.sold(merchant, "10.00") for _ in range(5)]
    await platform.refund(orders[0], "4.00")
    await platform.close(MONDAY)

    (payout,) = await platform.payouts(MONDAY)
    content, written = await platform.file(MONDAY)

    lines = [each.split(",") for each in content.decode().splitlines() if each[0] == "L"]
    signed = {"in": 1, "out": -1, "move": 0}
    cents = [signed[each[4]] * int(each[6].replace(".", "")) for each in lines]
    assert sum(cents) == payout.amount == 4_550
    # Five payments, five settlements of two legs, one refund.
    assert (written.positions, written.lines) == (1, 16)
    await netting(platform, Seen())


async def test_merchants_and_currencies_are_never_netted_against_each_other(
    platform: Platform,
) -> None:
    owing, earning = await platform.merchant(advance_max=10_000), await platform.merchant()
    abroad = await platform.bank.merchant(currency="USD")
    await platform.agree(abroad)
    order = await platform.sold(owing, "50.00")
    await platform.close(MONDAY)
    platform.until(TUESDAY, 9)
    await platform.bank.orders.clear(MONDAY)
    await platform.refund(order, "50.00")  # Paid out already: the bank advances it.
    await platform.sold(earning, "80.00")
    dollars = await platform.bank.account("20.00", "USD")
    body = {
        "merchant": abroad.id,
        "order_no": "USD-1",
        "amount": {"amount": "20.00", "currency": "USD"},
        "payer_token": await platform.bank.token(dollars),
    }
    sold = await platform.bank.shown("merchant.split-orders.create", body)
    await platform.finish(sold["id"])

    await platform.close(TUESDAY)

    payouts = {
        each.merchant: (each.amount, each.currency) for each in await platform.payouts(TUESDAY)
    }
    assert payouts[earning.id] == (7_920, "CNY")
    assert payouts[abroad.id][1] == "USD"
    assert owing.id not in payouts and await platform.balance(owing, "owed") == -5_000
    await netting(platform, Seen())


async def test_no_product_of_the_platform_reaches_its_merchants_money(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "50.00")
    mine = await platform.bank.account("1.00")

    refused = []
    for part in ("available", "pending", "reserved", "payable"):
        body = {
            "payer_account": merchant.sub_account(part),
            "payee_account": mine.id,
            "amount": cny("1.00"),
        }
        try:
            await platform.bank.call("payment.internal-transfers.create", body)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the account that is unknown
            refused.append(type(error).__name__)

    assert refused == ["AccountUnknown"] * 4
    assert await platform.balance(merchant, "available") == 4_950
