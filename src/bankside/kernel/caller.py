"""Who calls, proven by the edge: handed to every use case as one value."""

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """A proven caller.

    ``partner`` signed the contract, ``app`` is its key holder, ``tenant`` the partner's customer it
    acts for (None: the partner itself), ``psu`` the end user behind a consent (None: no consent).
    ``environment`` is ``sandbox`` or ``live``. ``scopes`` are the token's on a call by token.
    ``grant`` is what a customer's token came from; ``consent`` the id a signed call names itself
    (it still has to be asked for: the edge only carries it). ``proof`` is the ``jti`` of the DPoP
    proof, "" on signing wires. ``ahead_s``: seconds that its data space's clock is ahead of ours.
    """

    partner: str
    app: str
    tenant: str | None = None
    psu: str | None = None
    scopes: frozenset[str] = frozenset()
    wire: str = "native"
    request_id: str = ""
    environment: str = "sandbox"
    consent: str | None = None
    grant: str | None = None
    proof: str = ""
    ahead_s: int = 0
