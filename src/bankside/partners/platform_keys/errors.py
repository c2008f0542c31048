"""Refusals of the platform keys slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class PlatformKeyUnknown(NotFound):
    """The bank has no such key."""

    code = "platform_key.not_found"


class PlatformKeyExists(Refused):
    """The bank already has a key with this id."""

    code = "platform_key.exists"


class WireUnknown(Invalid):
    """This platform speaks no wire of that name, or not with that algorithm."""

    code = "wire.unknown"


class DefaultKeyInUse(Refused):
    """The key is the default of its wire; make another one the default first."""

    code = "platform_key.is_default"
