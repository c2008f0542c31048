"""Every money product carries out a valid request whole, and refuses one just invalid by name.

One row a product: what it is asked, with the world's accounts by name. After each the ledger's own
proof holds and the books of every currency sum to zero.
"""

import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Opening, ProductClass, open_account
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.customers import customer as find_customer
from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders
from bankside.orders.preparations.codes import MAGIC

World = dict[str, Any]
Body = Callable[[World], dict[str, Any]]


def usd(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "USD"}


@pytest.fixture
async def world(pool: Pool, clock: FixedClock) -> Any:
    """A rich payer, a payee, accounts in dollars, a pension account, a company, a merchant."""
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, load())
        bank = LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")
        payer, payee = await bank.account("900000.00"), await bank.account("1000.00")
        dollars = await bank.account("5000.00", currency="USD")
        merchant = await bank.merchant()
        assert bank.customer is not None
        async with transaction(pool) as db:
            person = await find_customer(db, bank.partner, bank.customer)
            pension = await open_account(
                db,
                clock,
                bank.partner,
                Opening(customer=person.id, product_class=ProductClass.PENSION, currency="CNY"),
            )
            company = await register(db, clock, bank.partner, _company())
        yield {
            "bank": bank,
            "payer": payer.id,
            "payee": payee.id,
            "dollars": dollars.id,
            "pension": pension.id,
            "merchant": merchant.id,
            "rider": (await bank.receiver(merchant)).id,
            "token": await bank.token(payer),
            "holder": person.id,
            "number": person.resident_id,
            "company": company.id,
            "credit_code": company.credit_code,
        }


def _company() -> Registration:
    digits = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    base = "91110105" + "".join(secrets.choice("0123456789") for _ in range(9))
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(digits.index(each) * weight for each, weight in zip(base, weights, strict=True))
    return Registration(
        kind=CustomerKind.CORPORATE,
        name_zh="海棠科技有限公司",
        name_en="Begonia Tech Ltd",
        credit_code=base + digits[-total % 31],
    )


def _person(w: World) -> dict[str, Any]:
    return {"holder": w["holder"], "document_no": w["number"], "mobile": "13800000000"}


def _firm(w: World) -> dict[str, Any]:
    return {"holder": w["company"], "document_no": w["credit_code"], "mobile": "13800000000"}


def _pay(amount: str = "10.00", **more: Any) -> Body:
    return lambda w: {
        "payer_account": w["payer"],
        "payee_account": w["payee"],
        "amount": cny(amount),
        **more,
    }


def _invest(code: str, amount: str = "20000.00", **more: Any) -> Body:
    return lambda w: {
        "account": w["payer"],
        "product_code": code,
        "amount": cny(amount),
        "risk_grade": "C5",
        **more,
    }


def _deposit(code: str, amount: str) -> Body:
    return lambda w: {"account": w["payer"], "product_code": code, "amount": cny(amount)}


def _loan(**more: Any) -> Body:
    return lambda w: {
        "borrower": w["holder"],
        "account": w["payee"],
        "amount": cny("1000.00"),
        "term_months": 6,
        **more,
    }


def _company_loan(**more: Any) -> Body:
    return lambda w: {
        **_loan(**more)(w),
        "borrower": w["company"],
        "document_no": w["credit_code"],
    }


def _out(bank: str) -> Body:
    return lambda w: {
        "payer_account": w["payer"],
        "payee_account_no": "6222000012345678",
        "payee_name": "王小明",
        "payee_bank": bank,
        "amount": cny("10.00"),
    }


def _remit(w: World) -> dict[str, Any]:
    return {
        **_out("DEUTDEFF")(w),
        "amount": usd("100.00"),
        "document_no": "INV-1",
        "purpose": "tuition",
    }


