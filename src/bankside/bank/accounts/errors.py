"""Refusals of the accounts slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class AccountNotFound(NotFound):
    """There is no such account in this data space."""

    code = "account.not_found"
    iso_reason = "AC01"


class AccountFrozen(Refused):
    """The account is frozen: it may receive, it may not pay."""

    code = "account.frozen"
    iso_reason = "AC06"


class AccountClosed(Refused):
    """The account is closed."""

    code = "account.closed"
    iso_reason = "AC04"


class AccountLocked(Refused):
    """What is in a personal pension account leaves it as a pension, or stays within pensions."""

    code = "account.locked"
    iso_reason = "AG01"


class AccountTransitionRefused(Refused):
    """An account does not move from its present status to the one asked for."""

    code = "account.transition_refused"


class AccountNotEmpty(Refused):
    """An account with money or holds on it is closed only after they are gone."""

    code = "account.not_empty"


class AccountExists(Refused):
    """An account with this id or number is open already."""

    code = "account.exists"


class AccountNumberInvalid(Invalid):
    """An account number has 19 digits; the last one checks the others."""

    code = "account.number_invalid"


class PeriodInvalid(Invalid):
    """A period ends on or after the day it begins."""

    code = "account.period_invalid"


class StatementTooLong(Refused):
    """The period holds more entries than one statement carries; ask for a shorter one."""

    code = "account.statement_too_long"
    status = 422


class PayerTokenUnknown(Refused):
    """The payment code is not one this bank gave out, or its account no longer pays."""

    code = "payer_token.unknown"
    status = 422


class PayerTokenExpired(Refused):
    """The payment code is too old; the payer shows a new one."""

    code = "payer_token.expired"
    status = 422


class PayerTokenUsed(Refused):
    """The payment code has paid already; each one pays once."""

    code = "payer_token.used"
    status = 422


class PayerTokenReusable(Refused):
    """Codes that pay more than once exist in the sandbox only."""

    code = "payer_token.sandbox_only"
    status = 422


class PayerTokenTaken(Refused):
    """The payment code already leads to another account."""

    code = "payer_token.taken"
