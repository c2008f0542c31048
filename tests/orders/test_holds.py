"""Preauthorizations and escrow: held, captured within what is held, released, timed out."""

from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank import ledger
from bankside.bank.accounts import Account
from bankside.bank.merchants import Merchant
from bankside.kernel.errors import BanksideError
from bankside.orders.errors import (
    CaptureExceedsHeld,
    CurrencyRefused,
    FundsInsufficient,
    HoldExpired,
    InputInvalid,
    NumberReused,
    OrderNotPaid,
    OrderStateRefused,
    RefundExceedsPaid,
)

CREATE = "merchant.preauthorizations.create"
CAPTURE = "merchant.preauthorizations.captures"
RELEASE = "merchant.preauthorizations.closures"
QUERY = "merchant.preauthorizations.query"


async def _held(bank: LittleBank, **more: Any) -> tuple[dict[str, Any], Merchant, Account]:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        CREATE,
        {
            "merchant": merchant.id,
            "order_no": "H1",
            "amount": cny("80.00"),
            "payer_token": await bank.token(payer),
        }
        | more,
    )
    return order, merchant, payer


async def test_a_hold_takes_the_money_from_what_the_payer_can_spend(bank: LittleBank) -> None:
    order, _merchant, payer = await _held(bank)

    balances = await bank.shown("account.account-balances.query", path=payer.id)

    assert (order["state"], order["status"], order["held"]) == ("waiting", "held", cny("80.00"))
    assert order["expires_at"] == "2026-03-09T02:00:00.000Z"
    assert (balances["booked"], balances["available"], balances["held"]) == (
        cny("100.00"),
        cny("20.00"),
        cny("80.00"),
    )


async def test_what_is_captured_goes_to_the_merchant_less_the_fee_and_the_rest_back(
    bank: LittleBank,
) -> None:
    order, merchant, payer = await _held(bank)

    part = await bank.shown(CAPTURE, {"amount": cny("50.00"), "capture_no": "K1"}, path=order["id"])
    done = await bank.shown(RELEASE, {}, path=order["id"])

    assert (part["status"], part["held"], part["captured"]) == (
        "held",
        cny("30.00"),
        cny("50.00"),
    )
    assert (done["state"], done["status"], done["held"]) == ("completed", "captured", cny("0.00"))
    assert await bank.balance(payer) == "50.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "49.81"


async def test_capturing_everything_ends_the_hold(bank: LittleBank) -> None:
    order, *_ = await _held(bank)
    await bank.call(CAPTURE, {"amount": cny("30.00")}, path=order["id"])

    done = await bank.shown(CAPTURE, {"amount": cny("50.00")}, path=order["id"])

    assert (done["state"], done["status"], done["captured"]) == (
        "completed",
        "captured",
        cny("80.00"),
    )
    with pytest.raises(OrderStateRefused):
        await bank.call(RELEASE, {}, path=order["id"])


async def test_captures_never_exceed_what_is_held(bank: LittleBank) -> None:
    order, *_ = await _held(bank)
    await bank.call(CAPTURE, {"amount": cny("30.00")}, path=order["id"])

    with pytest.raises(CaptureExceedsHeld) as refused:
        await bank.call(CAPTURE, {"amount": cny("50.01")}, path=order["id"])

    assert refused.value.extra["held"] == cny("50.00")


async def test_a_capture_number_names_one_capture(bank: LittleBank) -> None:
    order, *_ = await _held(bank)
    body = {"amount": cny("30.00"), "capture_no": "K1"}
    await bank.call(CAPTURE, body, path=order["id"])

    again = await bank.call(CAPTURE, body, path=order["id"])

    assert again.hit
    assert again.body["captured"] == cny("30.00")
    with pytest.raises(NumberReused):
        await bank.call(CAPTURE, body | {"amount": cny("31.00")}, path=order["id"])


async def test_a_released_hold_leaves_the_payer_as_before(bank: LittleBank) -> None:
    order, _merchant, payer = await _held(bank)

    done = await bank.shown(RELEASE, {"reason": "退房"}, path=order["id"])

    assert (done["state"], done["status"]) == ("completed", "released")
    assert await bank.balance(payer) == "100.00"
    with pytest.raises(OrderStateRefused):
        await bank.call(CAPTURE, {"amount": cny("1.00")}, path=order["id"])


