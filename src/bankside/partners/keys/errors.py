"""Refusals of the keys slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class KeyUnknown(NotFound):
    """The app has no such key."""

    code = "key.not_found"


class KeyExists(Refused):
    """The app already has an active key for this wire and algorithm, or the id is taken."""

    code = "key.exists"


class RotationRunning(Refused):
    """Two keys are active already; wait until the older one ends, or revoke one."""

    code = "key.rotation_running"


class PlatformKeyRefused(Refused):
    """This is one of the bank's own keys: register the public half of your own pair."""

    code = "key.is_platform_key"


class PrivateKeyRefused(Invalid):
    """This is a private key: it is compromised now, make a new pair and send the public half."""

    code = "key.is_private"


class KeyMalformed(Invalid):
    """The bytes are no key in a form this platform reads."""

    code = "key.malformed"


class KeyWeak(Invalid):
    """The key does not protect money: too short, or too predictable."""

    code = "key.weak"


class AlgorithmRefused(Invalid):
    """The wire does not take keys of this algorithm."""

    code = "key.algorithm_refused"
