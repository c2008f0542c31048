"""A run in a sandbox app's own data space: the partner's solutions, the space's time."""

from tests.catalog.test_solutions import assembly
from tests.orders.little_bank import LittleBank, cny
from tests.orders.sandbox.tester import a_tester
from tests.orders.solutions.solution_bank import CREATE, SHOW

from bankside.catalog import load
from bankside.catalog.solutions import Asker, install
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.orders import Orders
from bankside.orders.preparations.codes import MAGIC
from bankside.partners import subscribe

PRODUCTS = ("payment.internal-transfers", "treasury.payment-approvals")


async def test_a_run_in_a_space_goes_by_its_clock_and_finds_the_partners_solution(
    bank: LittleBank,
) -> None:
    tester = await a_tester(bank)
    row = assembly()
    row["steps"][0]["with"]["remark"] = "$run.date"
    async with transaction(bank.pool) as db:
        await subscribe(db, bank.clock, PartnerId(tester.partner), tester.app, PRODUCTS)
        asker = Asker(runnable=Orders.runnable)
        await install(db, bank.clock, load(), asker, row, partner=tester.partner)
    await tester.create()
    await tester.advance(days=3)
    await tester.learn()
    given = {
        "payer": tester.account_of("lin-current"),
        "payee": tester.account_of("chen-current"),
        "amount": cny("20.00"),
        "code": MAGIC,
    }

    run = await tester.shown(CREATE, {"solution": row["id"], "input": given})

    shown = await tester.shown(SHOW, path=run["id"])
    assert shown["state"] == "completed"
    paid = await tester.shown("payment.internal-transfers.query", path=run["branches"][0]["order"])
    assert paid["remark"] == "2026-03-05"
    assert run["created_at"].startswith("2026-03-05")
