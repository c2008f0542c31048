"""SQL of the keys slice; every question about one app's keys takes the partner."""

from datetime import datetime

from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import AppId, KeyId, PartnerId
from bankside.partners.keys.model import AppKey

_COLUMNS = (
    "partner_id, app_id, key_id, wire, alg, material, fingerprint, not_before, not_after,"
    " revoked_at"
)


async def insert(db: Connection, key: AppKey) -> bool:
    """Store a key; False when the id is taken."""
    row = await db.fetchrow(
        "insert into partners.app_keys"
        " (partner_id, app_id, key_id, wire, alg, material, fingerprint, not_before)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing returning key_id",
        key.partner,
        key.app,
        key.id,
        key.wire,
        key.alg,
        key.material,
        key.fingerprint,
        key.not_before,
    )
    return row is not None


async def of_app(db: Connection, partner: PartnerId, app: AppId) -> list[AppKey]:
    """All keys the app ever had, oldest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.app_keys"  # noqa: S608 - constant column list
        " where partner_id = $1 and app_id = $2 order by not_before, key_id",
        partner,
        app,
    )
    return [_key(row) for row in rows]


async def end(
    db: Connection, partner: PartnerId, app: AppId, key: KeyId, not_after: datetime
) -> None:
    """The key is accepted until ``not_after``."""
    await db.execute(
        "update partners.app_keys set not_after = $4"
        " where partner_id = $1 and app_id = $2 and key_id = $3",
        partner,
        app,
        key,
        not_after,
    )


async def revoke(db: Connection, partner: PartnerId, app: AppId, key: KeyId, at: datetime) -> None:
    """The key is never accepted again."""
    await db.execute(
        "update partners.app_keys set revoked_at = $4"
        " where partner_id = $1 and app_id = $2 and key_id = $3",
        partner,
        app,
        key,
        at,
    )


async def choose_answer_key(
    db: Connection, partner: PartnerId, app: AppId, wire: str, platform_key: str
) -> None:
    """Answers to the app on the wire are signed by this key of the bank."""
    await db.execute(
        "insert into partners.answer_keys (partner_id, app_id, wire, key_id)"
        " values ($1, $2, $3, $4)"
        " on conflict (partner_id, app_id, wire) do update set key_id = excluded.key_id",
        partner,
        app,
        wire,
        platform_key,
    )


async def answer_key(db: Connection, partner: PartnerId, app: AppId, wire: str) -> str | None:
    """The key of the bank that the app chose for the wire."""
    found: str | None = await db.fetchval(
        "select key_id from partners.answer_keys"
        " where partner_id = $1 and app_id = $2 and wire = $3",
        partner,
        app,
        wire,
    )
    return found


async def every_active(db: Connection, at: datetime) -> list[AppKey]:
    """Every key of every partner that is accepted at ``at`` or later: for the snapshot."""
    rows = await db.fetch(
        f"select {_COLUMNS} from partners.app_keys"  # noqa: S608 - constant column list
        " where revoked_at is null and (not_after is null or not_after > $1)"
        " order by app_id, wire, not_before, key_id",
        at,
    )
    return [_key(row) for row in rows]


async def every_answer_key(db: Connection) -> list[tuple[AppId, str, str]]:
    """Every app's choice as (app, wire, key of the bank): for the snapshot."""
    rows = await db.fetch("select app_id, wire, key_id from partners.answer_keys order by 1, 2")
    return [(AppId(row["app_id"]), row["wire"], row["key_id"]) for row in rows]


def _key(row: Row) -> AppKey:
    return AppKey(
        id=KeyId(row["key_id"]),
        partner=PartnerId(row["partner_id"]),
        app=AppId(row["app_id"]),
        wire=row["wire"],
        alg=row["alg"],
        material=row["material"],
        fingerprint=row["fingerprint"],
        not_before=row["not_before"],
        not_after=row["not_after"],
        revoked_at=row["revoked_at"],
    )
