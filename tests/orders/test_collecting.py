"""Collected payments: paid once into pending, settled at the end of day less the fee, or closed."""

from datetime import date, timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import House, PayerTokenUsed, house_account
from bankside.bank.accounts import errors as account_errors
from bankside.bank.ledger import AccountStatus, carry_out, set_status
from bankside.kernel.errors import BanksideError
from bankside.orders.errors import (
    CurrencyRefused,
    FundsInsufficient,
    InputInvalid,
    LimitPerTransaction,
    MerchantUnknown,
    NumberReused,
    OrderAlreadyPaid,
    OrderClosed,
    SameAccount,
    SandboxOnly,
)

SCAN = "merchant.scan-payments.create"
CODE = "merchant.collection-codes.create"
CONFIRM = "platform.payer-confirmations.create"
TODAY = date(2026, 3, 2)


async def test_a_scanned_payment_is_paid_into_the_merchants_pending_account(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")

    answer = await bank.call(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("38.50"),
            "payer_token": await bank.token(payer),
            "subject": "午餐",
        },
    )

    assert answer.status == 202
    assert (answer.body["state"], answer.body["status"]) == ("waiting", "paid")
    assert answer.body["paid"] == cny("38.50")
    assert answer.body["paid_at"] == "2026-03-02T02:00:00.000Z"
    assert answer.body["qr_code"] is None
    assert await bank.balance(payer) == "61.50"
    assert await bank.balance(merchant.pending_ledger_account) == "38.50"
    assert await bank.balance(merchant.settlement_ledger_account) == "0.00"


async def test_at_the_end_of_day_pending_goes_to_the_merchant_less_the_fee(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    fees = house_account(House.FEE_INCOME, "CNY")
    (income,) = await bank.money(fees)
    order = await bank.shown(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("38.50"),
            "payer_token": await bank.token(payer),
        },
    )

    await bank.orders.end_of_day(TODAY - timedelta(days=1))
    assert await bank.balance(merchant.pending_ledger_account) == "38.50"
    await bank.orders.end_of_day(TODAY)
    assert await bank.orders.end_of_day(TODAY) == 0

    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("completed", "settled")
    # 38 basis points of 38.50 are 0.1463, half-even 0.15.
    assert (shown["fee"], shown["settled"]) == (cny("0.15"), cny("38.35"))
    assert await bank.money(merchant.pending_ledger_account) == [0]
    assert await bank.balance(merchant.settlement_ledger_account) == "38.35"
    # Other banks of this database settle into the same income account meanwhile.
    assert (await bank.money(fees))[0] >= income + 15


async def test_a_payment_after_the_cut_off_settles_with_the_next_date(bank: LittleBank) -> None:
    bank.clock.advance(timedelta(hours=13, minutes=30))  # 23:30 in Beijing
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    await bank.call(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "late",
            "amount": cny("10.00"),
            "payer_token": await bank.token(payer),
        },
    )

    await bank.orders.end_of_day(TODAY)
    assert await bank.balance(merchant.pending_ledger_account) == "10.00"
    await bank.orders.end_of_day(TODAY + timedelta(days=1))
    assert await bank.balance(merchant.pending_ledger_account) == "0.00"


async def test_a_merchants_own_rate_is_the_price(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("100.00")
    await bank.call(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("50.00"),
            "payer_token": await bank.token(payer),
        },
    )

    await bank.orders.end_of_day(TODAY)

    assert await bank.balance(merchant.settlement_ledger_account) == "49.50"


async def test_a_collection_code_waits_for_its_payer(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        CODE, {"merchant": merchant.id, "order_no": "C1", "amount": cny("20.00")}
    )
    assert (order["state"], order["status"]) == ("waiting", "waiting")
    assert order["expires_at"] == "2026-03-02T04:00:00.000Z"

    paid = await bank.shown(
        CONFIRM, {"qr_code": order["qr_code"], "payer_token": await bank.token(payer)}
    )

    assert (paid["id"], paid["status"], paid["qr_code"]) == (order["id"], "paid", None)
    assert await bank.balance(payer) == "80.00"
    with pytest.raises(OrderAlreadyPaid):
        await bank.call(CONFIRM, {"order": order["id"], "payer_token": await bank.token(payer)})


async def test_a_payer_without_cover_leaves_the_order_waiting_for_another(
    bank: LittleBank,
) -> None:
    merchant = await bank.merchant()
    poor, rich = await bank.account("1.00"), await bank.account("100.00")
    order = await bank.shown(
        CODE, {"merchant": merchant.id, "order_no": "C1", "amount": cny("20.00")}
    )
    with pytest.raises(FundsInsufficient):
        await bank.call(CONFIRM, {"order": order["id"], "payer_token": await bank.token(poor)})

    paid = await bank.shown(CONFIRM, {"order": order["id"], "payer_token": await bank.token(rich)})

    assert paid["status"] == "paid"


async def test_an_unpaid_order_can_be_closed_and_is_never_paid_afterwards(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        CODE, {"merchant": merchant.id, "order_no": "C1", "amount": cny("20.00")}
    )

    closed = await bank.shown(
        "merchant.collection-codes.closures", {"reason": "顾客走了"}, path=order["id"]
    )

    assert (closed["state"], closed["status"]) == ("expired", "closed")
    with pytest.raises(OrderClosed):
        await bank.call(CONFIRM, {"order": order["id"], "payer_token": await bank.token(payer)})
    with pytest.raises(OrderClosed):
        await bank.call("merchant.collection-codes.closures", {}, path=order["id"])
    assert await bank.balance(payer) == "100.00"


async def test_a_paid_order_cannot_be_closed(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("10.00"),
            "payer_token": await bank.token(payer),
        },
    )

    with pytest.raises(OrderAlreadyPaid):
        await bank.call("merchant.scan-payments.closures", {}, path=order["id"])


