"""Every money product carries out a valid request whole, and refuses one just invalid by name.

One row a product: what it is asked, with the world's accounts by name. After each the ledger's own
proof holds and the books of every currency sum to zero.
"""

import secrets
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests.money import MONEY as ROWS
from tests.orders.requests.money import firm, invest, loan, person
from tests.orders.requests.world import World, stand_up

from bankside.bank.accounts import account
from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders


@pytest.fixture
async def world(pool: Pool, clock: FixedClock) -> Any:
    """The people and accounts that the requests name."""
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        yield await stand_up(LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}"))


@pytest.mark.parametrize("operation", ROWS)
async def test_a_product_carries_out_a_valid_request(world: World, operation: str) -> None:
    bank: LittleBank = world["bank"]

    answer = await bank.call(operation, ROWS[operation](world))

    assert answer.status in {201, 202}
    assert answer.body["state"] in {"completed", "waiting"}
    item = next(
        each.id
        for each in load().products[operation.rpartition(".")[0]].all_operations
        if each.word in {"query", "applications-query", "mandates-query"}
    )
    read = await bank.shown(item, path=answer.body["id"])
    assert read["id"] == answer.body["id"]
    await bank.orders.expire()
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


@pytest.mark.parametrize("operation", ROWS)
async def test_a_product_refuses_what_is_just_invalid(world: World, operation: str) -> None:
    bank: LittleBank = world["bank"]
    body = ROWS[operation](world)
    before = [await bank.balance(world[name]) for name in ("payer", "payee", "dollars")]
    faulty = [body | {"surprise": 1}]
    if "amount" in body:
        faulty += [body | {"amount": {"amount": "1.00", "currency": "XXX"}}]
        faulty += [body | {"amount": cny("0.00")}]
    for name in ("account", "payer_account", "payee_account", "holder", "borrower"):
        if name in body:
            faulty.append(body | {name: "acc_nowhere"})

    for each in faulty:
        with pytest.raises(BanksideError) as refused:
            await bank.call(operation, each)
        assert 400 <= refused.value.status < 500

    after = [await bank.balance(world[name]) for name in ("payer", "payee", "dollars")]
    assert after == before


async def test_a_credit_card_is_paid_back_and_spent_again(world: World) -> None:
    bank: LittleBank = world["bank"]
    card = await bank.shown("card.credit-cards.create", {**person(world), "amount": cny("5000.00")})
    own = card["result"]["account"]
    assert own["limit"] == cny("5000.00")
    spent = {"payer_account": own["id"], "payee_account": world["payee"], "amount": cny("3000.00")}
    await bank.call("payment.internal-transfers.create", spent)

    bill = await bank.shown("card.credit-card-bills.list", query={"subject": own["id"]})
    body = {"card": card["id"], "payer_account": world["payer"]}
    with pytest.raises(BanksideError) as refused:
        await bank.call("card.credit-card-repayments.create", body | {"amount": cny("3000.01")})
    paid = await bank.shown("card.credit-card-repayments.create", body)

    assert bill["items"][0]["owed"] == cny("3000.00")
    assert bill["items"][0]["minimum"] == cny("300.00")
    assert refused.value.code == "loan.overpaid"
    assert paid["paid"] == cny("3000.00")
    assert await bank.balance(own["id"]) == "5000.00"


async def test_a_loan_is_prepaid_by_an_order_of_its_own(world: World) -> None:
    bank: LittleBank = world["bank"]
    granted = await bank.shown("loan.personal-loans.applications-create", loan()(world))
    await bank.shown("loan.personal-loans.drawdowns", {}, path=granted["id"])
    lines = await bank.shown("loan.personal-loans.schedule", path=granted["id"])

    part = await bank.shown(
        "loan.loan-prepayments.create", {"loan": granted["id"], "amount": cny("400.00")}
    )
    rest = await bank.shown("loan.loan-prepayments.create", {"loan": granted["id"]})

    assert len(lines["lines"]) == 6
    assert (part["paid"], rest["status"]) == (cny("400.00"), "repaid")
    assert rest["paid"] == cny("600.00")
    done = await bank.shown("loan.personal-loans.query", path=granted["id"])
    assert done["state"] == "completed"


