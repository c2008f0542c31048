"""Refusals of the sandboxes slice."""

from bankside.kernel.errors import Forbidden, NotFound, Refused


class SpaceUnknown(NotFound):
    """The app has no data space of its own: its partner's sandbox apps share one."""

    code = "sandbox.space_unknown"


class SpaceExists(Refused):
    """The app has a data space of its own already; a reset gives it a new one."""

    code = "sandbox.space_exists"


class SpacesTooMany(Refused):
    """The app was given as many data spaces as it gets in a day."""

    code = "sandbox.spaces_too_many"


class NotASandbox(Forbidden):
    """Only an app of the sandbox has a data space and a clock of its own."""

    code = "sandbox.live_app"


class ClockBackwards(Refused):
    """A test clock moves forwards only; a reset begins again at the present."""

    code = "sandbox.clock_backwards"
