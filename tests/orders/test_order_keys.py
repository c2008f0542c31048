"""One key, one effect: repeats, races, and who wins when two callers want different things."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny, operation

from bankside.bank.ledger import Books
from bankside.catalog import load
from bankside.kernel.call import Answer, Call
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders
from bankside.orders.errors import (
    FundsInsufficient,
    KeyInProgress,
    KeyMissing,
    KeyReused,
    LimitPerDay,
    OrderAlreadyPaid,
    OrderClosed,
    RefundExceedsPaid,
    SplitCapExceeded,
)

TRANSFER = "payment.internal-transfers.create"
REFUND = "merchant.merchant-refunds.create"


async def _transfer(bank: LittleBank, amount: str = "1.00") -> dict[str, Any]:
    payer, payee = await bank.account("100.00"), await bank.account()
    return {"payer_account": payer.id, "payee_account": payee.id, "amount": cny(amount)}


async def _elsewhere(bank: LittleBank, books: Books) -> LittleBank:
    """The same bank, called through another process's runtime."""
    other = Orders(bank.pool, books, bank.clock, load())
    return LittleBank(bank.pool, books, bank.clock, other, bank.partner, customer=bank.customer)


async def test_a_repeat_gets_the_first_answer_and_moves_nothing(bank: LittleBank) -> None:
    body = await _transfer(bank)
    first = await bank.call(TRANSFER, body, key="k")

    again = await bank.call(TRANSFER, dict(reversed(body.items())), key="k")

    assert again.hit and not first.hit
    assert (again.status, again.body) == (first.status, first.body)
    assert again.facts["order"] == first.body["id"]
    assert await bank.balance(body["payer_account"]) == "99.00"


async def test_the_same_key_with_another_body_is_refused(bank: LittleBank) -> None:
    body = await _transfer(bank)
    await bank.call(TRANSFER, body, key="k")

    with pytest.raises(KeyReused) as refused:
        await bank.call(TRANSFER, body | {"amount": cny("2.00")}, key="k")

    assert (refused.value.status, refused.value.code) == (422, "idempotency.key_reused")
    assert await bank.balance(body["payer_account"]) == "99.00"


async def test_a_key_belongs_to_its_operation_and_tenant(bank: LittleBank) -> None:
    body = await _transfer(bank)
    # The accounts' owner is a merchant of the tenant: a tenant debits its own accounts only.
    await bank.merchant(tenant="tnt_other")
    await bank.call(TRANSFER, body, key="k")

    await bank.call("treasury.host-payments.create", body, key="k")
    bank.tenant = "tnt_other"
    await bank.call(TRANSFER, body, key="k")

    assert await bank.balance(body["payer_account"]) == "97.00"


@pytest.mark.parametrize("key", ["", "x" * 129, "clé", "a\nb"])
async def test_moving_money_needs_a_key(bank: LittleBank, key: str) -> None:
    body = await _transfer(bank)

    with pytest.raises(KeyMissing) as refused:
        await bank.call(TRANSFER, body, key=key)

    assert refused.value.status == 400


async def test_a_refusal_of_the_ledger_is_kept_with_its_key(bank: LittleBank) -> None:
    body = await _transfer(bank, "100.01")
    with pytest.raises(FundsInsufficient):
        await bank.call(TRANSFER, body, key="k")
    rich = await bank.account("50.00")
    await bank.call(
        TRANSFER,
        {
            "payer_account": rich.id,
            "payee_account": body["payer_account"],
            "amount": cny("50.00"),
        },
    )

    with pytest.raises(FundsInsufficient):
        await bank.call(TRANSFER, body, key="k")

    assert await bank.balance(body["payer_account"]) == "150.00"


async def test_a_malformed_request_does_not_use_its_key(bank: LittleBank) -> None:
    body = await _transfer(bank)
    with pytest.raises(BanksideError):
        await bank.call(TRANSFER, body | {"amount": cny("1.001")}, key="k")

    answer = await bank.call(TRANSFER, body, key="k")

    assert answer.status == 201 and not answer.hit


async def test_a_key_whose_first_request_still_runs_is_told_to_come_again(
    bank: LittleBank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bankside.orders.desk.KEY_WAIT_SECONDS", 0.05)
    body = await _transfer(bank)
    started, go_on = asyncio.Event(), asyncio.Event()
    commit = bank.books.commit

    async def slow(*args: Any, **more: Any) -> Any:
        started.set()
        await go_on.wait()
        return await commit(*args, **more)

    monkeypatch.setattr(bank.books, "commit", slow)
    first = asyncio.create_task(bank.call(TRANSFER, body, key="k"))
    await started.wait()

    with pytest.raises(KeyInProgress) as refused:
        await bank.call(TRANSFER, body, key="k")
    go_on.set()

    assert (refused.value.status, refused.value.retry_after) == (409, 1)
    assert (await first).status == 201


async def test_fifty_equal_calls_at_once_move_the_money_once(bank: LittleBank) -> None:
    body = await _transfer(bank)

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(each.call(TRANSFER, body, key="k") for each in [bank, other] * 25)
        )

    assert {each.status for each in answers} == {201}
    assert len({each.body["id"] for each in answers}) == 1
    assert Counter(each.hit for each in answers)[False] == 1
    assert await bank.balance(body["payer_account"]) == "99.00"


async def test_fifty_calls_with_one_key_and_different_bodies_have_one_effect(
    bank: LittleBank,
) -> None:
    body = await _transfer(bank)

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(
                each.call(TRANSFER, body | {"remark": f"{number}"}, key="k")
                for number, each in enumerate([bank, other] * 25)
            ),
            return_exceptions=True,
        )

    done = [each for each in answers if isinstance(each, Answer)]
    refused = Counter(type(each) for each in answers if not isinstance(each, Answer))
    assert len(done) == 1
    assert refused == {KeyReused: 49}
    assert await bank.balance(body["payer_account"]) == "99.00"


