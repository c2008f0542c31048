"""SQL of the passkeys slice; questions about a person take its space."""

from datetime import datetime

from bankside.identity.passkeys.model import Ceremony, Challenge, Passkey
from bankside.identity.realms import Realm
from bankside.identity.values import Place
from bankside.kernel.db import Connection, Row
from bankside.kernel.ids import PasskeyId

_COLUMNS = (
    "partner_id, passkey_id, person_id, name, credential_id, public_key, sign_count, transports,"
    " created_at, used_at, flagged_at"
)


async def put_challenge(
    db: Connection, place: Place, made: Challenge, browser_hash: bytes, life: tuple[datetime, ...]
) -> None:
    """Keep a challenge; ``life``: made at, good until."""
    await db.execute(
        "insert into identity.passkey_challenges (slot, hash, ceremony, realm, browser_hash,"
        " partner_id, person_id, created_at, expires_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        place.slot,
        place.hash,
        made.ceremony,
        made.realm,
        browser_hash,
        made.partner,
        made.person,
        *life,
    )


async def take_challenge(
    db: Connection, place: Place, ceremony: Ceremony, browser_hash: bytes, at: datetime
) -> tuple[Realm, str, str] | None:
    """Realm, space and person of a challenge of this browser; it is used up now.

    One statement decides: of many answers at once, one finds it.
    """
    row = await db.fetchrow(
        "update identity.passkey_challenges set used_at = $5"
        " where slot = $1 and hash = $2 and ceremony = $3 and browser_hash = $4"
        " and used_at is null and expires_at > $5 returning realm, partner_id, person_id",
        place.slot,
        place.hash,
        ceremony,
        browser_hash,
        at,
    )
    return (Realm(row["realm"]), row["partner_id"], row["person_id"]) if row else None


async def clear_challenges(db: Connection, slot: int) -> bool:
    """Empty one partition of challenges; False when it was empty."""
    return bool(await db.fetchval("select identity.clear_challenges($1)", slot))


async def lock_person(db: Connection, partner: str, person: str) -> None:
    """Registrations of one person wait for one another: they are counted."""
    await db.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 13))", f"{partner}/{person}"
    )


async def insert(db: Connection, passkey: Passkey) -> None:
    """Store a passkey; the key ``passkeys_credential`` guards against a second of the same."""
    await db.execute(
        f"insert into identity.passkeys ({_COLUMNS})"  # noqa: S608 - constant column list
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        passkey.partner,
        passkey.id,
        passkey.person,
        passkey.name,
        passkey.credential_id,
        passkey.public_key,
        passkey.sign_count,
        list(passkey.transports),
        passkey.created_at,
        passkey.used_at,
        passkey.flagged_at,
    )


async def of_person(db: Connection, partner: str, person: str, limit: int) -> list[Passkey]:
    """Up to ``limit`` passkeys of a person, oldest first."""
    rows = await db.fetch(
        f"select {_COLUMNS} from identity.passkeys"  # noqa: S608 - constant column list
        " where partner_id = $1 and person_id = $2 order by passkey_id limit $3",
        partner,
        person,
        limit,
    )
    return [_passkey(row) for row in rows]


async def by_credential(
    db: Connection, partner: str, person: str, credential_id: bytes
) -> Passkey | None:
    """A person's passkey by the id its authenticator gave it."""
    row = await db.fetchrow(
        f"select {_COLUMNS} from identity.passkeys"  # noqa: S608 - constant column list
        " where partner_id = $1 and person_id = $2 and credential_id = $3",
        partner,
        person,
        credential_id,
    )
    return _passkey(row) if row else None


async def count_on(db: Connection, passkey: Passkey, sign_count: int, at: datetime) -> bool:
    """Whether the counter still moved on, with the row locked; it stands there now."""
    moved = await db.fetchval(
        "update identity.passkeys set sign_count = $3, used_at = $4"
        " where partner_id = $1 and passkey_id = $2 and flagged_at is null"
        " and (sign_count < $3 or (sign_count = 0 and $3 = 0)) returning true",
        passkey.partner,
        passkey.id,
        sign_count,
        at,
    )
    return moved is True


async def flag(db: Connection, passkey: Passkey, at: datetime) -> None:
    """Note that a copy of the passkey seems to exist."""
    await db.execute(
        "update identity.passkeys set flagged_at = coalesce(flagged_at, $3)"
        " where partner_id = $1 and passkey_id = $2",
        passkey.partner,
        passkey.id,
        at,
    )


async def remove(db: Connection, partner: str, person: str, passkey_id: str) -> bool:
    """Forget a person's passkey; False when there is none."""
    gone = await db.fetchval(
        "delete from identity.passkeys"
        " where partner_id = $1 and person_id = $2 and passkey_id = $3 returning true",
        partner,
        person,
        passkey_id,
    )
    return gone is True


async def remove_all(db: Connection, partner: str, person: str) -> None:
    """Forget all passkeys of a person."""
    await db.execute(
        "delete from identity.passkeys where partner_id = $1 and person_id = $2", partner, person
    )


def _passkey(row: Row) -> Passkey:
    return Passkey(
        partner=row["partner_id"],
        id=PasskeyId(row["passkey_id"]),
        person=row["person_id"],
        name=row["name"],
        credential_id=row["credential_id"],
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        transports=tuple(row["transports"]),
        created_at=row["created_at"],
        used_at=row["used_at"],
        flagged_at=row["flagged_at"],
    )
