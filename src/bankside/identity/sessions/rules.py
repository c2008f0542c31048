"""How long sessions live, how many attempts may fail, and how a session's secret is written.

Source: OWASP ASVS 5.0 level 2 (idle and absolute limits, a new secret at each step), NIST SP
800-63B section 5.2.2 (limited attempts).
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from bankside.identity.sessions.model import Session

IDLE_TTL = timedelta(minutes=15)
ABSOLUTE_TTL = timedelta(hours=8)
# Between password and code: long enough to find the phone.
SECOND_FACTOR_TTL = timedelta(minutes=5)
# What moves money is confirmed by somebody who proved both factors just now.
FRESH_TTL = timedelta(minutes=5)
# A page view must not write a row each time; half a minute is exact enough for the idle limit.
SEEN_NOTED_EVERY = timedelta(seconds=30)

# Per login and per source: the next attempt waits until the fifth last one is this old.
ATTEMPTS_MAX = 5
ATTEMPTS_WINDOW = timedelta(minutes=15)

DEVICE_LENGTH_MAX = 200
_TOKEN = re.compile(r"([A-Za-z0-9_]{1,64})\.([A-Za-z0-9_-]{43})")


def new_token(partner: str) -> str:
    """A session's secret as the cookie carries it: the data space in clear and 256 random bits."""
    return f"{partner}.{secrets.token_urlsafe(32)}"


def place_of(token: str) -> tuple[str, bytes] | None:
    """Data space and hash under which a token is stored; None when it is no token of ours."""
    match = _TOKEN.fullmatch(token)
    return (match[1], hashlib.sha256(token.encode()).digest()) if match else None


def is_live(session: Session, at: datetime) -> bool:
    """Whether the session counts at this instant; at its limit it does not."""
    if not session.is_full:
        return at < session.started_at + SECOND_FACTOR_TTL
    return at < session.seen_at + IDLE_TTL and at < session.started_at + ABSOLUTE_TTL


def is_fresh(session: Session, at: datetime) -> bool:
    """Whether both factors were proven just now."""
    return session.is_full and at < session.authenticated_at + FRESH_TTL


def login_hash(partner: str, login: str) -> bytes:
    """What is stored of a login that was tried."""
    told = f"{partner}\x1f{login.strip().lower()}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def wait_after(attempts: Sequence[datetime], at: datetime) -> timedelta | None:
    """How long the next attempt has to wait; None: it may be made now.

    ``attempts`` are the failed ones of a login or a source, newest first.
    """
    if len(attempts) < ATTEMPTS_MAX:
        return None
    wait = attempts[ATTEMPTS_MAX - 1] + ATTEMPTS_WINDOW - at
    return wait if wait > timedelta(0) else None
