"""Gold leaves a holding as bars or as a gift: nothing is delivered twice, and no money is lost."""

from datetime import date, timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, house_account
from bankside.bank.ledger import verify
from bankside.kernel.errors import BanksideError

BARS, GIFTS = "metalbond.gold-deliveries", "metalbond.gold-gifts"
POOL = house_account(House.POOL, "CNY")
TODAY = date(2026, 3, 2)


async def _bought(bank: LittleBank, owner: Account, merchant: str) -> str:
    asked = {
        "account": owner.id,
        "product_code": "AU-GRAM",
        "amount": cny("10000.00"),
        "merchant": merchant,
        "code": "BARS-1",
    }
    return str((await bank.shown(f"{BARS}.create", asked))["id"])


async def test_units_become_whole_bars_and_the_fraction_stays_as_money(bank: LittleBank) -> None:
    owner, dealer = await bank.account("20000.00"), await bank.merchant(fee_rate_bp=100)
    order = await _bought(bank, owner, dealer.id)
    # 10,000.00 at 784.50 a gram: 12.7469 g, of which 12 g are bars; the fee of 0.15 % is 15.00.
    shown = await bank.shown(f"{BARS}.deliveries", {}, path=order)

    assert shown["result"]["delivery"] == {"grams": 12, "price": shown["paid"]}
    assert shown["result"]["ticket"]["code"] == "BARS-1"
    (pending,) = await bank.money(dealer.pending_ledger_account)
    assert cny(f"{pending // 100}.{pending % 100:02d}") == shown["paid"]
    used = await bank.shown(f"{BARS}.redemptions", {"code": "BARS-1"}, path=order)
    assert used["status"] == "redeemed"
    await bank.orders.end_of_day(TODAY)
    assert await bank.money(dealer.pending_ledger_account) == [0]
    assert await bank.money(dealer.settlement_ledger_account) == [pending]
    # Units are rounded down to 4 places: what that leaves in the pool is less than a unit's worth.
    (left,) = await bank.money(owner.ledger_account)
    assert 0 <= 2_000_000 - 1_500 - pending - left < 10
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_bars_that_nobody_collects_are_paid_out(bank: LittleBank) -> None:
    owner, dealer = await bank.account("20000.00"), await bank.merchant()
    order = await _bought(bank, owner, dealer.id)
    await bank.shown(f"{BARS}.deliveries", {}, path=order)
    (before,) = await bank.money(owner.ledger_account)
    (pending,) = await bank.money(dealer.pending_ledger_account)

    back = await bank.shown(f"{BARS}.refunds", {}, path=order)

    assert back["status"] == "refunded"
    assert await bank.money(owner.ledger_account) == [before + pending]


async def test_bars_that_were_handed_over_are_not_paid_back(bank: LittleBank) -> None:
    owner, dealer = await bank.account("20000.00"), await bank.merchant()
    order = await _bought(bank, owner, dealer.id)
    await bank.shown(f"{BARS}.deliveries", {}, path=order)
    await bank.shown(f"{BARS}.redemptions", {"code": "BARS-1"}, path=order)
    before = await bank.money(owner.ledger_account, dealer.pending_ledger_account)

    for word in ("refunds", "cancellations", "deliveries"):
        with pytest.raises(BanksideError) as refused:
            await bank.call(f"{BARS}.{word}", {}, path=order)
        assert refused.value.code in {
            "ticket.not_valid",
            "order.already_posted",
            "invest.nothing_held",
        }
    assert await bank.money(owner.ledger_account, dealer.pending_ledger_account) == before


async def test_a_delivery_is_cancelled_before_the_units_were_sold(bank: LittleBank) -> None:
    owner, dealer = await bank.account("20000.00"), await bank.merchant()
    order = await _bought(bank, owner, dealer.id)

    back = await bank.shown(f"{BARS}.cancellations", {}, path=order)

    assert back["state"] == "compensated"
    (left,) = await bank.money(owner.ledger_account)
    assert 2_000_000 - 10 < left <= 2_000_000


