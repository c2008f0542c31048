"""Refusals of the sessions slice."""

from bankside.kernel.errors import NotFound, Throttled, Unauthenticated


class LoginRefused(Unauthenticated):
    """Login, password or code are not right."""

    code = "session.login_refused"


class LoginLocked(Throttled):
    """Too many attempts failed; wait before the next one."""

    code = "session.login_locked"


class FactorMissing(Unauthenticated):
    """The customer has no second factor yet; the branch sets one up."""

    code = "session.factor_missing"


class SessionEnded(Unauthenticated):
    """There is no such session, or it has ended."""

    code = "session.ended"


class SessionUnknown(NotFound):
    """The customer has no such session."""

    code = "session.unknown"
