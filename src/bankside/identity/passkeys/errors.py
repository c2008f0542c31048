"""Refusals of the passkeys slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused, Unauthenticated


class PasskeyRefused(Unauthenticated):
    """This passkey does not prove anybody here."""

    code = "passkey.refused"


class PasskeyInvalid(Invalid):
    """The passkey could not be set up; try again."""

    code = "passkey.invalid"


class PasskeyNameInvalid(Invalid):
    """The name of a passkey has 1 to 40 printable characters."""

    code = "passkey.name_invalid"


class PasskeyKnown(Refused):
    """This passkey is set up already."""

    code = "passkey.known"


class PasskeysFull(Refused):
    """A person has at most ten passkeys; remove one first."""

    code = "passkey.too_many"


class PasskeyUnknown(NotFound):
    """The person has no such passkey."""

    code = "passkey.unknown"
