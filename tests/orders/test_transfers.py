"""Internal transfers: money moves once, for the right party, or not at all."""

from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import close, freeze
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError
from bankside.orders.errors import (
    AccountBlocked,
    AccountClosed,
    AccountUnknown,
    CurrencyRefused,
    FundsInsufficient,
    InputInvalid,
    LimitPerDay,
    LimitPerTransaction,
    NumberReused,
    SameAccount,
    TransferPosted,
)

CREATE = "payment.internal-transfers.create"


async def test_a_transfer_moves_the_amount_from_payer_to_payee(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()

    answer = await bank.call(
        CREATE,
        {
            "payer_account": payer.id,
            "payee_account": payee.number,
            "amount": cny("12.34"),
            "remark": "房租",
            "end_to_end_id": "e2e-1",
        },
    )

    assert answer.status == 201
    assert answer.body["state"] == "completed"
    assert answer.body["status"] == "completed"
    assert answer.body["end_to_end_id"] == "e2e-1"
    assert answer.body["paid"] == cny("12.34")
    assert answer.facts["order"] == answer.body["id"]
    assert await bank.balance(payer) == "87.66"
    assert await bank.balance(payee) == "12.34"


async def test_a_transfer_without_cover_is_refused_and_can_be_looked_up(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    body = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": cny("10.01"),
        "end_to_end_id": "e2e-short",
    }

    with pytest.raises(FundsInsufficient) as refused:
        await bank.call(CREATE, body)

    assert refused.value.iso_reason == "AM04"
    assert await bank.balance(payer) == "10.00"
    found = await bank.shown(
        "payment.internal-transfers.list", query={"end_to_end_id": "e2e-short"}
    )
    (order,) = found["items"]
    assert (order["state"], order["status"]) == ("refused", "refused")
    assert order["code"] == "payment.funds_insufficient"


async def test_a_refused_number_stays_used(bank: LittleBank) -> None:
    payer, payee = await bank.account("1.00"), await bank.account()
    body = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": cny("2.00"),
        "end_to_end_id": "e2e-once",
    }
    with pytest.raises(FundsInsufficient):
        await bank.call(CREATE, body)

    with pytest.raises(FundsInsufficient):
        await bank.call(CREATE, body)
    with pytest.raises(NumberReused):
        await bank.call(CREATE, body | {"amount": cny("0.50")})

    assert await bank.balance(payer) == "1.00"


async def test_the_same_number_and_content_is_the_same_transfer(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    body = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": cny("5.00"),
        "end_to_end_id": "e2e-2",
    }
    first = await bank.shown(CREATE, body)

    again = await bank.call(CREATE, body)

    assert again.hit
    assert again.body["id"] == first["id"]
    assert await bank.balance(payer) == "95.00"


@pytest.mark.parametrize(
    ("change", "refusal", "pointer"),
    [
        ({"payee_account": "acc_nowhere"}, AccountUnknown, "/payee_account"),
        ({"payer_account": "acc_nowhere"}, AccountUnknown, "/payer_account"),
        ({"amount": {"amount": "1.00", "currency": "USD"}}, CurrencyRefused, "/payer_account"),
        ({"amount": cny("1.001")}, InputInvalid, "/amount"),
        ({"amount": cny("0.00")}, InputInvalid, "/amount"),
        ({"amount": cny("-1.00")}, InputInvalid, "/amount"),
        ({"amount": "1.00"}, InputInvalid, "/amount"),
        ({"amount": {"amount": 1, "currency": "CNY"}}, InputInvalid, "/amount"),
        ({"amount": {"amount": "1.00", "currency": "XXX"}}, InputInvalid, "/amount"),
        ({"amount": None}, InputInvalid, "/amount"),
        ({"remark": "x" * 2000}, InputInvalid, "/remark"),
        ({"remark": "nul\x00"}, InputInvalid, "/remark"),
        ({"remark": "\ud800"}, InputInvalid, "/remark"),
        ({"surprise": 1}, InputInvalid, "/surprise"),
        ({"payer_account": "acc/../%00"}, InputInvalid, "/payer_account"),
        ({"payer_account": 7}, InputInvalid, "/payer_account"),
    ],
)
async def test_a_transfer_that_is_just_invalid_is_refused_by_name(
    bank: LittleBank, change: dict[str, Any], refusal: type[BanksideError], pointer: str
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}

    with pytest.raises(refusal) as refused:
        await bank.call(CREATE, body | change)

    assert refused.value.errors[0]["pointer"] == pointer
    assert await bank.balance(payer) == "100.00"