async def test_a_merchant_taken_in_collects_and_shares(world: World) -> None:
    bank: LittleBank = world["bank"]
    taken = await bank.shown("merchant.merchants.create", {**firm(world), "trade_name": "海棠小馆"})
    merchant = taken["result"]["merchant"]["id"]
    await bank.shown(
        "merchant.merchants.amend",
        {"account": world["rider"], "relation": "rider"},
        path=taken["id"],
    )

    paid = await bank.shown(
        "merchant.split-orders.create",
        {
            "merchant": merchant,
            "order_no": "S-1",
            "amount": cny("100.00"),
            "payer_token": world["token"],
        },
    )
    share = {"receivers": [{"account": world["rider"], "amount": cny("20.00")}]}
    split = await bank.shown("merchant.split-orders.splits", share, path=paid["id"])

    assert split["split"] == cny("20.00")


async def test_digital_money_is_changed_back_and_says_it_is_simulated(world: World) -> None:
    bank: LittleBank = world["bank"]
    body = {"payer_account": world["payer"], "amount": cny("10.00")}
    before = await bank.balance(world["payer"])
    changed = await bank.shown("wallet.digital-currency-exchanges.create", body)

    back = await bank.shown(
        "wallet.digital-currency-exchanges.cancellations", {}, path=changed["id"]
    )

    assert (changed["simulated"], changed["state"], back["state"]) == (True, "waiting", "completed")
    assert await bank.balance(world["payer"]) == before


async def test_a_rebate_that_arrived_is_lent_on(world: World) -> None:
    bank: LittleBank = world["bank"]
    body = ROWS["forex.export-rebates.create"](world)
    rebate = await bank.shown("forex.export-rebates.create", body)
    own = rebate["result"]["account"]["id"]
    await bank.orders.expire()
    assert await bank.balance(own) == "1000.00"

    drawn = await bank.shown("forex.export-rebates.drawdowns", {}, path=rebate["id"])
    assert drawn["result"]["loan"]["outstanding"] == cny("1000.00")
    assert await bank.balance(own) == "2000.00"
    paid = await bank.shown("forex.export-rebates.repayments", {}, path=rebate["id"])

    assert paid["result"]["loan"]["status"] == "repaid"
    assert await bank.balance(own) == "1000.00"


async def test_a_margin_earns_until_its_time_is_over(world: World) -> None:
    bank: LittleBank = world["bank"]
    before = float(await bank.balance(world["payer"]))
    body = {"payer_account": world["payer"], "amount": cny("100000.00")}
    margin = await bank.shown(
        "treasury.margin-accounts.create", body | {"expires_in_seconds": 30 * 86_400}
    )
    assert (margin["state"], margin["held"]) == ("waiting", cny("100000.00"))

    bank.clock.advance(timedelta(days=30))
    await bank.orders.expire()

    done = await bank.shown("treasury.margin-accounts.query", path=margin["id"])
    assert (done["state"], done["held"]) == ("completed", cny("0.00"))
    # 100,000.00 * 0.05 % * 30 / 360 = 4.17
    assert float(await bank.balance(world["payer"])) == pytest.approx(before + 4.17)


