"""Refusals of the signing keys slice."""

from bankside.kernel.errors import Refused


class NextKeyTooYoung(Refused):
    """The next key was published too recently: clients may not have fetched it yet."""

    code = "signing_key.next_too_young"
