"""Why a file is not taken, a date not reconciled, or a break not moved; nothing changes then."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class ChannelFileInvalid(Invalid):
    """The channel's file cannot be read; the refusal names the line and the column."""

    code = "reconciliation.file_invalid"


class ChannelFileTruncated(Invalid):
    """The channel's file ends without its trailer, or has fewer lines than the trailer says."""

    code = "reconciliation.file_truncated"


class ChannelFileTotalWrong(Invalid):
    """The lines of the channel's file do not add up to its trailer."""

    code = "reconciliation.file_total_wrong"


class ChannelFileMismatch(Refused):
    """The file is of another channel, partner or date than the one that is reconciled."""

    code = "reconciliation.file_mismatch"


class ChannelFileReplaced(Refused):
    """The date was reconciled with another file, or the file stands for another date."""

    code = "reconciliation.file_replaced"


class DateNotSealed(Refused):
    """The business date has not closed yet."""

    code = "reconciliation.date_not_sealed"


class DateChanged(Refused):
    """A date that was reconciled gives another result now: its records were changed."""

    code = "reconciliation.date_changed"


class ReferenceCrowded(Refused):
    """More records carry one reference than any posting has."""

    code = "reconciliation.reference_crowded"


class BreaksTooMany(Refused):
    """The sources have too little in common to be of the same date."""

    code = "reconciliation.breaks_too_many"


class BreakNotFound(NotFound):
    """There is no such break."""

    code = "reconciliation.break_not_found"


class BreakTransitionRefused(Refused):
    """The break is not in a state in which this can be done."""

    code = "reconciliation.break_state"


class FourEyesRequired(Refused):
    """Whoever proposed an adjustment does not approve it."""

    code = "reconciliation.four_eyes"


class AdjustmentInvalid(Invalid):
    """An adjustment moves money between the bank's own account and the partner's, with a reason."""

    code = "reconciliation.adjustment_invalid"


class AdjustmentRefused(Refused):
    """The ledger does not take the adjustment."""

    code = "reconciliation.adjustment_refused"