async def test_an_order_nobody_paid_in_time_is_closed(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        CODE,
        {
            "merchant": merchant.id,
            "order_no": "C1",
            "amount": cny("20.00"),
            "expires_in_seconds": 60,
        },
    )
    bank.clock.advance(timedelta(seconds=60))

    with pytest.raises(OrderClosed):
        await bank.call(CONFIRM, {"order": order["id"], "payer_token": await bank.token(payer)})
    await bank.orders.expire()

    shown = await bank.shown("merchant.collection-codes.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("expired", "closed")


async def test_a_payment_code_pays_once(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    code = await bank.one_use_token(payer)
    body = {"merchant": merchant.id, "amount": cny("1.00"), "payer_token": code}
    await bank.call(SCAN, body | {"order_no": "T1"})

    with pytest.raises(PayerTokenUsed):
        await bank.call(SCAN, body | {"order_no": "T2"})

    assert await bank.balance(payer) == "99.00"


async def test_the_same_order_number_is_the_same_payment_whatever_code_the_payer_shows(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {"merchant": merchant.id, "order_no": "T1", "amount": cny("10.00")}
    first = await bank.shown(SCAN, body | {"payer_token": await bank.token(payer)})

    again = await bank.call(SCAN, body | {"payer_token": await bank.token(payer)})

    assert again.hit
    assert again.body["id"] == first["id"]
    assert await bank.balance(payer) == "90.00"
    with pytest.raises(NumberReused):
        await bank.call(
            SCAN,
            body | {"amount": cny("11.00"), "payer_token": await bank.token(payer)},
        )


async def test_an_order_number_is_one_number_over_all_collecting_products(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {"merchant": merchant.id, "order_no": "T1", "amount": cny("10.00")}
    await bank.call(CODE, body)

    with pytest.raises(NumberReused):
        await bank.call(SCAN, body | {"payer_token": await bank.token(payer)})


async def test_a_caller_with_one_merchant_need_not_name_it(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {"order_no": "T1", "amount": cny("1.00"), "payer_token": await bank.token(payer)}

    order = await bank.shown(SCAN, body)
    await bank.merchant()

    assert order["merchant"] == merchant.id
    with pytest.raises(InputInvalid):
        await bank.call(SCAN, body | {"order_no": "T2"})


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"merchant": "mch_nowhere"}, MerchantUnknown),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, CurrencyRefused),
        ({"amount": cny("50000.01")}, LimitPerTransaction),
        ({"payer_token": "280000"}, account_errors.PayerTokenUnknown),
        ({"payer_token": "代码"}, InputInvalid),
        ({"payer_token": None}, InputInvalid),
        ({"order_no": ""}, InputInvalid),
        ({"order_no": "x" * 65}, InputInvalid),
        ({"order_no": 17}, InputInvalid),
        ({"expires_in_seconds": 59}, InputInvalid),
        ({"expires_in_seconds": 10**9}, InputInvalid),
        ({"expires_in_seconds": "60"}, InputInvalid),
        ({"expires_in_seconds": True}, InputInvalid),
    ],
)
async def test_a_scanned_payment_that_is_just_invalid_changes_nothing(
    bank: LittleBank, change: dict[str, Any], refusal: type[BanksideError]
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("60000.00")
    body = {
        "merchant": merchant.id,
        "order_no": "T1",
        "amount": cny("1.00"),
        "payer_token": await bank.token(payer),
    }

    with pytest.raises(refusal):
        await bank.call(SCAN, body | change)

    assert await bank.balance(payer) == "60000.00"
    page = await bank.shown("merchant.scan-payments.list")
    assert page["items"] == []


async def test_the_merchant_does_not_pay_itself(bank: LittleBank) -> None:
    merchant = await bank.merchant()
    settlement = next(each for each in bank.accounts if each.id == merchant.settlement_account)

    with pytest.raises(SameAccount):
        await bank.call(
            SCAN,
            {
                "merchant": merchant.id,
                "order_no": "T1",
                "amount": cny("1.00"),
                "payer_token": await bank.token(settlement),
            },
        )


async def test_only_the_sandbox_acts_as_payer(bank: LittleBank) -> None:
    bank.environment = "live"

    with pytest.raises(SandboxOnly):
        await bank.call(CONFIRM, {"order": "ord_1", "payer_token": "28"})


async def test_a_merchant_that_cannot_take_its_money_makes_it_go_back_to_the_payer(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("10.00"),
            "payer_token": await bank.token(payer),
        },
    )
    await bank.call("merchant.scan-payments.refunds", {"amount": cny("4.00")}, path=order["id"])
    async with bank.pool.acquire() as db:
        await carry_out(db, set_status(merchant.settlement_ledger_account, AccountStatus.CLOSED))

    await bank.orders.end_of_day(TODAY)
    await bank.orders.end_of_day(TODAY)

    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("compensated", "refunded")
    assert shown["code"] == "payment.account_closed"
    assert await bank.balance(payer) == "100.00"
    assert await bank.money(merchant.pending_ledger_account) == [0]


async def test_money_that_can_go_neither_on_nor_back_waits_for_a_person(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("10.00")
    order = await bank.shown(
        SCAN,
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("10.00"),
            "payer_token": await bank.token(payer),
        },
    )
    async with bank.pool.acquire() as db:
        for account in (merchant.settlement_ledger_account, payer.ledger_account):
            await carry_out(db, set_status(account, AccountStatus.CLOSED))

    await bank.orders.end_of_day(TODAY)

    shown = await bank.shown("merchant.scan-payments.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("reconciling", "paid")
    assert await bank.balance(merchant.pending_ledger_account) == "10.00"
