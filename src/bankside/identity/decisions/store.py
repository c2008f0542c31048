"""SQL of the decisions slice."""

from datetime import datetime

from bankside.kernel.db import Connection


async def put_answer(
    db: Connection,
    key: tuple[str, str, bytes],
    sealed: bytes,
    *,
    at: datetime,
) -> None:
    """Keep what a browser was answered; ``key``: data space, interaction, hash of the browser."""
    await db.execute(
        "insert into identity.decision_answers"
        " (partner_id, interaction_id, browser_hash, sealed_address, answered_at)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing",
        *key,
        sealed,
        at,
    )


async def answer(
    db: Connection, interaction: str, browser_hash: bytes, *, since: datetime
) -> bytes | None:
    """What this browser was answered, sealed.

    Asked without a data space: an answered interaction no longer tells its own, and the hash of
    the browser's secret lets nobody else in.
    """
    sealed: bytes | None = await db.fetchval(
        "select sealed_address from identity.decision_answers"
        " where interaction_id = $1 and browser_hash = $2 and answered_at > $3",
        interaction,
        browser_hash,
        since,
    )
    return sealed


async def remove_answers(db: Connection, *, before: datetime, limit: int) -> int:
    """Forget up to ``limit`` answers given before; how many."""
    gone = await db.fetch(
        "delete from identity.decision_answers where (partner_id, interaction_id, browser_hash) in"
        " (select partner_id, interaction_id, browser_hash from identity.decision_answers"
        " where answered_at <= $1 limit $2) returning 1",
        before,
        limit,
    )
    return len(gone)
