"""Credentials: the login and password of a person, in each realm.

Always true: a password stands nowhere but as an Argon2id hash (RFC 9106); a login belongs to one
person of a realm and space (``partner``, or ``bank`` for staff); whoever asks with an unknown login
waits as long as with a known one, so the answer's time does not tell which logins exist; who is
blocked has no login.

Public: Credential; set_password, verify_password, login_of, person_of_login, spaces_of_login,
block_login, unblock_login, checked_login; LoginInvalid, LoginTaken, PasswordInvalid.
"""

from bankside.identity.credentials.errors import LoginInvalid, LoginTaken, PasswordInvalid
from bankside.identity.credentials.model import Credential
from bankside.identity.credentials.rules import checked_login
from bankside.identity.credentials.service import (
    block_login,
    login_of,
    person_of_login,
    set_password,
    spaces_of_login,
    unblock_login,
    verify_password,
)

__all__ = [
    "Credential",
    "LoginInvalid",
    "LoginTaken",
    "PasswordInvalid",
    "block_login",
    "checked_login",
    "login_of",
    "person_of_login",
    "set_password",
    "spaces_of_login",
    "unblock_login",
    "verify_password",
]
