"""`bankside day close`: the end-of-day steps, when somebody wants them now."""

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, date_of, emit


async def close(installation: Installation, day: str | None, *, as_json: bool) -> int:
    """Close a booking date; a second run of the same date changes nothing."""
    async with installation.pool() as pool:
        report = await installation.close_day(pool, date_of(day) if day else None)
    emit(
        report,
        as_json=as_json,
        text=lambda: "\n".join(f"{name}: {value}" for name, value in report.items()),
    )
    return DONE
