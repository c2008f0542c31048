"""Runs of solutions: keys, numbers, conditions, credentials, failures, whose they are."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.catalog.test_solutions import assembly
from tests.orders.little_bank import cny
from tests.orders.solutions.solution_bank import CANCEL, CREATE, SHOW, STEPS, RunningBank, running

from bankside.bank.ledger import Books, verify
from bankside.catalog import load
from bankside.catalog.errors import SolutionBroken, SolutionTaken, SolutionUnknown
from bankside.catalog.solutions import Asker, install, withdraw
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.orders import Orders
from bankside.orders.errors import InputInvalid, KeyMissing, KeyReused, NumberReused
from bankside.orders.preparations.codes import MAGIC
from bankside.orders.solutions.errors import (
    RunNotFound,
    RunStateRefused,
    SolutionNotFound,
    SolutionNotRunnable,
)
from bankside.partners import block_app, unblock_app, unsubscribe

NAME = "pay-and-tell"
ANYBODY = Asker(runnable=Orders.runnable)


async def installed(bank: RunningBank, row: Mapping[str, Any]) -> int:
    """The assembly stands for the bank's partner."""
    async with transaction(bank.pool) as db:
        return await install(db, bank.clock, load(), ANYBODY, row, partner=bank.partner)


async def given(bank: RunningBank, **other: Any) -> dict[str, Any]:
    payer, payee = await bank.account("100.00"), await bank.account("5.00")
    values = {"payer": payer.id, "payee": payee.id, "amount": cny("20.00"), "code": MAGIC}
    return values | other


def states(shown: Mapping[str, Any]) -> dict[str, str]:
    return {each["step"]: each["state"] for each in shown["branches"]}


async def test_an_assembly_installed_for_a_partner_runs_without_a_restart(
    runs: RunningBank,
) -> None:
    body = {"solution": NAME, "input": await given(runs)}
    with pytest.raises(SolutionNotFound):
        await runs.call(CREATE, body)

    await installed(runs, assembly())
    answer = await runs.call(CREATE, body)

    assert (answer.status, answer.body["state"]) == (201, "completed")  # type: ignore[index]
    assert states(answer.body) == {"pay": "done", "approve": "done"}  # type: ignore[arg-type]
    assert await runs.balance(runs.accounts[0]) == "79.00"
    assert await runs.balance(runs.accounts[1]) == "25.00"


async def test_a_broken_assembly_is_not_installed_and_a_shipped_one_not_replaced(
    runs: RunningBank,
) -> None:
    broken = assembly()
    del broken["steps"][0]["with"]["amount"]

    with pytest.raises(SolutionBroken) as refused:
        await installed(runs, broken)
    with pytest.raises(SolutionTaken):
        await installed(runs, assembly() | {"id": "platform-riders"})

    assert refused.value.errors[0]["pointer"] == "/steps/0/with/amount"


async def test_a_run_keeps_the_version_it_began_with(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    first = await installed(runs, row)
    shown = await runs.run(NAME, await given(runs))

    row["steps"][1]["when"] = ['$steps.pay.paid >= "1000.00"']
    second = await installed(runs, row)
    shown = await runs.shown(STEPS, {"step": "approve"}, path=shown["id"])
    again = await runs.run(NAME, await given(runs))

    assert (first, second) == (1, 2)
    assert states(shown) == {"pay": "done", "approve": "done"}
    assert states(again) == {"pay": "done", "approve": "skipped"}


async def test_a_withdrawn_solution_begins_nothing_and_its_runs_go_on(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))

    async with transaction(runs.pool) as db:
        await withdraw(db, runs.clock, NAME, partner=runs.partner)
    with pytest.raises(SolutionNotFound):
        await runs.run(NAME, await given(runs))
    async with transaction(runs.pool) as db:
        with pytest.raises(SolutionUnknown):
            await withdraw(db, runs.clock, NAME, partner=runs.partner)
    shown = await runs.shown(STEPS, {"step": "approve"}, path=begun["id"])

    assert shown["state"] == "completed"
    assert await installed(runs, row) == 2
    assert (await runs.run(NAME, await given(runs)))["state"] == "waiting"


