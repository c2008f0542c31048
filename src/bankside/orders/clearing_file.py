"""A merchant's settlement file of one cleared date, as the report of an account asks for it."""

from typing import Literal

from bankside.bank import clearing
from bankside.bank.clearing import Whose
from bankside.bank.merchants import settled_to
from bankside.kernel.db import Connection
from bankside.orders.errors import PeriodRefused, ReportTooLong
from bankside.orders.families.digests import Asked
from bankside.orders.inputs import fault

# A report is kept with its order; a longer file comes from `bankside clearing file`.
OCTETS_MAX = 8 * 1024 * 1024

# The word a request says, the form it means, and what the file then is.
FORMS: dict[str, tuple[Literal["csv", "fixed"], str]] = {
    "settlement": ("csv", "text/csv; charset=utf-8"),
    "settlement_fixed": ("fixed", "text/plain; charset=utf-8"),
}


async def settlement_file(db: Connection, asked: Asked, word: str) -> tuple[bytes, int]:
    """The file's bytes and how many positions and lines it has.

    It shows the merchants that are settled to the account, and only those of the caller's tenant.
    Raises PeriodRefused (more than a date), ReportTooLong, BatchNotFound, BatchTransitionRefused.
    """
    if asked.first != asked.last:
        pointer = fault("/period", PeriodRefused.code, "a settlement file is of one date")
        raise PeriodRefused("a settlement file is of one date", errors=[pointer])
    parts: list[bytes] = []
    size = 0

    def keep(part: bytes) -> None:
        nonlocal size
        size += len(part)
        if size > OCTETS_MAX:
            raise ReportTooLong(f"the file has more than {OCTETS_MAX} octets")
        parts.append(part)

    merchants = await settled_to(db, asked.scope.partner, asked.account.id)
    whose = Whose(
        partner=asked.scope.partner,
        on=asked.first,
        tenant=asked.scope.tenant,
        merchants=merchants,
    )
    async with db.transaction():
        written = await clearing.write_file(db, whose, FORMS[word][0], keep)
    return b"".join(parts), written.positions + written.lines
