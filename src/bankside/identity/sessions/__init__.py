"""Sessions: people logged in at the bank's own pages, by two factors or a passkey that is both.

Always true: a session counts in its realm only and while its row is live (15 minutes idle, 8 hours
in all), in every web process alike; only the hash of its secret is stored; the secret is a new one
after each factor; after five failed attempts for a login or from a source, the next one waits,
whether the login exists or not; five wrong codes end the session that typed them.

Public: Session, SessionLevel, Visitor, Proven, LoginAttempt, PasskeyAttempt; prove_password,
prove_code, prove_passkey, open_session; session_of, sessions_of, end_session, end_other_sessions,
log_out, forget_old; is_fresh, device_name, source_of; the refusals of ``errors``.
"""

from bankside.identity.sessions.errors import (
    FactorMissing,
    LoginLocked,
    LoginRefused,
    SessionEnded,
    SessionUnknown,
)
from bankside.identity.sessions.login import (
    LoginAttempt,
    PasskeyAttempt,
    Proven,
    open_session,
    prove_code,
    prove_passkey,
    prove_password,
)
from bankside.identity.sessions.model import Session, SessionLevel, Visitor
from bankside.identity.sessions.rules import device_name, is_fresh, source_of
from bankside.identity.sessions.service import (
    end_other_sessions,
    end_session,
    forget_old,
    log_out,
    session_of,
    sessions_of,
)

__all__ = [
    "FactorMissing",
    "LoginAttempt",
    "LoginLocked",
    "LoginRefused",
    "PasskeyAttempt",
    "Proven",
    "Session",
    "SessionEnded",
    "SessionLevel",
    "SessionUnknown",
    "Visitor",
    "device_name",
    "end_other_sessions",
    "end_session",
    "forget_old",
    "is_fresh",
    "log_out",
    "open_session",
    "prove_code",
    "prove_passkey",
    "prove_password",
    "session_of",
    "sessions_of",
    "source_of",
]