async def test_a_key_names_one_run(runs: RunningBank) -> None:
    await installed(runs, assembly())
    body = {"solution": NAME, "input": await given(runs)}

    first = await runs.call(CREATE, body, key="K")
    repeated = await runs.call(CREATE, body, key="K")
    with pytest.raises(KeyReused):
        await runs.call(CREATE, body | {"run_no": "2"}, key="K")
    with pytest.raises(KeyMissing):
        await runs.call(CREATE, body, key="")

    assert repeated.hit and repeated.body == first.body
    assert await runs.balance(runs.accounts[1]) == "25.00"


async def test_a_number_names_one_run_whatever_the_key(runs: RunningBank) -> None:
    await installed(runs, assembly())
    body = {"solution": NAME, "run_no": "R-1", "input": await given(runs)}

    first = await runs.shown(CREATE, body)
    same = await runs.call(CREATE, body)
    with pytest.raises(NumberReused):
        await runs.call(CREATE, {**body, "input": {**body["input"], "amount": cny("21.00")}})  # type: ignore[dict-item]

    assert (same.status, same.hit, same.body["id"]) == (200, True, first["id"])  # type: ignore[index]


async def test_the_same_run_asked_for_twice_at_once_is_one(runs: RunningBank) -> None:
    await installed(runs, assembly())
    body = {"solution": NAME, "input": await given(runs)}
    async with Books(runs.pool, runs.clock) as books:
        elsewhere = replace(runs, orders=Orders(runs.pool, books, runs.clock, load()))

        answers = await asyncio.gather(
            *(bank.shown(CREATE, body, key="K") for bank in (runs, elsewhere, runs, elsewhere))
        )

    assert len({each["id"] for each in answers}) == 1
    assert await runs.balance(runs.accounts[1]) == "25.00"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"amount": None}, "/input/amount", "field.missing"),
        ({"amount": "20.00"}, "/input/amount", "amount.invalid"),
        (
            {"amount": {"amount": "20.00", "currency": "USD"}},
            "/input/amount",
            "amount.currency",
        ),
        ({"payer": 7}, "/input/payer", "field.reference"),
        ({"colour": "red"}, "/input/colour", "field.unknown"),
    ],
)
async def test_what_a_run_is_given_is_checked_before_anything_begins(
    runs: RunningBank, change: dict[str, Any], pointer: str, code: str
) -> None:
    await installed(runs, assembly())
    values = {k: v for k, v in (await given(runs) | change).items() if v is not None}

    with pytest.raises(InputInvalid) as refused:
        await runs.run(NAME, values)

    assert refused.value.errors[0]["pointer"] == pointer
    assert refused.value.errors[0]["code"] == code
    assert (await runs.shown("platform.solution-runs.list"))["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"solution": NAME, "input": []},
        {"solution": 7, "input": {}},
        {"solution": "x\x00", "input": {}},
        {"solution": NAME, "run_no": "a b", "input": {}},
        {"solution": NAME, "input": {}, "more": 1},
    ],
)
async def test_a_malformed_request_is_refused(runs: RunningBank, body: dict[str, Any]) -> None:
    await installed(runs, assembly())

    with pytest.raises(InputInvalid):
        await runs.call(CREATE, body)


async def test_a_condition_that_does_not_hold_skips_its_step_and_says_so(
    runs: RunningBank,
) -> None:
    row = assembly()
    row["steps"][1]["when"] = ['$steps.pay.paid > "20.00"']
    await installed(runs, row)

    shown = await runs.run(NAME, await given(runs))

    skipped = shown["branches"][1]
    assert (shown["state"], skipped["state"]) == ("completed", "skipped")
    assert (skipped["code"], skipped["detail"]) == (
        "condition.not_met",
        '$steps.pay.paid > "20.00"',
    )