ROWS: dict[str, Body] = {
    "account.personal-accounts.create": _person,
    "account.business-accounts.create": _firm,
    "account.sub-accounts.create": lambda w: {"master_account": w["payer"], "name": "一号"},
    "account.account-controls.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "account.term-deposits.create": _deposit("TD-1Y", "100.00"),
    "account.call-deposits.create": _deposit("CALL-1D", "50000.00"),
    "account.deposit-certificates.create": _deposit("CD-1Y", "200000.00"),
    "account.agreement-deposits.create": lambda w: {
        "party": w["holder"],
        "account": w["payer"],
        "amount": cny("150000.00"),
    },
    "wealth.structured-deposits.create": _deposit("SD-6M", "10000.00"),
    "payment.interbank-transfers.create": _out("102100099996"),
    "forex.cross-border-renminbi-payments.create": _out("BKCHCNBJ"),
    "wallet.wallets.create": lambda w: {**_person(w), "code": MAGIC},
    "wallet.wallet-cards.create": lambda w: {
        "holder": w["holder"],
        "card_no": "6222600260001072444",
        "mobile": "13800000000",
        "code": MAGIC,
    },
    "wallet.wallet-topups.create": _pay(),
    "wallet.member-balances.create": lambda w: {
        "holder": w["holder"],
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "wallet.wallet-withdrawals.create": _pay(code=MAGIC),
    "wallet.wallet-gifts.create": _pay(),
    "wallet.prepaid-funds.create": _pay(),
    "wallet.wallet-closures.create": lambda w: {
        "account": w["payee"],
        "payee_account": w["payer"],
        "code": MAGIC,
    },
    "wallet.wallet-payments.create": lambda w: {
        "merchant": w["merchant"],
        "order_no": "W-1",
        "amount": cny("10.00"),
        "payer_token": w["token"],
    },
    "wallet.wallet-upgrades.create": lambda w: {**_person(w), "face": "base64"},
    "wallet.digital-currency-exchanges.create": lambda w: {
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "card.debit-cards.create": _person,
    "card.virtual-cards.create": _person,
    "card.credit-cards.create": lambda w: {**_person(w), "amount": cny("5000.00")},
    "card.corporate-cards.create": lambda w: {
        "holder": w["company"],
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "card.card-losses.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "card.card-controls.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "card.bill-instalments.applications-create": _loan(),
    "card.purchase-instalments.applications-create": lambda w: {
        **_loan()(w),
        "merchant_account": w["payer"],
    },
    "loan.point-of-sale-loans.applications-create": lambda w: {
        **_loan()(w),
        "merchant_account": w["payer"],
    },
    "loan.personal-loans.applications-create": _loan(),
    "loan.sole-trader-loans.applications-create": _company_loan(),
    "loan.small-business-loans.applications-create": _company_loan(),
    "loan.cash-flow-loans.applications-create": _company_loan(),
    "loan.equipment-loans.applications-create": _company_loan(),
    "loan.farm-loans.applications-create": _company_loan(),
    "loan.green-loans.applications-create": _company_loan(),
    "supplychain.order-loans.applications-create": _company_loan(purchase_order_no="PO-1"),
    "supplychain.prepayment-loans.applications-create": _company_loan(purchase_order_no="PO-1"),
    "loan.ip-loans.applications-create": _loan(patent_no="ZL202310000001", document_no="D-1"),
    "loan.mortgages.applications-create": _loan(property_no="P-1", document_no="D-1"),
    "supplychain.inventory-loans.applications-create": _loan(
        warehouse_receipt_no="WR-1", document_no="D-1"
    ),
    "loan.warrant-loans.applications-create": _loan(option_share_bp=150),
    "payroll.wage-advances.applications-create": lambda w: {
        "borrower": w["holder"],
        "account": w["payee"],
        "amount": cny("100.00"),
    },
    "wealth.wealth-subscriptions.create": _invest("WM-STABLE"),
    "wealth.fund-subscriptions.create": _invest("FD-BOND"),
    "wealth.corporate-investments.create": _invest("CI-30D"),
    "wealth.fund-plans.create": _invest("FD-BOND"),
    "wealth.advised-portfolios.create": _invest("WM-BALANCED"),
    "wealth.custody-accounts.create": lambda w: {
        "party": w["holder"],
        "account": w["payer"],
        "product_code": "FD-BOND",
        "amount": cny("1000.00"),
    },
    "metalbond.gold-purchases.create": _invest("AU-GRAM"),
    "metalbond.gold-plans.create": _invest("AU-GRAM"),
    "metalbond.gold-exchange-orders.create": _invest("AU-9999"),
    "metalbond.government-bond-subscriptions.create": _invest("GB-3Y"),
    "metalbond.counter-bond-trades.create": _invest("GB-CTR-5Y"),
    "metalbond.bond-distributions.create": _invest("GB-CTR-5Y"),
    "metalbond.gold-gifts.create": lambda w: {
        "account": w["payer"],
        "product_code": "AU-GRAM",
        "amount": cny("1000.00"),
    },
    "pension.pension-accounts.create": _person,
    "pension.pension-contributions.create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-plans.mandates-create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-plans.create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-investments.create": lambda w: {
        **_invest("PN-TARGET-2050", "1000.00")(w),
        "pension_account": w["pension"],
    },
    "pension.pension-redemptions.create": lambda w: {
        "account": w["payer"],
        "product_code": "PN-DEPOSIT",
        "amount": cny("1000.00"),
        "pension_account": w["pension"],
    },
    "pension.pension-payouts.create": lambda w: {
        "holder": w["holder"],
        "document_no": w["number"],
        "pension_account": w["pension"],
        "payee_account": w["payee"],
        "amount": cny("1.00"),
    },
    "pension.annuity-contributions.create": lambda w: {
        "employer_account": w["payer"],
        "employee_account": w["payee"],
        "pension_account": w["pension"],
        "employer_amount": cny("10.00"),
        "employee_amount": cny("5.00"),
    },
    "forex.spot-exchanges.create": lambda w: {**_pay()(w), "payee_account": w["dollars"]},
    "forex.forward-exchanges.create": lambda w: {
        **_pay()(w),
        "payee_account": w["dollars"],
        "value_date": "2026-03-10",
    },
    "forex.outward-remittances.create": _remit,
    "forex.overseas-tuition-payments.create": _remit,
    "forex.inward-remittances.create": lambda w: {
        "payee_account": w["payee"],
        "payer_name": "Jo Smith",
        "amount": usd("10.00"),
    },
    "forex.export-rebates.create": lambda w: {
        "holder": w["company"],
        "amount": cny("1000.00"),
        "declaration_no": "DECL-1",
    },
    "treasury.cash-sweeps.create": lambda w: {
        "payer_account": w["payee"],
        "payee_account": w["payer"],
        "keep": cny("10.00"),
    },
    "treasury.cash-allocations.create": _pay(),
    "treasury.supervised-funds.create": _pay(),
    "treasury.training-funds.create": _pay(),
    "treasury.court-funds.create": _pay(),
    "treasury.payment-approvals.create": _pay(code=MAGIC),
    "treasury.cash-pools.create": lambda w: {
        "holder": w["company"],
        "account": w["payer"],
        "amount": cny("100.00"),
    },
    "treasury.cross-border-pools.create": lambda w: {
        "holder": w["company"],
        "payer_account": w["payer"],
        "amount": cny("720.00"),
        "currency": "USD",
    },
    "treasury.margin-accounts.create": lambda w: {
        "payer_account": w["payer"],
        "amount": cny("100.00"),
    },
    "merchant.merchants.create": lambda w: {**_firm(w), "trade_name": "海棠小馆"},
    "supplychain.chain-members.create": lambda w: {**_firm(w), "trade_name": "海棠供应"},
}


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
    card = await bank.shown(
        "card.credit-cards.create", {**_person(world), "amount": cny("5000.00")}
    )
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
    loan = await bank.shown("loan.personal-loans.applications-create", _loan()(world))
    await bank.shown("loan.personal-loans.drawdowns", {}, path=loan["id"])
    lines = await bank.shown("loan.personal-loans.schedule", path=loan["id"])

    part = await bank.shown(
        "loan.loan-prepayments.create", {"loan": loan["id"], "amount": cny("400.00")}
    )
    rest = await bank.shown("loan.loan-prepayments.create", {"loan": loan["id"]})

    assert len(lines["lines"]) == 6
    assert (part["paid"], rest["status"]) == (cny("400.00"), "repaid")
    assert rest["paid"] == cny("600.00")
    done = await bank.shown("loan.personal-loans.query", path=loan["id"])
    assert done["state"] == "completed"


async def test_a_merchant_taken_in_collects_and_shares(world: World) -> None:
    bank: LittleBank = world["bank"]
    taken = await bank.shown(
        "merchant.merchants.create", {**_firm(world), "trade_name": "海棠小馆"}
    )
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
            **_firm(world),
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
    await bank.call("wealth.fund-subscriptions.create", _invest("FD-BOND")(world))
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
