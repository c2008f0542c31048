"""`bankside load`: bring real data into the bank."""

from pathlib import Path

from bankside.bank import berka as berka_bank
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, emit, note


async def berka(installation: Installation, folder: Path, partner: str, *, as_json: bool) -> int:
    """Load the Berka bank from ``folder`` into a partner's data space."""
    async with installation.pool() as pool:
        report = await berka_bank.load(
            pool, installation.clock, folder, partner=partner or None, progress=note
        )
    emit(report, as_json=as_json, text=report.text)
    return DONE