async def test_a_hold_whose_time_is_over_is_released_and_not_captured(bank: LittleBank) -> None:
    order, _merchant, payer = await _held(bank, expires_in_seconds=3600)
    bank.clock.advance(timedelta(hours=1))

    with pytest.raises(HoldExpired):
        await bank.call(CAPTURE, {"amount": cny("1.00")}, path=order["id"])
    await bank.orders.expire()

    shown = await bank.shown(QUERY, path=order["id"])
    assert (shown["state"], shown["status"]) == ("completed", "released")
    assert await bank.balance(payer) == "100.00"


async def test_a_hold_the_ledger_timed_out_itself_is_released_in_the_order_too(
    bank: LittleBank,
) -> None:
    order, _merchant, payer = await _held(bank, expires_in_seconds=3600)
    await bank.call(CAPTURE, {"amount": cny("10.00")}, path=order["id"])
    bank.clock.advance(timedelta(hours=1))
    await ledger.expire_holds(bank.pool, bank.clock)

    await bank.orders.expire()
    await bank.orders.expire()

    shown = await bank.shown(QUERY, path=order["id"])
    assert (shown["state"], shown["status"], shown["held"]) == (
        "completed",
        "captured",
        cny("0.00"),
    )
    assert await bank.balance(payer) == "90.00"


async def test_a_payer_without_cover_is_not_held(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("79.99")

    with pytest.raises(FundsInsufficient):
        await bank.call(
            CREATE,
            {
                "merchant": merchant.id,
                "order_no": "H1",
                "amount": cny("80.00"),
                "payer_token": await bank.token(payer),
            },
        )

    assert await bank.balance(payer) == "79.99"


async def test_what_was_captured_can_be_refunded_by_the_merchant(bank: LittleBank) -> None:
    order, merchant, payer = await _held(bank)
    refunds = "merchant.preauthorizations.refunds"
    with pytest.raises(OrderNotPaid):
        await bank.call(refunds, {"amount": cny("1.00")}, path=order["id"])
    await bank.call(CAPTURE, {"amount": cny("50.00")}, path=order["id"])

    await bank.call(refunds, {"amount": cny("20.00")}, path=order["id"])
    with pytest.raises(RefundExceedsPaid):
        await bank.call(refunds, {"amount": cny("30.01")}, path=order["id"])

    shown = await bank.shown(QUERY, path=order["id"])
    assert (shown["status"], shown["refunded"], shown["held"]) == (
        "held",
        cny("20.00"),
        cny("30.00"),
    )
    assert await bank.balance(payer) == "40.00"
    assert await bank.balance(merchant.settlement_ledger_account) == "29.81"


async def test_escrow_runs_by_the_same_definition(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        "merchant.escrow-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "E1",
            "amount": cny("80.00"),
            "payer_token": await bank.token(payer),
        },
    )

    done = await bank.shown(
        "merchant.escrow-payments.captures", {"amount": cny("80.00")}, path=order["id"]
    )

    assert done["status"] == "captured"
    assert await bank.balance(merchant.settlement_ledger_account) == "79.70"


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({}, InputInvalid),
        ({"amount": cny("0.00")}, InputInvalid),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, CurrencyRefused),
        ({"amount": cny("1.00"), "final": True}, InputInvalid),
    ],
)
async def test_a_capture_that_is_just_invalid_changes_nothing(
    bank: LittleBank, body: dict[str, Any], refusal: type[BanksideError]
) -> None:
    order, *_ = await _held(bank)

    with pytest.raises(refusal):
        await bank.call(CAPTURE, body, path=order["id"])

    assert (await bank.shown(QUERY, path=order["id"]))["held"] == cny("80.00")


@pytest.mark.parametrize("seconds", [59, 30 * 24 * 3600 + 1])
async def test_a_hold_lasts_from_a_minute_to_thirty_days(bank: LittleBank, seconds: int) -> None:
    with pytest.raises(InputInvalid):
        await _held(bank, expires_in_seconds=seconds)
