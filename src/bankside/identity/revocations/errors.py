"""Refusals of the revocations slice."""

from bankside.kernel.errors import Unavailable


class RevocationUnconfirmed(Unavailable):
    """It is revoked, but an edge has not confirmed it yet; ask again to have it confirmed."""

    code = "revocation.unconfirmed"
