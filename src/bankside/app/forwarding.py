"""Forwarding wired up: the gateway's forwarder on this installation's keys, addresses and notes."""

import ssl
from collections.abc import Awaitable, Callable
from typing import Protocol

from bankside.app.settings import Settings
from bankside.catalog.imports import ForwardedKeys, note_mismatch
from bankside.gateway.upstream import Forwarder
from bankside.kernel.call import Answer, Call
from bankside.kernel.clock import Clock
from bankside.kernel.db import DATABASE_TROUBLE, Pool
from bankside.kernel.egress import Egress
from bankside.kernel.secrets import Vault
from bankside.kernel.snapshot import Snapshot

Handle = Callable[[Call], Answer | Awaitable[Answer]]


class Current(Protocol):
    """Where the snapshot in force is found."""

    @property
    def current(self) -> Snapshot:
        """What calls are served from."""


def forwarder(
    settings: Settings, snapshots: Current, pool: Pool, clock: Clock, vault: Vault
) -> Forwarder:
    """What carries out operations that a service of the bank is behind."""
    notes = _Notes(pool, clock)
    keys = ForwardedKeys(pool, clock)
    return Forwarder(snapshots, vault, egress_of(settings), keys, clock, notes=notes)


def forwarding(handle: Handle, forward: Forwarder) -> Handle:
    """What executes a call: the service behind its operation, or ``handle`` where there is none."""

    def execute(call: Call) -> Answer | Awaitable[Answer]:
        return forward(call) if call.operation.upstream else handle(call)

    return execute


def egress_of(settings: Settings) -> Egress:
    """How services of the bank are called: where the operator said they stand."""
    tls = None
    if settings.upstream_ca is not None:
        tls = ssl.create_default_context(cafile=str(settings.upstream_ca))
    return Egress(loopback=settings.egress_loopback, internal=settings.upstream_hosts, tls=tls)


class _Notes:
    """The gateway's ``Notes``: mismatches are counted in the catalogue."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def mismatch(self, product: str, operation: str, text: str) -> None:
        try:
            await note_mismatch(self._pool, product, operation, text, at=self._clock.now())
        except DATABASE_TROUBLE:
            return  # It stands in the log as well, and the next one is counted again.
