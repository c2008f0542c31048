"""Refusals of the ledger's services, and what its SQL functions raise, each with a stable code.

A posting that a rule refuses is not an error: it is a ``Verdict`` with a reason (model.REASONS).
"""

import asyncpg

from bankside.kernel.errors import BanksideError, Invalid, NotFound, Refused, Unavailable


class GroupInvalid(Invalid):
    """The group cannot be posted as it is written: legs, amounts or texts are malformed."""

    code = "ledger.group_invalid"


class LedgerUnknown(NotFound):
    """There is no such ledger."""

    code = "ledger.unknown"


class LedgerAccountUnknown(NotFound):
    """There is no such ledger account."""

    code = "ledger.account_unknown"


class LedgerAccountExists(Refused):
    """The ledger account is open already, with another class, currency or owner."""

    code = "ledger.account_exists"


class LedgerAccountNotEmpty(Refused):
    """Only an account without money and without open holds can be closed."""

    code = "ledger.account_not_empty"


class LedgerAccountClosed(Refused):
    """A closed ledger account stays closed."""

    code = "ledger.account_closed"


class FloorRefused(Refused):
    """The balance is below the new floor already."""

    code = "ledger.floor_refused"


class LedgerUnavailable(Unavailable):
    """The ledger did not answer in time; nothing was posted. Repeat it with the same key."""

    code = "ledger.unavailable"
    outcome_unknown = False


class LedgerBusy(Unavailable):
    """Too many postings wait already; nothing was posted. Repeat it with the same key."""

    code = "ledger.busy"
    outcome_unknown = False


class OutcomeUnknown(Unavailable):
    """The connection was lost while the posting was committed, and the books cannot be asked.

    It may have happened. Repeat it with the same key: the ledger then answers what is true.
    """

    code = "ledger.outcome_unknown"


# SQLSTATEs that migrations 0010-0012 raise for a caller's mistake. Class "LG" is nobody else's.
BY_SQLSTATE: dict[str, type[BanksideError]] = {
    "LG002": LedgerUnknown,
    "LG010": LedgerAccountUnknown,
    "LG011": LedgerAccountExists,
    "LG012": LedgerAccountNotEmpty,
    "LG013": LedgerAccountClosed,
    "LG014": FloorRefused,
}


def meant(error: asyncpg.PostgresError) -> BanksideError | None:
    """The refusal a ledger function raised, or None when the error is another one."""
    refusal = BY_SQLSTATE.get(error.sqlstate or "")
    return refusal(str(error)) if refusal is not None else None
