"""What a sandbox app asks to happen happens, and nothing else."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest
from tests.orders.little_bank import operation
from tools.error_codes import refusals as met
from tools.sandbox_values import DOCUMENT, document, wished

from bankside.app.outcomes import LATENCY_MS_MAX, OutcomeInvalid, acted, outcome_of, refusals
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.errors import BanksideError

CALL = Call(operation=operation("merchant.scan-payments.create"), caller=Caller("prt_1", "app_1"))


class Bank:
    """Counts what is carried out."""

    def __init__(self) -> None:
        self.done: list[Mapping[str, Any]] = []

    async def handle(self, call: Call) -> Answer:
        self.done.append(call.body)
        return Answer(201, {"status": "paid"})

    async def asked(self, outcome: str) -> Answer:
        call = Call(operation=CALL.operation, caller=CALL.caller, outcome=outcome)
        answer = acted(self.handle)(call)
        return answer if isinstance(answer, Answer) else await answer


async def test_a_call_without_a_wish_is_carried_out() -> None:
    bank = Bank()

    assert (await bank.asked("")).status == 201
    assert len(bank.done) == 1


async def test_a_code_is_raised_in_place_of_the_operation() -> None:
    bank = Bank()

    with pytest.raises(BanksideError) as refused:
        await bank.asked("payment.funds_insufficient")

    assert (refused.value.code, bank.done) == ("payment.funds_insufficient", [])


async def test_of_one_code_with_two_statuses_either_is_had() -> None:
    for status in (404, 422):
        with pytest.raises(BanksideError) as refused:
            await Bank().asked(f"account.not_found {status}")
        assert (refused.value.code, refused.value.status) == ("account.not_found", status)


async def test_an_unknown_result_comes_after_the_operation() -> None:
    bank = Bank()

    with pytest.raises(TimeoutError):
        await bank.asked("unknown")

    assert len(bank.done) == 1


async def test_latency_waits_before_anything_happens() -> None:
    bank = Bank()

    waiting = asyncio.create_task(bank.asked("latency=30000"))
    await asyncio.sleep(0)
    assert bank.done == []
    waiting.cancel()

    assert (await bank.asked("latency=1; callbacks=twice")).status == 201


@pytest.mark.parametrize(
    "text",
    [
        "no.such_code",
        "payment.funds_insufficient 404",
        f"latency={LATENCY_MS_MAX + 1}",
        "latency=-1",
        "latency=1e3",
        "callbacks=never",
        "unknown;",
        "x" * 201,
        "Payment.Funds_Insufficient",
        "internal\n",
    ],
)
async def test_what_the_sandbox_does_not_know_is_refused_and_nothing_is_done(text: str) -> None:
    bank = Bank()

    with pytest.raises(OutcomeInvalid):
        await bank.asked(text)

    assert bank.done == []


def test_the_longest_latency_is_taken() -> None:
    assert outcome_of(f"latency={LATENCY_MS_MAX}").latency_ms == LATENCY_MS_MAX


def test_every_code_of_the_catalogue_can_be_asked_for() -> None:
    for each in met():
        found = outcome_of(wished(each)).refusal
        assert found is not None
        assert (found.code, found.status) == (each.code, each.status)
    assert refusals()["merchant.not_found"]


def test_the_partner_s_list_of_values_is_today_s() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document()
