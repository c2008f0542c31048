"""The signature doctor on this installation's own keys."""

from collections.abc import Mapping
from typing import Any

from bankside.app.publish import snapshot_verifier
from bankside.app.settings import Settings
from bankside.catalog import latest_snapshot
from bankside.gateway import Serving
from bankside.gateway.doctor import diagnose, read_raw
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.errors import Unavailable
from bankside.kernel.secrets import Vault
from bankside.kernel.snapshot import decode


class NothingPublished(Unavailable):
    """There is no snapshot yet to read keys from; start the platform once."""

    code = "doctor.no_snapshot"


async def examine(
    settings: Settings, pool: Pool, clock: Clock, request: bytes, theirs: str | None
) -> Mapping[str, Any]:
    """The report on a raw HTTP request; ``theirs`` is the string the partner says it signed."""
    async with pool.acquire() as db:
        latest = await latest_snapshot(db)
    if latest is None:
        raise NothingPublished
    snapshot = decode(latest[1], snapshot_verifier(settings.home))
    serving = Serving.of(snapshot, Vault.at(settings.home))
    report = diagnose(
        serving,
        read_raw(request),
        now=clock.now().timestamp(),
        theirs=theirs,
        origin=settings.edge_address,
    )
    return report.to_json()
