"""Refusals of the credentials slice."""

from bankside.kernel.errors import Invalid, Refused


class LoginInvalid(Invalid):
    """A login has 3 to 64 lower-case letters, digits, dots, hyphens, underscores or an at sign."""

    code = "credential.login_invalid"


class LoginTaken(Refused):
    """Somebody else uses this login."""

    code = "credential.login_taken"


class PasswordInvalid(Invalid):
    """A password has 8 to 128 characters and is not the login."""

    code = "credential.password_invalid"
