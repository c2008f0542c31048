"""Refusals of the factors slice."""

from bankside.kernel.errors import Invalid


class SecretInvalid(Invalid):
    """A TOTP secret is base 32 text of at least 128 bits."""

    code = "factor.secret_invalid"