async def test_payer_and_payee_have_to_differ(bank: LittleBank) -> None:
    payer = await bank.account("100.00")

    with pytest.raises(SameAccount):
        await bank.call(
            CREATE,
            {
                "payer_account": payer.id,
                "payee_account": payer.number,
                "amount": cny("1.00"),
            },
        )


async def test_the_limit_of_one_transaction_is_exact(bank: LittleBank) -> None:
    payer, payee = await bank.account("600000.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id}

    with pytest.raises(LimitPerTransaction) as refused:
        await bank.call(CREATE, body | {"amount": cny("500000.01")})
    await bank.call(CREATE, body | {"amount": cny("500000.00")})

    assert refused.value.extra["limit"] == cny("500000.00")
    assert await bank.balance(payer) == "100000.00"


async def test_the_limit_of_a_day_counts_what_was_moved(bank: LittleBank) -> None:
    payer, payee = await bank.account("9000000.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("500000.00")}
    for _ in range(4):
        await bank.call(CREATE, body)

    with pytest.raises(LimitPerDay):
        await bank.call(CREATE, body | {"amount": cny("0.01")})

    assert await bank.balance(payee) == "2000000.00"


async def test_a_frozen_payer_pays_nothing(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    async with transaction(bank.pool) as db:
        await freeze(db, bank.partner, payer.id, reason="court order")

    with pytest.raises(AccountBlocked):
        await bank.call(
            CREATE,
            {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")},
        )

    assert await bank.balance(payee) == "0.00"


async def test_a_closed_payee_receives_nothing(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    async with transaction(bank.pool) as db:
        await close(db, bank.clock, bank.partner, payee.id)

    with pytest.raises(AccountClosed):
        await bank.call(
            CREATE,
            {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")},
        )

    assert await bank.balance(payer) == "100.00"


async def test_a_posted_transfer_cannot_be_cancelled(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    order = await bank.shown(
        CREATE, {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}
    )

    with pytest.raises(TransferPosted):
        await bank.call("payment.internal-transfers.cancellations", {}, path=order["id"])

    assert await bank.balance(payee) == "1.00"


async def test_a_currency_without_decimals_is_moved_in_whole_units(bank: LittleBank) -> None:
    payer, payee = await bank.account("1000", "JPY"), await bank.account("0", "JPY")
    body = {"payer_account": payer.id, "payee_account": payee.id}

    await bank.call(CREATE, body | {"amount": {"amount": "250", "currency": "JPY"}})
    with pytest.raises(InputInvalid):
        await bank.call(CREATE, body | {"amount": {"amount": "1.5", "currency": "JPY"}})

    assert await bank.balance(payer) == "750"


async def test_a_mapped_product_of_the_same_archetype_runs_by_the_same_code(
    bank: LittleBank,
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()

    order = await bank.shown(
        "treasury.host-payments.create",
        {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("3.00")},
    )

    assert order["product"] == "treasury.host-payments"
    assert await bank.balance(payee) == "3.00"


async def test_a_page_of_transfers_goes_on_where_the_last_one_ended(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    made = [
        (
            await bank.shown(
                CREATE,
                {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")},
            )
        )["id"]
        for _ in range(5)
    ]
    seen: list[str] = []
    cursor: str | None = None

    for _ in range(3):
        query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
        page = await bank.shown("payment.internal-transfers.list", query=query)
        seen += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]

    assert cursor is None
    assert seen == sorted(made, reverse=True)