async def test_what_reads_a_skipped_step_is_skipped_and_the_rest_goes_on(
    runs: RunningBank,
) -> None:
    row = assembly()
    reads = {
        **row["steps"][0],
        "id": "reads",
        "after": ["approve"],
        "with": {**row["steps"][0]["with"], "amount": "$steps.approve.amount"},
    }
    goes_on = {**row["steps"][0], "id": "goes_on", "after": ["approve"]}
    row["steps"] += [reads, goes_on]
    row["steps"][1]["when"] = ["$input.amount > 1000"]
    await installed(runs, row)

    shown = await runs.run(NAME, await given(runs))

    assert states(shown) == {
        "pay": "done",
        "approve": "skipped",
        "reads": "skipped",
        "goes_on": "done",
    }
    assert shown["branches"][2]["detail"] == "$steps.approve.amount is empty"


@pytest.mark.parametrize(
    ("on_failure", "state", "balance"),
    [
        ("stop", "stopped", "25.00"),
        ("compensate", "compensated", "5.00"),
        ("continue", "completed", "25.00"),
    ],
)
async def test_a_failed_branch_follows_its_own_rule(
    runs: RunningBank, on_failure: str, state: str, balance: str
) -> None:
    row = assembly()
    row["steps"][1]["on_failure"] = on_failure
    await installed(runs, row)

    shown = await runs.run(NAME, await given(runs, code="000000"))

    assert (shown["state"], shown["branches"][1]["state"]) == (state, "failed")
    assert shown["branches"][1]["code"] == "verification.failed"
    assert await runs.balance(runs.accounts[1]) == balance
    async with runs.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_a_step_by_its_own_call_waits_for_it(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    values = await given(runs)
    code = values.pop("code")

    begun = await runs.call(CREATE, {"solution": NAME, "input": values})
    shown = dict(begun.body)  # type: ignore[arg-type]
    with pytest.raises(RunStateRefused):
        await runs.call(STEPS, {"step": "pay"}, path=shown["id"])
    with pytest.raises(InputInvalid):
        await runs.call(STEPS, {"step": "play"}, path=shown["id"])
    with pytest.raises(InputInvalid):
        await runs.call(STEPS, {"step": "approve", "input": {"note": "x"}}, path=shown["id"])
    ended = await runs.shown(STEPS, {"step": "approve", "input": {"code": code}}, path=shown["id"])

    assert (begun.status, shown["state"]) == (202, "waiting")
    assert shown["branches"][1]["waits_for"] == "call"
    assert ended["state"] == "completed"


async def test_credentials_are_sealed_while_needed_and_gone_afterwards(runs: RunningBank) -> None:
    row = assembly()
    row["steps"].insert(1, {**row["steps"][0], "id": "later", "trigger": "call", "after": ["pay"]})
    row["steps"][2]["after"] = ["later"]
    await installed(runs, row)

    begun = await runs.run(NAME, await given(runs))
    kept = await _row(runs, begun["id"])
    ended = await runs.shown(STEPS, {"step": "later"}, path=begun["id"])
    left = await _row(runs, begun["id"])

    assert MAGIC not in kept["text"] and kept["sealed"]
    assert ended["state"] == "completed"
    assert MAGIC not in left["text"] and not left["sealed"]


async def test_a_credential_nobody_can_open_any_more_is_asked_for(runs: RunningBank) -> None:
    row = assembly()
    row["steps"].insert(1, {**row["steps"][0], "id": "later", "trigger": "call", "after": ["pay"]})
    row["steps"][2]["after"] = ["later"]
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))
    runs.orders.keep_secrets_in(Vault(b"another key of thirty-two bytes."))

    shown = await runs.shown(STEPS, {"step": "later"}, path=begun["id"])
    ended = await runs.shown(STEPS, {"step": "approve", "input": {"code": MAGIC}}, path=begun["id"])

    assert (shown["state"], shown["branches"][2]["waits_for"]) == ("waiting", "input")
    assert shown["branches"][2]["detail"] == "$input.code is needed"
    assert ended["state"] == "completed"


async def _row(bank: RunningBank, run: str) -> Mapping[str, Any]:
    async with bank.pool.acquire() as db:
        found = await db.fetchrow(
            "select sealed, input::text || branches::text || (select coalesce(string_agg("
            " branches::text, ''), '') from orders.solution_journal j where j.run_id = r.run_id)"
            " as text from orders.solution_runs r where run_id = $1",
            run,
        )
    assert found is not None
    return dict(found)


