"""SQL of the revocations slice: the bank's own books about its edges, over all partners."""

from datetime import timedelta

from bankside.identity.revocations.model import Revocation
from bankside.kernel.db import Connection, Pool


async def renew(db: Connection, edge: str, applied: int, lease: timedelta) -> None:
    """The edge knows everything up to ``applied`` and may answer for ``lease`` from now."""
    await db.execute(
        "insert into identity.edge_leases (edge_id, applied_seq, expires_at)"
        " values ($1, $2, clock_timestamp() + $3::interval)"
        " on conflict (edge_id) do update"
        " set applied_seq = excluded.applied_seq, expires_at = excluded.expires_at",
        edge,
        applied,
        lease,
    )


async def end(db: Connection, edge: str) -> None:
    """The edge answers no more."""
    await db.execute("delete from identity.edge_leases where edge_id = $1", edge)


async def since(db: Connection, applied: int, limit: int) -> tuple[int, list[Revocation]]:
    """The last number given, and up to ``limit`` revocations after ``applied`` in their order."""
    # tidy: scope - an edge serves all partners
    rows = await db.fetch(
        "select h.seq as head, r.seq, r.kind, r.partner_id, r.subject, r.grant_id"
        " from identity.revocation_head h left join lateral"
        " (select * from identity.revocations where seq > $1 order by seq limit $2) r on true"
        " order by r.seq",
        applied,
        limit,
    )
    found = [
        Revocation(row["seq"], row["kind"], row["partner_id"], row["subject"], row["grant_id"])
        for row in rows
        if row["seq"] is not None
    ]
    return rows[0]["head"], found


async def head(db: Connection | Pool) -> int:
    """The last number given."""
    seq: int = await db.fetchval("select seq from identity.revocation_head")
    return seq


async def behind(db: Connection | Pool, seq: int) -> int:
    """How many edges with a live lease do not know ``seq`` yet."""
    count: int = await db.fetchval(
        "select count(*) from identity.edge_leases"
        " where expires_at > clock_timestamp() and applied_seq < $1",
        seq,
    )
    return count


async def forget(db: Connection, age: timedelta) -> None:
    """Remove revocations and dead edges' leases older than ``age``."""
    # tidy: scope - housekeeping over all partners, by age alone
    await db.execute(
        "delete from identity.revocations where revoked_at < clock_timestamp() - $1::interval", age
    )
    await db.execute(
        "delete from identity.edge_leases where expires_at < clock_timestamp() - $1::interval", age
    )
