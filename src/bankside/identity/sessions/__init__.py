"""Sessions: customers logged in at the bank's own pages, by password and second factor.

Always true: a session counts only while its row is live (15 minutes idle, 8 hours in all), in every
web process alike; only the hash of its secret is stored; the secret is a new one after each factor;
after five failed attempts for a login or from a source, the next one waits, whether the login
exists or not.

Public: Session, SessionLevel, Visitor, LoginAttempt; prove_password, prove_code, session_of,
sessions_of, end_session, log_out, forget_old; is_fresh; the refusals of ``errors``.
"""

from bankside.identity.sessions.errors import (
    FactorMissing,
    LoginLocked,
    LoginRefused,
    SessionEnded,
    SessionUnknown,
)
from bankside.identity.sessions.model import Session, SessionLevel, Visitor
from bankside.identity.sessions.rules import is_fresh
from bankside.identity.sessions.service import (
    LoginAttempt,
    end_session,
    forget_old,
    log_out,
    prove_code,
    prove_password,
    session_of,
    sessions_of,
)

__all__ = [
    "FactorMissing",
    "LoginAttempt",
    "LoginLocked",
    "LoginRefused",
    "Session",
    "SessionEnded",
    "SessionLevel",
    "SessionUnknown",
    "Visitor",
    "end_session",
    "forget_old",
    "is_fresh",
    "log_out",
    "prove_code",
    "prove_password",
    "session_of",
    "sessions_of",
]