async def test_less_than_a_gram_is_no_bar(bank: LittleBank) -> None:
    owner, dealer = await bank.account("1000.00"), await bank.merchant()
    asked = {
        "account": owner.id,
        "product_code": "AU-GRAM",
        "amount": cny("700.00"),
        "merchant": dealer.id,
    }
    order = await bank.shown(f"{BARS}.create", asked)
    before = await bank.balance(owner)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{BARS}.deliveries", {}, path=order["id"])

    assert refused.value.code == "amount.below_minimum"
    assert await bank.balance(owner) == before


async def _gift(bank: LittleBank, giver: Account, **more: Any) -> str:
    asked = {
        "account": giver.id,
        "product_code": "AU-GRAM",
        "amount": cny("1000.00"),
        "code": "GIFT-1",
        **more,
    }
    return str((await bank.shown(f"{GIFTS}.create", asked))["id"])


async def test_a_gift_becomes_the_holding_of_who_takes_it(bank: LittleBank) -> None:
    giver, friend = await bank.account("2000.00"), await bank.account()
    gift = await _gift(bank, giver)
    (pool,) = await bank.money(POOL)

    taken = await bank.shown(
        f"{GIFTS}.redemptions", {"code": "GIFT-1", "payee_account": friend.id}, path=gift
    )

    assert (taken["state"], taken["result"]["invest"]["units"]) == ("completed", "0")
    assert await bank.money(POOL) == [pool]
    holding = taken["result"]["gift"]["holding"]
    held = await bank.shown("wealth.holdings.list", query={"subject": friend.id})
    assert [each["id"] for each in held["items"]] == [holding]
    sold = await bank.shown("metalbond.gold-redemptions.create", {"holding": holding})
    assert sold["status"] == "redeemed"
    (got,) = await bank.money(friend.ledger_account)
    assert 100_000 - 10 < got <= 100_000


async def test_a_gift_is_taken_once_and_only_with_its_code(bank: LittleBank) -> None:
    giver, friend = await bank.account("2000.00"), await bank.account()
    gift = await _gift(bank, giver)
    take = {"code": "GIFT-1", "payee_account": friend.id}

    with pytest.raises(BanksideError) as wrong:
        await bank.call(f"{GIFTS}.redemptions", take | {"code": "GIFT-2"}, path=gift)
    await bank.call(f"{GIFTS}.redemptions", take, path=gift)
    with pytest.raises(BanksideError) as again:
        await bank.call(f"{GIFTS}.redemptions", take, path=gift)
    with pytest.raises(BanksideError) as cancelled:
        await bank.call(f"{GIFTS}.cancellations", {}, path=gift)

    assert wrong.value.code == "ticket.code_wrong"
    assert again.value.code == "order.state_refused"
    assert cancelled.value.code == "order.already_posted"


async def test_a_gift_nobody_takes_goes_back_to_who_gave_it(bank: LittleBank) -> None:
    giver = await bank.account("3000.00")
    first = await _gift(bank, giver)
    last = await _gift(bank, giver, valid_until="2026-03-10")

    await bank.call(f"{GIFTS}.cancellations", {}, path=first)
    bank.clock.advance(timedelta(days=9))
    await bank.orders.expire()

    shown = await bank.shown(f"{GIFTS}.query", path=last)
    assert shown["state"] == "compensated"
    (left,) = await bank.money(giver.ledger_account)
    assert 300_000 - 20 < left <= 300_000


async def test_digital_money_is_collected_settled_and_labelled(bank: LittleBank) -> None:
    payer, shop = await bank.account("50.00"), await bank.merchant(fee_rate_bp=100)
    asked = {
        "merchant": shop.id,
        "order_no": "D-1",
        "amount": cny("20.00"),
        "payer_token": await bank.token(payer),
    }

    paid = await bank.shown("wallet.digital-currency-payments.create", asked)
    back = {"amount": cny("5.00")}
    await bank.call("wallet.digital-currency-payments.refunds", back, path=paid["id"])
    await bank.orders.end_of_day(TODAY)

    assert (paid["status"], paid["simulated"]) == ("paid", True)
    assert await bank.money(payer.ledger_account, shop.settlement_ledger_account) == [3_500, 1_485]
    bank.environment = "live"
    with pytest.raises(BanksideError) as live:
        await bank.call("wallet.digital-currency-payments.create", asked | {"order_no": "D-2"})
    assert live.value.code == "payment.network_unavailable"