async def test_a_cancelled_run_gives_back_and_is_over(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    body = {"solution": NAME, "input": await given(runs)}
    begun = await runs.shown(CREATE, body, key="K")

    cancelled = await runs.shown(CANCEL, {}, path=begun["id"])
    again = await runs.call(CANCEL, {}, path=begun["id"])
    repeated = await runs.call(CREATE, body, key="K")

    assert (cancelled["state"], cancelled["code"]) == ("compensated", "solution_run.cancelled")
    assert states(cancelled) == {"pay": "undone", "approve": "skipped"}
    assert again.body["state"] == "compensated"  # type: ignore[index]
    assert repeated.hit and repeated.body["id"] == begun["id"]  # type: ignore[index]
    assert await runs.balance(runs.accounts[1]) == "5.00"
    with pytest.raises(RunStateRefused):
        await runs.call(STEPS, {"step": "approve"}, path=begun["id"])


async def test_a_run_that_is_over_is_not_cancelled(runs: RunningBank) -> None:
    await installed(runs, assembly())
    ended = await runs.run(NAME, await given(runs))

    with pytest.raises(RunStateRefused):
        await runs.call(CANCEL, {}, path=ended["id"])


async def test_what_cannot_be_given_back_is_left_to_a_person_and_tried_again(
    runs: RunningBank,
) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))
    elsewhere = await runs.account()
    spent = {
        "payer_account": runs.accounts[1].id,
        "payee_account": elsewhere.id,
        "amount": cny("25.00"),
    }
    await runs.call("payment.internal-transfers.create", spent)

    stuck = await runs.shown(CANCEL, {}, path=begun["id"])
    await runs.call(
        "payment.internal-transfers.create",
        {**spent, "payer_account": elsewhere.id, "payee_account": runs.accounts[1].id},
    )
    again = await runs.shown(CANCEL, {}, path=begun["id"])

    assert (stuck["state"], states(stuck)["pay"]) == ("reconciling", "stuck")
    assert "payment.funds_insufficient" in stuck["branches"][0]["detail"]
    assert (again["state"], states(again)["pay"]) == ("compensated", "undone")
    assert await runs.balance(runs.accounts[0]) == "100.00"


async def test_a_product_given_up_meanwhile_is_not_called(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))
    async with transaction(runs.pool) as db:
        await unsubscribe(
            db, runs.clock, PartnerId(runs.partner), runs.app, ["treasury.payment-approvals"]
        )

    shown = await runs.shown(STEPS, {"step": "approve"}, path=begun["id"])
    with pytest.raises(SolutionNotRunnable) as refused:
        await runs.run(NAME, await given(runs))

    assert shown["branches"][1]["code"] == "product.not_available"
    assert shown["state"] == "compensated"
    codes = {(each["pointer"], each["code"]) for each in refused.value.errors}
    assert ("/steps/1/product", "product.not_subscribed") in codes


async def test_a_run_of_a_blocked_app_waits_until_it_may_call_again(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["after"] = []
    row["steps"][1]["when"] = ["$input.amount > 1"]
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))
    async with transaction(runs.pool) as db:
        await block_app(db, runs.clock, PartnerId(runs.partner), runs.app, reason="trial")

    waits = await runs.shown(STEPS, {"step": "approve"}, path=begun["id"])
    async with transaction(runs.pool) as db:
        await unblock_app(db, runs.clock, PartnerId(runs.partner), runs.app, reason="trial")
    runs.clock.advance(timedelta(minutes=11))
    await runs.orders.expire()
    shown = await runs.run_now(begun["id"])

    assert states(waits) == {"pay": "done", "approve": "pending"}
    assert states(shown) == {"pay": "done", "approve": "done"}


