"""Credentials: the login and password of a customer.

Always true: a password stands nowhere but as an Argon2id hash (RFC 9106); a login belongs to one
customer of a data space (``partner``); whoever asks with an unknown login waits as long as with a
known one, so the answer's time does not tell which logins exist.

Public: set_password, verify_password, login_of, spaces_of_login,
LoginInvalid, LoginTaken, PasswordInvalid.
"""

from bankside.identity.credentials.errors import LoginInvalid, LoginTaken, PasswordInvalid
from bankside.identity.credentials.service import (
    login_of,
    set_password,
    spaces_of_login,
    verify_password,
)

__all__ = [
    "LoginInvalid",
    "LoginTaken",
    "PasswordInvalid",
    "login_of",
    "set_password",
    "spaces_of_login",
    "verify_password",
]