async def test_a_platform_never_holds_its_merchants_money(world: World) -> None:
    bank: LittleBank = world["bank"]
    platform = await bank.shown(
        "treasury.platform-accounts.create",
        {
            **firm(world),
            "merchant": world["merchant"],
            "order_no": "P-1",
            "amount": cny("100.00"),
            "payer_token": world["token"],
        },
    )
    order, own = platform["id"], platform["result"]["account"]["id"]
    assert (platform["waits_for"], await bank.balance(own)) == ("split.execute", "0.00")
    share = {"receivers": [{"account": world["rider"], "amount": cny("20.00")}], "split_no": "1"}
    await bank.shown("treasury.platform-accounts.splits", share, path=order)
    assert (await bank.call("treasury.platform-accounts.splits", share, path=order)).hit
    done = await bank.shown("treasury.platform-accounts.finishes", {}, path=order)
    assert await bank.balance(world["rider"]) == "20.00"
    fee = float(done["fee"]["amount"])
    assert float(await bank.balance(own)) == pytest.approx(80 - fee)

    out = {
        "payee_account_no": "622200000000",
        "payee_name": "海棠",
        "payee_bank": "102100099996",
    }
    sent = await bank.shown("treasury.platform-accounts.withdrawals", out, path=order)
    await bank.orders.resume(order, partner=bank.partner)

    assert sent["status"] == "sent"
    ended = await bank.shown("treasury.platform-accounts.query", path=order)
    assert (ended["state"], await bank.balance(own)) == ("completed", "0.00")
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_platform_account_nobody_was_paid_from_is_given_back_whole(world: World) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])
    body = {
        **firm(world),
        "merchant": world["merchant"],
        "order_no": "P-2",
        "amount": cny("100.00"),
        "payer_token": world["token"],
    }
    platform = await bank.shown("treasury.platform-accounts.create", body)
    order, own = platform["id"], platform["result"]["account"]["id"]
    assert await bank.balance(world["payer"]) != before

    ended = await bank.shown("treasury.platform-accounts.cancellations", {}, path=order)

    assert ended["state"] == "compensated"
    assert await bank.balance(world["payer"]) == before
    async with bank.pool.acquire() as db:
        assert (await account(db, bank.partner, own)).status == "closed"
        assert (await verify(db)).fault is None


async def test_the_shelf_is_read(world: World) -> None:
    bank: LittleBank = world["bank"]
    rates = await bank.shown("forex.exchange-rates.list", query={"currency": "USD"})
    one = await bank.shown("forex.exchange-rates.query", path="USD-CNY")
    gold = await bank.shown("metalbond.metal-prices.query", path="AU-GRAM")
    funds = await bank.shown("wealth.wealth-products.list")
    sheet = await bank.call("forex.exchange-rates.exports", {})

    assert {each["id"] for each in rates["items"]} == {"USD-CNY", "CNY-USD"}
    assert (one["simulated"], gold["price_date"]) == (True, "2026-03-02")
    assert len(funds["items"]) >= 5
    assert sheet.content_type.startswith("text/csv")
    await bank.call("wealth.fund-subscriptions.create", invest("FD-BOND")(world))
    held = await bank.shown("wealth.holdings.list", query={"subject": world["payer"]})
    assert held["items"][0]["result"]["invest"]["product_code"] == "FD-BOND"


async def test_a_cash_pool_earns_and_pays_out(world: World) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])
    body = {"holder": world["company"], "account": world["payer"], "amount": cny("100.00")}
    pool = await bank.shown("treasury.cash-pools.create", body)

    closed = await bank.shown("treasury.cash-pools.closures", {}, path=pool["id"])

    assert closed["result"]["deposit"]["status"] == "redeemed"
    assert await bank.balance(world["payer"]) == before


async def test_a_request_above_the_limit_opens_no_account(world: World) -> None:
    bank: LittleBank = world["bank"]
    over = ROWS["wallet.member-balances.create"](world) | {"amount": cny("500000.01")}
    count = "select count(*) from bank.ledger_accounts"
    async with bank.pool.acquire() as db:
        before = await db.fetchval(count)

    with pytest.raises(BanksideError) as refused:
        await bank.call("wallet.member-balances.create", over)

    async with bank.pool.acquire() as db:
        assert await db.fetchval(count) == before
    assert refused.value.code == "limit.per_transaction_exceeded"


async def test_a_pension_investment_is_cancelled_and_its_money_comes_back_once(
    world: World,
) -> None:
    bank: LittleBank = world["bank"]
    before = await bank.balance(world["payer"])
    body = ROWS["pension.pension-investments.create"](world)
    bought = await bank.shown("pension.pension-investments.create", body)

    back = await bank.shown("pension.pension-investments.cancellations", {}, path=bought["id"])

    assert back["refunded"] == body["amount"]
    assert await bank.balance(world["payer"]) == before
