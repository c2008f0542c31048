"""A partner whose app may call everything, its people, and runs of solutions in their names."""

from dataclasses import dataclass
from typing import Any

from tests.orders.little_bank import LittleBank
from tests.orders.requests import World, begins, stand_up, valid
from tests.partners.builders import a_partner, an_app

from bankside.catalog import load
from bankside.kernel.caller import Caller
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.partners import subscribe

CREATE = "platform.solution-runs.create"
SHOW = "platform.solution-runs.query"
STEPS = "platform.solution-runs.steps"
CANCEL = "platform.solution-runs.cancellations"
# The worker's part of a run takes at most this many rounds in any solution of the catalogue.
ROUNDS_MAX = 12


@dataclass
class RunningBank(LittleBank):
    """A little bank whose caller is a real app, subscribed to every product."""

    app: str = ""

    def caller(self) -> Caller:
        return Caller(self.partner, self.app, tenant=self.tenant, environment=self.environment)

    async def run(self, solution: str, given: Any, **more: Any) -> dict[str, Any]:
        """Begin a run; the shown run."""
        key = more.pop("key", None)
        return await self.shown(CREATE, {"solution": solution, "input": given, **more}, key=key)

    async def run_now(self, run: str) -> dict[str, Any]:
        """The run as it is shown now."""
        return await self.shown(SHOW, path=run)

    async def worked_on(self, run: str) -> dict[str, Any]:
        """The run after workers did what it waits for: bulk lines are paid, events told."""
        for _ in range(ROUNDS_MAX):
            shown = await self.run_now(run)
            waiting = [each for each in shown["branches"] if each["state"] == "begun"]
            if not waiting:
                return shown
            for each in waiting:
                await self.orders.resume(each["order"], partner=self.partner)
                await self.orders.wake_runs(self.partner, each["order"])
        return await self.run_now(run)


async def running(bank: LittleBank) -> RunningBank:
    """The bank with a partner and an app of its own, subscribed to the whole shelf."""
    async with transaction(bank.pool) as db:
        made = await a_partner(db, bank.clock)
        app = await an_app(db, bank.clock, made)
        await subscribe(db, bank.clock, PartnerId(made.id), app.id, sorted(load().products))
    return RunningBank(
        pool=bank.pool,
        books=bank.books,
        clock=bank.clock,
        orders=bank.orders,
        partner=made.id,
        app=app.id,
    )


async def people(bank: RunningBank) -> World:
    """The world of the bank, with what runs name beyond it: a consent."""
    world = await stand_up(bank)
    world["consent"] = await _made(
        bank,
        "identity.consents.create",
        {"party": world["holder"], "purpose": "T", "code": "123456"},
    )
    return world


async def _made(bank: RunningBank, operation: str, body: Any) -> str:
    return str((await bank.shown(operation, body))["id"])


async def made_before(bank: RunningBank, solution: str, world: World) -> dict[str, str]:
    """What a solution's own inputs name that has to stand before: a policy, a paid order."""
    found: dict[str, str] = {}
    names = {each.name for each in load().solutions[solution].inputs}
    if "policy" in names:
        product = load().products["insurance.insurance-policies"]
        operation = begins(product)
        assert operation is not None
        found["policy"] = await _made(bank, operation.id, valid(product, operation, world))
    if "paid_order" in names:
        operation_id = "merchant.scan-payments.create"
        product = load().products["merchant.scan-payments"]
        body = valid(product, load().operations[operation_id], world)
        found["paid_order"] = await _made(bank, operation_id, body)
    return found
