"""Currencies are exchanged in two balanced legs; money for other banks waits for their word."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import House, house_account
from bankside.bank.markets import PairUnknown, SandboxMarket
from bankside.orders.errors import (
    AlreadyPosted,
    FundsInsufficient,
    OrderClosed,
)
from bankside.orders.errors_money import (
    QuoteExpired,
)

SPOT = "forex.spot-exchanges.create"
OUT = "payment.interbank-transfers.create"
AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)


def usd(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "USD"}


def _out(payer: str, account: str, amount: str = "100.00") -> dict:
    return {
        "payer_account": payer,
        "payee_account_no": account,
        "payee_name": "王小明",
        "payee_bank": "102100099996",
        "amount": cny(amount),
    }


async def test_an_exchange_posts_one_balanced_leg_a_currency(bank: LittleBank) -> None:
    payer, payee = await bank.account("10000.00"), await bank.account(currency="USD")
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("712.00")}

    shown = await bank.shown(SPOT, body)

    fx = shown["result"]["fx"]
    assert (shown["state"], fx["status"], fx["simulated"]) == ("completed", "converted", True)
    # 1 / 7.12 less 0.15 %: 712.00 buys 99.85.
    assert (fx["sold"], fx["bought"]) == (cny("712.00"), usd("99.84"))
    assert await bank.balance(payee) == "99.84"
    fee = shown["fee"]["amount"]
    assert float(await bank.balance(payer)) == pytest.approx(10000 - 712 - float(fee))


async def test_a_fixed_purchase_sells_the_least_that_buys_it(bank: LittleBank) -> None:
    payer, payee = await bank.account("10000.00"), await bank.account(currency="USD")
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": usd("100.00")}

    shown = await bank.shown(SPOT, body)

    assert shown["result"]["fx"]["bought"] == usd("100.00")
    assert await bank.balance(payee) == "100.00"


async def test_a_quote_is_dealt_in_time_or_not_at_all(bank: LittleBank) -> None:
    payer, payee = await bank.account("10000.00"), await bank.account(currency="USD")
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": usd("100.00")}
    first = await bank.shown(SPOT, body | {"quote_only": True})
    second = await bank.shown(SPOT, body | {"quote_only": True})
    assert (first["state"], first["status"]) == ("waiting", "quoted")

    bank.clock.advance(timedelta(seconds=100))
    dealt = await bank.shown("forex.spot-exchanges.confirmations", {}, path=first["id"])
    bank.clock.advance(timedelta(seconds=21))

    assert dealt["state"] == "completed"
    with pytest.raises(QuoteExpired):
        await bank.call("forex.spot-exchanges.confirmations", {}, path=second["id"])
    await bank.orders.expire()
    with pytest.raises(OrderClosed):
        await bank.call("forex.spot-exchanges.confirmations", {}, path=second["id"])
    assert await bank.balance(payee) == "100.00"


async def test_money_for_another_bank_waits_in_clearing_and_is_sent(bank: LittleBank) -> None:
    payer = await bank.account("500.00")

    shown = await bank.shown(OUT, _out(payer.id, "6222000012345678"))
    assert (shown["state"], shown["status"]) == ("waiting", "sent")
    await bank.orders.resume(shown["id"], partner=bank.partner)

    done = await bank.shown("payment.interbank-transfers.query", path=shown["id"])
    assert (done["state"], done["status"]) == ("completed", "completed")
    assert done["result"]["transfer"]["simulated"] is True
    assert done["result"]["transfer"]["reference"].startswith("SBX")


async def test_what_the_network_refuses_comes_back_with_its_fee(bank: LittleBank) -> None:
    payer = await bank.account("500.00")
    shown = await bank.shown(OUT, _out(payer.id, "6222000012349001"))
    assert await bank.balance(payer) != "500.00"

    await bank.orders.resume(shown["id"], partner=bank.partner)

    done = await bank.shown("payment.interbank-transfers.query", path=shown["id"])
    assert (done["state"], done["code"]) == ("compensated", "payment.network_refused")
    assert done["result"]["transfer"]["reason"] == "AC01"
    assert await bank.balance(payer) == "500.00"


@pytest.mark.parametrize(
    ("account", "state", "left"),
    [("622200009101", "completed", False), ("622200009102", "compensated", True)],
)
async def test_an_unknown_payment_is_asked_about_until_it_is_known(
    bank: LittleBank, account: str, state: str, left: bool
) -> None:
    payer = await bank.account("500.00")
    shown = await bank.shown(OUT, _out(payer.id, account))
    await bank.orders.resume(shown["id"], partner=bank.partner)
    unknown = await bank.shown("payment.interbank-transfers.query", path=shown["id"])
    assert unknown["state"] == "reconciling"
    with pytest.raises(AlreadyPosted):
        await bank.call("payment.interbank-transfers.cancellations", {}, path=shown["id"])

    bank.clock.advance(timedelta(minutes=2))
    await bank.orders.expire()

    done = await bank.shown("payment.interbank-transfers.query", path=shown["id"])
    assert done["state"] == state
    assert (await bank.balance(payer) == "500.00") is left


async def test_nothing_turns_unknown_into_refused_by_time(bank: LittleBank) -> None:
    payer = await bank.account("500.00")
    shown = await bank.shown(OUT, _out(payer.id, "622200009103"))
    for _ in range(40):
        bank.clock.advance(timedelta(hours=6))
        await bank.orders.expire()

    done = await bank.shown("payment.interbank-transfers.query", path=shown["id"])
    assert (done["state"], done["due_at"]) == ("reconciling", None)
    assert await bank.balance(payer) != "500.00"


async def test_a_remittance_is_exchanged_and_sent(bank: LittleBank) -> None:
    payer = await bank.account("10000.00")
    await bank.account(currency="USD")
    body = {
        "payer_account": payer.id,
        "payee_account_no": "DE89370400440532013000",
        "payee_name": "Jo Smith",
        "payee_bank": "DEUTDEFF",
        "amount": usd("1000.00"),
        "document_no": "INV-2026-1",
        "purpose": "tuition",
    }

    shown = await bank.shown("forex.outward-remittances.create", body)
    await bank.orders.resume(shown["id"], partner=bank.partner)

    done = await bank.shown("forex.outward-remittances.query", path=shown["id"])
    assert done["state"] == "completed"
    assert done["result"]["transfer"]["amount"] == usd("1000.00")
    assert done["amount"] == done["result"]["fx"]["sold"]


async def test_a_refused_remittance_is_exchanged_back_at_its_own_rate(bank: LittleBank) -> None:
    payer = await bank.account("10000.00")
    await bank.account(currency="USD")
    position = house_account(House.FX_POSITION, "USD")
    before = await bank.money(position)
    body = {
        "payer_account": payer.id,
        "payee_account_no": "00000000009001",
        "payee_name": "Jo Smith",
        "payee_bank": "DEUTDEFF",
        "amount": usd("1000.00"),
        "document_no": "INV-2026-1",
        "purpose": "tuition",
    }
    shown = await bank.shown("forex.outward-remittances.create", body)

    await bank.orders.resume(shown["id"], partner=bank.partner)

    assert await bank.balance(payer) == "10000.00"
    assert await bank.money(position) == before


async def test_money_from_abroad_arrives_and_is_exchanged(bank: LittleBank) -> None:
    payee = await bank.account()
    await bank.account(currency="USD")
    body = {"payee_account": payee.id, "payer_name": "Jo Smith", "amount": usd("100.00")}
    shown = await bank.shown("forex.inward-remittances.create", body)
    assert shown["state"] == "waiting"

    await bank.orders.expire()

    done = await bank.shown("forex.inward-remittances.query", path=shown["id"])
    assert done["state"] == "completed"
    # 100.00 * 7.12 less 0.15 % = 710.932
    assert await bank.balance(payee) == "710.93"


async def test_a_forward_is_dealt_at_the_rate_of_its_first_day(bank: LittleBank) -> None:
    payer, payee = await bank.account("10000.00"), await bank.account(currency="USD")
    body = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": usd("100.00"),
        "value_date": "2026-03-12",
    }
    shown = await bank.shown("forex.forward-exchanges.create", body)
    assert shown["state"] == "waiting"
    rate = shown["result"]["fx"]["rate"]

    bank.clock.advance(timedelta(days=10))
    await bank.orders.expire()

    done = await bank.shown("forex.forward-exchanges.query", path=shown["id"])
    assert (done["state"], done["result"]["fx"]["rate"]) == ("completed", rate)
    assert await bank.balance(payee) == "100.00"


async def test_an_uncovered_exchange_moves_neither_currency(bank: LittleBank) -> None:
    payer, payee = await bank.account("1.00"), await bank.account(currency="USD")
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": usd("100.00")}

    with pytest.raises(FundsInsufficient):
        await bank.call(SPOT, body)

    assert (await bank.balance(payer), await bank.balance(payee)) == ("1.00", "0.00")


_CODES = st.sampled_from(("CNY", "USD", "EUR", "JPY", "KRW", "HKD"))


@given(_CODES, _CODES, st.integers(1, 10**11))
def test_no_round_trip_gains(sell: str, buy: str, minor: int) -> None:
    market = SandboxMarket()
    if sell == buy:
        with pytest.raises(PairUnknown):
            market.rate(sell, buy, AT)
        return
    there, back = market.rate(sell, buy, AT), market.rate(buy, sell, AT)

    assert back.bought(there.bought(minor)) <= minor
    bought = there.bought(minor)
    least = there.sold(bought)
    assert least <= minor and there.bought(least) >= bought
