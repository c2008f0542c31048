"""`bankside webhook`: where a partner is told what happened, and telling it again."""

from datetime import datetime
from typing import Any

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, emit, table
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import transaction
from bankside.kernel.egress import Egress
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.partners import read_partner
from bankside.partners.webhooks import (
    Again,
    Endpoint,
    EndpointInvalid,
    NewEndpoint,
    Webhooks,
    enable_endpoint,
    list_endpoints,
    read_endpoint,
    remove_endpoint,
)
from bankside.partners.webhooks import replay as send_again

COLUMNS = ["id", "status", "signing", "types", "url", "reason"]


async def create(
    installation: Installation, partner: str, new: NewEndpoint, *, as_json: bool
) -> int:
    """Register an endpoint and print what its messages are verified with, this once."""
    async with installation.pool() as pool, transaction(pool) as db:
        made, secret = await _webhooks(installation).create(db, PartnerId(partner), new)
    return _told(made, secret, as_json=as_json)


async def rotate(installation: Installation, partner: str, endpoint: str, *, as_json: bool) -> int:
    """A new key signs beside the old one, which stops after a day."""
    async with installation.pool() as pool, transaction(pool) as db:
        made, secret = await _webhooks(installation).rotate(db, PartnerId(partner), endpoint)
    return _told(made, secret, as_json=as_json)


async def listed(installation: Installation, partner: str, *, as_json: bool) -> int:
    """The partner's endpoints."""
    async with installation.pool() as pool, pool.acquire() as db:
        await read_partner(db, PartnerId(partner))
        page = await list_endpoints(db, PartnerId(partner), limit=200)
    rows = [_record(each) for each in page.items]
    shown = [{**row, "types": " ".join(row["types"])} for row in rows]
    emit(rows, as_json=as_json, text=lambda: table(shown, COLUMNS) if shown else "none")
    return DONE


async def enable(installation: Installation, partner: str, endpoint: str, *, as_json: bool) -> int:
    """An endpoint that was disabled is told again."""
    async with installation.pool() as pool, transaction(pool) as db:
        found = await enable_endpoint(db, PartnerId(partner), endpoint)
    emit(_record(found), as_json=as_json, text=lambda: f"{found.id} is told again")
    return DONE


async def remove(installation: Installation, partner: str, endpoint: str, *, as_json: bool) -> int:
    """The endpoint is forgotten with everything that waited for it."""
    async with installation.pool() as pool, transaction(pool) as db:
        await remove_endpoint(db, PartnerId(partner), endpoint)
    emit({"removed": endpoint}, as_json=as_json, text=lambda: f"{endpoint} is removed")
    return DONE


async def replay(
    installation: Installation,
    partner: str,
    endpoint: str,
    *,
    event: str | None,
    since: str | None,
    as_json: bool,
) -> int:
    """Queue events for the endpoint again, with the ids they had."""
    again = Again(event=event, since=_instant(since) if since else None)
    async with installation.pool() as pool, transaction(pool) as db:
        found = await read_endpoint(db, PartnerId(partner), endpoint)
        count = await send_again(db, installation.clock, found, again)
    emit({"replayed": count}, as_json=as_json, text=lambda: f"{count} events queued again")
    return DONE


def _webhooks(installation: Installation) -> Webhooks:
    vault = Vault.at(installation.home)
    return Webhooks(installation.clock, vault, Egress(loopback=installation.egress_loopback))


def _instant(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise EndpointInvalid(f"{text!r} is no instant; write 2026-03-01T14:05:00Z") from error
    if found.tzinfo is None:
        raise EndpointInvalid(f"{text!r} names no zone; write 2026-03-01T14:05:00Z")
    return found


def _told(endpoint: Endpoint, secret: str, *, as_json: bool) -> int:
    record = {**_record(endpoint), "verify_with": secret}
    emit(
        record,
        as_json=as_json,
        text=lambda: (
            f"{endpoint.id} is told of {', '.join(endpoint.types)} at {endpoint.url}\n"
            f"verify with (shown this once): {secret}"
        ),
    )
    return DONE


def _record(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "id": endpoint.id,
        "url": endpoint.url,
        "types": list(endpoint.types),
        "signing": endpoint.signing,
        "status": endpoint.status,
        "reason": endpoint.reason,
        "created_at": rfc3339(endpoint.created_at),
    }