async def test_fifty_calls_with_one_number_and_different_keys_pay_once(
    bank: LittleBank,
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {
        "merchant": merchant.id,
        "order_no": "T1",
        "amount": cny("1.00"),
        "payer_token": await bank.token(payer),
    }

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(
                each.call("merchant.scan-payments.create", body, key=f"k{number}")
                for number, each in enumerate([bank, other] * 25)
            )
        )

    assert len({each.body["id"] for each in answers}) == 1
    assert await bank.balance(payer) == "99.00"


async def _paid(bank: LittleBank) -> tuple[str, Any, Any]:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        "merchant.scan-payments.create",
        {
            "merchant": merchant.id,
            "order_no": "T1",
            "amount": cny("100.00"),
            "payer_token": await bank.token(payer),
        },
    )
    return order["id"], merchant, payer


async def test_racing_refunds_together_never_exceed_what_was_paid(bank: LittleBank) -> None:
    order, merchant, payer = await _paid(bank)

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(
                each.call(REFUND, {"order": order, "amount": cny("30.00")}, key=f"r{number}")
                for number, each in enumerate([bank, other] * 5)
            ),
            return_exceptions=True,
        )

    done = [each for each in answers if isinstance(each, Answer)]
    assert len(done) == 3
    assert {type(each) for each in answers if not isinstance(each, Answer)} == {RefundExceedsPaid}
    assert await bank.balance(payer) == "90.00"
    assert await bank.balance(merchant.pending_ledger_account) == "10.00"


async def test_racing_splits_never_exceed_the_cap(bank: LittleBank) -> None:
    order, merchant, _payer = await _paid(bank)
    rider = await bank.receiver(merchant)
    share = {"receivers": [{"account": rider.id, "amount": cny("20.00")}]}

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(
                each.call("merchant.split-orders.splits", share, path=order, key=f"s{number}")
                for number, each in enumerate([bank, other] * 4)
            ),
            return_exceptions=True,
        )

    refused = [each for each in answers if not isinstance(each, Answer)]
    assert len(refused) == 7
    assert all(isinstance(each, SplitCapExceeded) for each in refused)
    assert await bank.balance(rider) == "20.00"


async def test_a_payer_and_a_closing_merchant_never_both_win(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    token = await bank.token(payer)
    outcomes = Counter[str]()

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        for number in range(10):
            order = await bank.shown(
                "merchant.collection-codes.create",
                {"merchant": merchant.id, "order_no": f"C{number}", "amount": cny("1.00")},
            )
            paid, closed = await asyncio.gather(
                bank.call(
                    "platform.payer-confirmations.create",
                    {"order": order["id"], "payer_token": token},
                ),
                other.call(
                    "merchant.collection-codes.closures",
                    {},
                    path=order["id"],
                    key=f"close-{number}",
                ),
                return_exceptions=True,
            )
            assert isinstance(paid, Answer) != isinstance(closed, Answer)
            lost = closed if isinstance(paid, Answer) else paid
            assert isinstance(lost, OrderAlreadyPaid | OrderClosed)
            outcomes["paid" if isinstance(paid, Answer) else "closed"] += 1

    left = 10_000 - 100 * outcomes["paid"]
    assert await bank.money(payer.ledger_account) == [left]


async def test_a_day_limit_holds_against_racing_calls(bank: LittleBank) -> None:
    payer, payee = await bank.account("9000000.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("300000.00")}

    async with Books(bank.pool, bank.clock) as books:
        other = await _elsewhere(bank, books)
        answers = await asyncio.gather(
            *(
                each.call(TRANSFER, body, key=f"d{number}")
                for number, each in enumerate([bank, other] * 6)
            ),
            return_exceptions=True,
        )

    refused = [each for each in answers if not isinstance(each, Answer)]
    assert len(refused) == 6
    assert all(isinstance(each, LimitPerDay) for each in refused)
    assert await bank.balance(payee) == "1800000.00"


async def test_keys_are_forgotten_after_seven_days_and_numbers_never(
    bank: LittleBank,
) -> None:
    body = await _transfer(bank) | {"end_to_end_id": "E1"}
    first = await bank.shown(TRANSFER, body, key="k")
    bank.clock.advance(timedelta(days=6, hours=23))
    await bank.orders.expire()
    assert (await bank.call(TRANSFER, body, key="k")).hit

    bank.clock.advance(timedelta(hours=2))
    await bank.orders.expire()
    later = await bank.call(TRANSFER, body, key="k")

    assert later.body["id"] == first["id"]
    assert await bank.balance(body["payer_account"]) == "99.00"


async def test_a_closed_order_is_not_confirmed(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    order = await bank.shown(
        "merchant.collection-codes.create",
        {"merchant": merchant.id, "order_no": "C", "amount": cny("1.00")},
    )
    await bank.call("merchant.collection-codes.closures", {}, path=order["id"])

    with pytest.raises(OrderClosed):
        await bank.call(
            "platform.payer-confirmations.create",
            {"order": order["id"], "payer_token": await bank.token(payer)},
        )


async def test_an_operation_without_money_needs_no_key(bank: LittleBank) -> None:
    account = await bank.account()

    answer = await bank.orders.handle(  # type: ignore[misc]
        Call(
            operation=operation("account.account-statements.create"),
            caller=bank.caller(),
            body={"subject": account.id, "period": "2026-03"},
        )
    )

    assert answer.status == 201
