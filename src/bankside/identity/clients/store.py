"""SQL of the clients slice. A client id names one client in the whole installation."""

import json
from collections.abc import Sequence

from bankside.identity.clients.model import Client
from bankside.kernel.db import Connection, Row

_COLUMNS = "partner_id, client_id, name, jwks, redirect_uris, scopes, detail_types, created_at"


async def insert(db: Connection, client: Client) -> bool:
    """Store a client; False when its id is registered already."""
    row = await db.fetchrow(
        "insert into identity.clients (partner_id, client_id, name, jwks, redirect_uris, scopes,"
        " detail_types, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8)"
        " on conflict do nothing returning client_id",
        client.partner,
        client.id,
        client.name,
        json.dumps(client.jwks),
        client.redirect_uris,
        sorted(client.scopes),
        sorted(client.detail_types),
        client.created_at,
    )
    return row is not None


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
    )