async def test_nobody_else_sees_or_moves_a_run(runs: RunningBank) -> None:
    row = assembly()
    row["steps"][1]["trigger"] = "call"
    await installed(runs, row)
    mine = await runs.run(NAME, await given(runs))
    of_tenant = replace(runs, tenant="tnt_one")
    runs.clock.advance(timedelta(seconds=1))
    theirs = await of_tenant.run(NAME, await given(runs))
    stranger = await running(runs)
    others = [stranger, replace(stranger, tenant="tnt_one"), replace(runs, tenant="tnt_two")]

    for bank in others:
        for run in (mine["id"], theirs["id"]):
            for operation, body in ((SHOW, None), (STEPS, {"step": "approve"}), (CANCEL, {})):
                with pytest.raises(RunNotFound):
                    await bank.call(operation, body, path=run)
        assert (await bank.shown("platform.solution-runs.list"))["items"] == []
    with pytest.raises(SolutionNotFound):
        await stranger.run(NAME, await given(runs))
    with pytest.raises(RunNotFound):
        await of_tenant.call(SHOW, path=mine["id"])

    # The partner itself sees the runs of its tenants.
    assert (await runs.run_now(theirs["id"]))["id"] == theirs["id"]
    listed = await runs.shown("platform.solution-runs.list", query={"limit": "1"})
    assert [each["id"] for each in listed["items"]] == [theirs["id"]]
    rest = await runs.shown("platform.solution-runs.list", query={"cursor": listed["next_cursor"]})
    assert [each["id"] for each in rest["items"]] == [mine["id"]]


async def test_solutions_are_listed_with_what_keeps_them_from_running(runs: RunningBank) -> None:
    await installed(runs, assembly())
    async with transaction(runs.pool) as db:
        await unsubscribe(db, runs.clock, PartnerId(runs.partner), runs.app, ["bill.wage-bonds"])

    listed = (await runs.shown("platform.solutions.list"))["items"]
    shown = await runs.shown("platform.solutions.query", path="construction-wages")
    with pytest.raises(SolutionNotFound):
        await runs.call("platform.solutions.query", path="nowhere")

    runnable = {each["solution"]: each["runnable"] for each in listed}
    assert len(runnable) == 18 and runnable[NAME] and not runnable["construction-wages"]
    assert [each["own"] for each in listed if each["solution"] == NAME] == [True]
    assert {each["code"] for each in shown["faults"]} == {"product.not_subscribed"}
    assert shown["inputs"][0].keys() == {"name", "type", "required", "currency", "label"}


async def test_a_worker_that_was_not_told_finds_the_run_by_the_clock(runs: RunningBank) -> None:
    row = assembly()
    lines = [{"line_no": 1, "payee_account": "$input.payee", "amount": "$input.amount"}]
    row["steps"].insert(
        1,
        {
            **row["steps"][0],
            "id": "batch",
            "product": "payment.bulk-transfers",
            "after": ["pay"],
            "with": {
                "payer_account": "$input.payer",
                "lines": lines,
                "total": "$input.amount",
                "count": 1,
            },
            "final": row["name"],
        },
    )
    del row["steps"][1]["undo"]
    row["steps"][2]["after"] = ["batch"]
    await installed(runs, row)
    begun = await runs.run(NAME, await given(runs))

    await runs.orders.expire()
    runs.clock.advance(timedelta(minutes=11))
    for _ in range(3):
        await runs.orders.expire()

    shown = await runs.run_now(begun["id"])
    assert states(begun) == {"pay": "done", "batch": "begun", "approve": "pending"}
    assert states(shown) == {"pay": "done", "batch": "done", "approve": "done"}


async def test_a_run_tells_what_becomes_of_it(runs: RunningBank) -> None:
    await installed(runs, assembly())

    run = await runs.run(NAME, await given(runs))

    async with runs.pool.acquire() as db:
        told = await db.fetch(
            "select type, object_seq from kernel.outbox where object_id = $1 order by 2", run["id"]
        )
    assert [(each["type"].rpartition(".")[2], each["object_seq"]) for each in told] == [
        ("started", 1),
        ("completed", 2),
    ]


async def test_a_refused_child_leaves_no_order_of_another_partner_reachable(
    runs: RunningBank,
) -> None:
    await installed(runs, assembly())
    stranger = await running(runs)
    other = await stranger.account("10.00")

    shown = await runs.run(NAME, await given(runs, payer=other.id))

    assert (shown["state"], shown["branches"][0]["code"]) == ("compensated", "account.not_found")
    assert await stranger.balance(other) == "10.00"
    with pytest.raises(BanksideError):
        await stranger.call(SHOW, path=shown["id"])
