"""Why a date is not closed, a batch does not move, or terms are not taken; nothing changes then."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class DateNotClosed(Refused):
    """The business date has not reached its cut-off yet."""

    code = "clearing.date_not_closed"


class DatePassed(Refused):
    """The date was passed over: a later one is sealed already, and nothing can enter this one."""

    code = "clearing.date_passed"


class BatchNotFound(NotFound):
    """The date was not cleared."""

    code = "clearing.batch_not_found"


class BatchTransitionRefused(Refused):
    """The batch is not in a state in which this can be done."""

    code = "clearing.batch_state"


class BatchUnbalanced(Refused):
    """The positions of the batch do not agree with the balances of the books."""

    code = "clearing.unbalanced"


class PayoutNotFound(NotFound):
    """There is no such payout."""

    code = "clearing.payout_not_found"


class PayoutTransitionRefused(Refused):
    """The payout is not in a state in which this can be done."""

    code = "clearing.payout_state"


class ReleaseFourEyesRequired(Refused):
    """Whoever proposed to release a failed payout does not approve it."""

    code = "clearing.four_eyes"


class TermsInvalid(Invalid):
    """Terms of clearing name a reserve, an advance, and a whole account at another bank or none."""

    code = "clearing.terms_invalid"


class ReserveRefused(Refused):
    """The ledger does not move the money into the reserve."""

    code = "clearing.reserve_refused"


class StatementChanged(Refused):
    """A settlement file that was given out would be another one now: its records were changed."""

    code = "clearing.statement_changed"
