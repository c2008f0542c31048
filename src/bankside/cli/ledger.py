"""`bankside ledger`: prove the books."""

from bankside.bank.ledger import verify
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, emit, note


async def verify_ledger(installation: Installation, ledger: str, *, as_json: bool) -> int:
    """Recompute everything; exit 1 and name the first wrong entry when something is wrong."""
    async with installation.pool() as pool, pool.acquire() as db:
        report = await verify(db, ledger, progress=note)
    emit(report, as_json=as_json, text=report.text)
    return DONE if report.fault is None else REFUSED
