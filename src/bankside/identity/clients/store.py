"""SQL of the clients slice. A client id names one client in the whole installation."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bankside.identity.clients.model import Client
from bankside.kernel.db import Connection, Row

_RECORD = (
    "name, jwks, redirect_uris, scopes, detail_types, request_object_signing_alg,"
    " authorization_signed_response_alg, sender_constraint, backchannel, jwks_uri,"
    " jwks_fetched_at, version"
)
_COLUMNS = f"partner_id, client_id, created_at, jwks_tried_at, {_RECORD}"


async def insert(db: Connection, client: Client) -> bool:
    """Store a client; False when its id is registered already."""
    row = await db.fetchrow(
        f"insert into identity.clients (partner_id, client_id, {_RECORD}, created_at)"  # noqa: S608 - constants
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
        " on conflict do nothing returning client_id",
        client.partner,
        client.id,
        *_record(client),
        client.created_at,
    )
    return row is not None


async def amend(db: Connection, client: Client, *, was: int) -> bool:
    """The record is this one; False when its version is no longer ``was``."""
    done = await db.fetchval(
        f"update identity.clients set ({_RECORD}, jwks_tried_at)"  # noqa: S608 - constants
        " = ($3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, null)"
        " where partner_id = $1 and client_id = $2 and version = $15 returning true",
        client.partner,
        client.id,
        *_record(client),
        was,
    )
    return done is True


async def move(db: Connection, partner: str, client_id: str, to: str) -> None:
    """The client, if there is one, is registered in another data space."""
    await db.execute(
        "update identity.clients set partner_id = $3 where partner_id = $1 and client_id = $2",
        partner,
        client_id,
        to,
    )


async def claim_fetch(db: Connection, client: Client, *, at: datetime, not_since: datetime) -> bool:
    """Whether this caller, alone and not too soon after the last, fetches the client's keys."""
    mine = await db.fetchval(
        "update identity.clients set jwks_tried_at = $3 where partner_id = $1 and client_id = $2"
        " and (jwks_tried_at is null or jwks_tried_at <= $4) returning true",
        client.partner,
        client.id,
        at,
        not_since,
    )
    return mine is True


async def keep_keys(
    db: Connection, client: Client, jwks: Sequence[Mapping[str, Any]], *, at: datetime
) -> None:
    """The key set just fetched from the client's jwks_uri, if that is still its address."""
    await db.execute(
        "update identity.clients set jwks = $4, jwks_fetched_at = $5"
        " where partner_id = $1 and client_id = $2 and jwks_uri = $3",
        client.partner,
        client.id,
        client.jwks_uri,
        json.dumps(jwks),
        at,
    )


async def find(db: Connection, client_id: str) -> Client | None:
    """The client with this id, whoever's it is: it has yet to prove itself."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.clients"  # noqa: S608 - constant column list
        " where client_id = $1",
        client_id,
    )
    return _client(row) if row else None


async def page(db: Connection, partner: str, after: str, limit: int) -> Sequence[Client]:
    """Clients of a partner by id."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.clients"  # noqa: S608 - constant column list
        " where partner_id = $1 and client_id > $2 order by client_id limit $3",
        partner,
        after,
        limit,
    )
    return [_client(row) for row in rows]


def _record(client: Client) -> tuple[Any, ...]:
    """The values of _RECORD, in its order."""
    return (
        client.name,
        json.dumps(client.jwks),
        client.redirect_uris,
        sorted(client.scopes),
        sorted(client.detail_types),
        client.request_object_signing_alg,
        client.authorization_signed_response_alg,
        client.sender_constraint,
        client.backchannel,
        client.jwks_uri,
        client.jwks_fetched_at,
        client.version,
    )


def _client(row: Row) -> Client:
    return Client(
        partner=row["partner_id"],
        id=row["client_id"],
        name=row["name"],
        jwks=tuple(json.loads(row["jwks"])),
        redirect_uris=tuple(row["redirect_uris"]),
        scopes=frozenset(row["scopes"]),
        detail_types=frozenset(row["detail_types"]),
        created_at=row["created_at"],
        request_object_signing_alg=row["request_object_signing_alg"],
        authorization_signed_response_alg=row["authorization_signed_response_alg"],
        sender_constraint=row["sender_constraint"],
        backchannel=row["backchannel"],
        jwks_uri=row["jwks_uri"],
        jwks_fetched_at=row["jwks_fetched_at"],
        jwks_tried_at=row["jwks_tried_at"],
        version=row["version"],
    )
