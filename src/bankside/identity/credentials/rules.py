"""What a login and a password may look like.

Source: NIST SP 800-63B section 5.1.1.2 (at least 8 characters, long ones allowed, Unicode
normalised, no rules of composition).
"""

import re
import unicodedata

from bankside.identity.credentials.errors import LoginInvalid, PasswordInvalid

PASSWORD_LENGTH_MIN = 8
# Far above any passphrase; keeps a hostile caller from making us hash megabytes.
PASSWORD_LENGTH_MAX = 128

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")


def checked_login(login: str) -> str:
    """The login in its one form (lower case), or LoginInvalid."""
    known = login_or_none(login)
    if known is None:
        raise LoginInvalid
    return known


def login_or_none(login: str) -> str | None:
    """The login in its one form, or None when no login looks like this."""
    folded = login.strip().lower()
    return folded if _LOGIN.fullmatch(folded) else None


def checked_password(password: str, *, login: str) -> str:
    """The password in its one form, or PasswordInvalid."""
    normal = normalised(password)
    fits = len(normal) >= PASSWORD_LENGTH_MIN and len(password) <= PASSWORD_LENGTH_MAX
    # Printable leaves out lone surrogates and control characters, which have no bytes to hash.
    if not fits or not normal.isprintable() or normal.lower() == login:
        raise PasswordInvalid
    return normal


def normalised(password: str) -> str:
    """One form for what looks the same, whatever keyboard typed it."""
    return unicodedata.normalize("NFKC", password)
