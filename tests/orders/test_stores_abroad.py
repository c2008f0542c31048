"""Income of stores abroad: collected in one currency, exchanged, shared and settled in another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import Account, House, house_account
from bankside.bank.ledger import verify
from bankside.bank.merchants import Merchant
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money
from bankside.orders.model import Order, State
from bankside.orders.primitives import fx

PRODUCT = "forex.cross-border-collections"
POSITIONS = tuple(house_account(House.FX_POSITION, each) for each in ("USD", "CNY"))


def usd(text: str) -> dict[str, str]:
    return {"amount": text, "currency": "USD"}


async def _paid(bank: LittleBank, payer: Account, shop: Merchant, no: str = "S-1") -> Any:
    asked = {
        "merchant": shop.id,
        "order_no": no,
        "amount": usd("100.00"),
        "payer_token": await bank.token(payer),
    }
    return await bank.shown(f"{PRODUCT}.create", asked)


async def test_dollars_of_a_store_are_shared_and_settled_in_its_own_money(bank: LittleBank) -> None:
    payer, shop = await bank.account("500.00", "USD"), await bank.merchant(fee_rate_bp=100)
    agent = await bank.receiver(shop)
    paid = await _paid(bank, payer, shop)
    rate = paid["result"]["fx"]["rate"]
    bought = int(Money.parse(paid["paid"]["amount"], "CNY").minor)
    assert abs(bought - 100_00 * float(rate)) < 1
    assert await bank.money(payer.ledger_account, shop.pending_ledger_account) == [40_000, bought]

    share = {"receivers": [{"account": agent.id, "amount": cny("100.00")}], "split_no": "1"}
    await bank.call(f"{PRODUCT}.splits", share, path=paid["id"])
    assert (await bank.call(f"{PRODUCT}.splits", share, path=paid["id"])).hit
    done = await bank.shown(f"{PRODUCT}.finishes", {}, path=paid["id"])

    fee = round(bought * 0.01)
    assert (done["state"], done["status"]) == ("completed", "settled")
    assert await bank.money(
        agent.ledger_account, shop.settlement_ledger_account, shop.pending_ledger_account
    ) == [10_000, bought - 10_000 - fee, 0]
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_refund_returns_dollars_at_the_rate_they_were_sold_at(bank: LittleBank) -> None:
    payer, shop = await bank.account("500.00", "USD"), await bank.merchant()
    positions = await bank.money(*POSITIONS)
    paid = await _paid(bank, payer, shop)
    bank.clock.advance(timedelta(days=9))

    half = await bank.shown(f"{PRODUCT}.refunds", {"amount": cny("300.01")}, path=paid["id"])
    rest = Money.parse(paid["paid"]["amount"], "CNY") - Money.parse("300.01", "CNY")
    await bank.call(f"{PRODUCT}.refunds", {"amount": rest.to_json()}, path=paid["id"])
    with pytest.raises(BanksideError) as more:
        await bank.call(f"{PRODUCT}.refunds", {"amount": cny("0.01")}, path=paid["id"])

    assert half["order_refunded"] == cny("300.01")
    assert more.value.code == "refund.exceeds_paid"
    assert await bank.balance(payer) == "500.00"
    assert await bank.money(*POSITIONS) == positions


async def test_money_nobody_shares_is_freed_to_the_merchant_after_thirty_days(
    bank: LittleBank,
) -> None:
    payer, shop = await bank.account("500.00", "USD"), await bank.merchant(fee_rate_bp=0)
    paid = await _paid(bank, payer, shop)
    bank.clock.advance(timedelta(days=30))

    await bank.orders.expire()

    bought = int(Money.parse(paid["paid"]["amount"], "CNY").minor)
    assert await bank.money(shop.settlement_ledger_account) == [bought]


async def test_money_of_the_merchant_s_own_currency_is_not_exchanged(bank: LittleBank) -> None:
    payer, shop = await bank.account("500.00"), await bank.merchant(fee_rate_bp=0)
    asked = {
        "merchant": shop.id,
        "order_no": "S-1",
        "amount": cny("100.00"),
        "payer_token": await bank.token(payer),
    }
    paid = await bank.shown(f"{PRODUCT}.create", asked)
    await bank.call(f"{PRODUCT}.refunds", {"amount": cny("1.00")}, path=paid["id"])
    await bank.call(f"{PRODUCT}.finishes", {}, path=paid["id"])

    assert await bank.money(payer.ledger_account, shop.settlement_ledger_account) == [40_100, 9_900]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"merchant": "mch_nowhere"}, "merchant.not_found"),
        ({"amount": cny("100.00")}, "payment.currency_mismatch"),
        ({"amount": {"amount": "50000.01", "currency": "USD"}}, "limit.per_transaction_exceeded"),
        ({"amount": {"amount": "500.01", "currency": "USD"}}, "payment.funds_insufficient"),
    ],
)
async def test_a_refused_collection_moves_nothing(
    bank: LittleBank, change: dict[str, Any], code: str
) -> None:
    payer, shop = await bank.account("500.00", "USD"), await bank.merchant()
    asked = {
        "merchant": shop.id,
        "order_no": "S-1",
        "amount": usd("100.00"),
        "payer_token": await bank.token(payer),
    }

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.create", asked | change)

    assert refused.value.code == code
    assert await bank.money(payer.ledger_account, shop.pending_ledger_account) == [50_000, 0]


async def test_a_paid_collection_is_not_closed(bank: LittleBank) -> None:
    payer, shop = await bank.account("500.00", "USD"), await bank.merchant()
    paid = await _paid(bank, payer, shop)

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{PRODUCT}.closures", {}, path=paid["id"])

    assert refused.value.code == "order.already_paid"


@settings(max_examples=200)
@given(
    st.integers(1, 10**7),
    st.integers(1, 10**8),
    st.lists(st.integers(1, 10**8), min_size=1, max_size=8),
)
def test_refunds_in_parts_return_exactly_what_was_sold(
    sold: int, paid: int, parts: list[int]
) -> None:
    order = _exchanged(sold, paid)
    back = 0
    for part in (*parts, paid):
        amount = min(part, paid - order.refunded)
        if amount == 0:
            break
        order, moves = _refunded(order, amount)
        back += sum(leg.amount.minor for leg in moves if leg.amount.currency == "USD")
        assert back * paid <= sold * order.refunded  # never more than the part that was refunded

    if order.refunded == paid:
        assert back == sold


def _refunded(order: Order, amount: int) -> tuple[Order, Any]:

    after, moves = fx.returned(order, "pending", amount)
    return replace(after, refunded=after.refunded + amount), moves


def _exchanged(sold: int, paid: int) -> Order:

    at = datetime(2026, 3, 2, tzinfo=UTC)
    facts = {"sold": Money(sold, "USD").to_json(), "bought": Money(paid, "CNY").to_json()}
    return Order(
        partner="p", id="o", tenant=None, app="a", product=PRODUCT, family="fx_store",
        state=State.WAITING, plan=(), scope="", content_hash=b"", subject="m", currency="CNY",
        amount=paid, paid=paid, pending=paid, book={"fx": facts},
        roles={"position_to": "to", "position_from": "from", "payer": "payer"},
        created_at=at, updated_at=at,
    )  # fmt: skip
