"""The crash stories of solution runs: one that fails in the middle, one that is cancelled.

Like ``test_orders_survive_kill``: a child is killed at each of its commits, on either side of it,
the story is told again with the same keys, and the accounts end as if nothing had happened.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.catalog.test_solutions import assembly
from tests.crash.stories import Facts, Story, survives, tell
from tests.orders.little_bank import LittleBank, cny
from tests.partners.builders import VAULT

from bankside.catalog import load
from bankside.catalog.solutions.assembly import Asker
from bankside.catalog.solutions.service import install
from bankside.kernel.db import transaction
from bankside.orders import Orders
from bankside.orders.preparations.codes import MAGIC

pytestmark = pytest.mark.crash

RUN, CANCEL = "platform.solution-runs.create", "platform.solution-runs.cancellations"


async def failed(bank: LittleBank, facts: Facts) -> None:
    await _stands(bank, assembly())
    await tell(bank, "1", RUN, _asked(facts, "000000"))


async def cancelled(bank: LittleBank, facts: Facts) -> None:
    row = assembly()
    row["steps"].append({**row["steps"][0], "id": "last", "trigger": "call", "after": ["approve"]})
    await _stands(bank, row)
    run = await tell(bank, "1", RUN, _asked(facts, MAGIC))
    await tell(bank, "2", CANCEL, {}, run)


def _asked(facts: Facts, code: str) -> Mapping[str, Any]:
    given = {
        "payer": facts["payer"],
        "payee": facts["rider"],
        "amount": cny("20.00"),
        "code": code,
    }
    return {"solution": "pay-and-tell", "input": given}


async def _stands(bank: LittleBank, row: Mapping[str, Any]) -> None:
    """The app is registered and the assembly installed; again changes nothing that matters."""
    bank.orders.keep_secrets_in(VAULT)
    products = ["payment.internal-transfers", "treasury.payment-approvals"]
    partner, app, at = bank.partner, bank.caller().app, bank.clock.now()
    asker = Asker(runnable=Orders.runnable)
    async with transaction(bank.pool) as db:
        await db.execute(
            "insert into partners.partners (partner_id, name_zh, name_en, status, version,"
            " created_at) values ($1, 'x', 'x', 'active', 1, $2) on conflict do nothing",
            partner,
            at,
        )
        await db.execute(
            "insert into partners.apps (partner_id, app_id, name, environment, status,"
            " rate_per_second, burst, version, created_at)"
            " values ($1, $2, 'x', 'sandbox', 'active', 10, 10, 1, $3) on conflict do nothing",
            partner,
            app,
            at,
        )
        await db.execute(
            "insert into partners.subscriptions (partner_id, app_id, product_id, created_at)"
            " select $1, $2, product, $4 from unnest($3::text[]) product on conflict do nothing",
            partner,
            app,
            products,
            at,
        )
        await install(db, bank.clock, load(), asker, row, partner=partner)


# What payer, rider, settlement account and pending account hold when the story was told whole.
STORIES: list[tuple[Story, list[int]]] = [
    (failed, [10_000, 0, 0, 0]),
    (cancelled, [10_000, 0, 0, 0]),
]


@pytest.mark.parametrize(
    ("story", "expected"), STORIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_killed_run_told_again_ends_with_the_same_books(
    fresh_url: str, story: Story, expected: list[int]
) -> None:
    survives(fresh_url, story, expected)
