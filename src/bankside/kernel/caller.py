"""Who calls, proven by the edge: handed to every use case as one value."""

import msgspec


class Caller(msgspec.Struct, frozen=True):
    """A proven caller.

    ``partner`` signed the contract, ``app`` is its key holder, ``tenant`` the partner's customer it
    acts for (None: the partner itself), ``psu`` the end user behind a consent (None: no consent).
    ``environment`` is ``sandbox`` or ``live``.
    """

    partner: str
    app: str
    tenant: str | None = None
    psu: str | None = None
    scopes: frozenset[str] = frozenset()
    wire: str = "native"
    request_id: str = ""
    environment: str = "sandbox"
