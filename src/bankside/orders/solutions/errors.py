"""The refusals of solution runs; codes are stable for ever."""

from bankside.kernel.errors import NotFound, Refused, Unavailable


class SolutionNotFound(NotFound):
    """There is no such solution, or it is another partner's."""

    code = "solution.not_found"


class SolutionNotRunnable(Refused):
    """The solution cannot run for this app; each broken link is named."""

    code = "solution.not_runnable"


class RunNotFound(NotFound):
    """The caller has no such run."""

    code = "solution_run.not_found"


class RunStateRefused(Refused):
    """The run is not in a state in which this can be done."""

    code = "solution_run.state_refused"


class RunBusy(Unavailable):
    """Others kept changing the run; repeat with the same key."""

    code = "solution_run.busy"
    outcome_unknown = False
