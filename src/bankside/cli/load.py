"""`bankside load`: bring real data into the bank."""

from pathlib import Path

from bankside import partners
from bankside.bank import berka as berka_bank
from bankside.cli.demo_app import read_demo
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, USAGE, emit, fail, note


async def berka(installation: Installation, folder: Path, partner: str, *, as_json: bool) -> int:
    """Load the Berka bank from ``folder`` into a partner's data space.

    Without ``partner`` the first demo app's partner gets it, so that its accounts can be called.
    """
    space = partner or _demo_partner(installation.home)
    async with installation.pool() as pool:
        async with pool.acquire() as db:
            await partners.read_partner(db, space)
        report = await berka_bank.load(
            pool, installation.clock, folder, partner=space, progress=note
        )
    emit(report, as_json=as_json, text=report.text)
    note(f"the accounts stand in the data space of {space}; call one of them with:")
    note(f"  bankside call GET /v1/account-balances/{berka_bank.account_id(space, 1)}")
    return DONE


def _demo_partner(home: Path) -> str:
    if not (home / "demo.json").exists():
        fail("say which partner gets the bank: --partner prt_...", USAGE)
    return str(read_demo(home)["apps"][0]["partner"])
