"""One wire's reading of a request: our string to sign, the signature, and mistakes worth trying."""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Variation:
    """One mistake as an experiment: if the signature verifies this way, this was the mistake.

    What is None stays as it is. ``alg`` is an algorithm to verify by, ``secret`` an encoding of
    a shared secret (``base64``, ``hex``) that was taken for the secret itself.
    """

    code: str
    evidence: str
    message: bytes | None = None
    signature: bytes | None = None
    alg: str | None = None
    secret: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A cause. Not ``confirmed``: suspected. Not ``blocking``: the request is accepted anyway."""

    code: str
    confirmed: bool
    evidence: str
    blocking: bool = True


@dataclass(frozen=True, slots=True)
class Reading:
    """What a wire makes of a request.

    ``expected``: the bytes we verify; ``accepted``: other bytes the wire takes as well.
    ``findings``: what is wrong whatever the signature (clock, digest, grammar). ``key_id`` and
    ``alg`` are what the message names; ``variations`` stand in order of likelihood.
    """

    expected: bytes | None = None
    signature: bytes | None = None
    key_id: str | None = None
    alg: str | None = None
    findings: Sequence[Finding] = ()
    variations: Sequence[Variation] = ()
    accepted: Sequence[Variation] = field(default_factory=tuple)
