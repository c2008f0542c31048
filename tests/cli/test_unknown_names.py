"""A name that is nobody's is told to be unknown; an empty answer means that there is nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from bankside.bank import reconciliation
from bankside.catalog.imports import ImportUnknown
from bankside.cli import events, imports, webhooks
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.partners import PartnerUnknown


@dataclass
class Here:
    """An installation on the tests' database."""

    clock: FixedClock
    database: Pool

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        yield self.database


@pytest.fixture
def here(clock: FixedClock, pool: Pool) -> Any:
    return Here(clock, pool)


async def test_endpoints_of_a_partner_that_is_none_are_refused(here: Any) -> None:
    with pytest.raises(PartnerUnknown):
        await webhooks.listed(here, "prt_nobody", as_json=True)


async def test_what_was_never_imported_is_refused(here: Any) -> None:
    with pytest.raises(ImportUnknown):
        await imports.show(here, "imported.nothing", as_json=True)


async def test_an_event_that_is_none_is_named(
    here: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        await events.replay(here, "evt_nothing", as_json=True)

    assert ended.value.code == 1
    assert capsys.readouterr().err == "bankside: there is no event evt_nothing to deliver again\n"


@pytest.mark.parametrize("break_id", ["brk_nothing", "", "\n", "a" * 500])
async def test_a_break_that_is_none_is_no_wrong_cursor(here: Any, break_id: str) -> None:
    async with transaction(here.database) as db:
        with pytest.raises(reconciliation.BreakNotFound):
            await reconciliation.find(db, "prt_one", break_id)
        with pytest.raises(reconciliation.BreakNotFound):
            await reconciliation.close(db, here.clock, "prt_one", break_id)
