"""SQL of imports: descriptions as they were read, what products are served by, credentials, keys.

Descriptions and upstreams are made once and never changed; their ids are made of their content.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bankside.kernel.db import Connection, Pool


@dataclass(frozen=True, slots=True)
class Import:
    """One description taken for a product: which, by whom, when; ``version`` 0: not yet a draft."""

    product: str
    sha256: str
    file: str
    by: str
    at: datetime


async def keep_description(db: Connection, sha256: str, content: bytes) -> None:
    """Keep the compressed text of a description."""
    await db.execute(
        "insert into catalog.api_descriptions (sha256, content) values ($1, $2)"
        " on conflict (sha256) do nothing",
        sha256,
        content,
    )


async def description(db: Connection, sha256: str) -> bytes | None:
    """The compressed text of a description."""
    found: bytes | None = await db.fetchval(
        "select content from catalog.api_descriptions where sha256 = $1", sha256
    )
    return found


async def note_import(db: Connection, taken: Import) -> None:
    """Write down that a description was imported."""
    await db.execute(
        "insert into catalog.imports (product_id, sha256, file, imported_by, imported_at)"
        " values ($1, $2, $3, $4, $5) on conflict do nothing",
        taken.product,
        taken.sha256,
        taken.file,
        taken.by,
        taken.at,
    )


async def imports(db: Connection, product: str | None, *, limit: int) -> list[Import]:
    """The imports of a product (None: of all), newest first."""
    rows = await db.fetch(
        "select product_id, sha256, file, imported_by, imported_at from catalog.imports"
        " where $1::text is null or product_id = $1 order by imported_at desc, sha256 limit $2",
        product,
        limit,
    )
    return [Import(*row) for row in rows]


async def keep_upstream(
    db: Connection, upstream_id: str, product: str, content: bytes, at: datetime
) -> None:
    """Keep what a product version is served by."""
    await db.execute(
        "insert into catalog.upstreams (id, product_id, content, created_at)"
        " values ($1, $2, $3, $4) on conflict (id) do nothing",
        upstream_id,
        product,
        content,
        at,
    )


async def upstreams(db: Connection, ids: Iterable[str]) -> list[tuple[bytes, bytes | None]]:
    """What these ids are: content, and the sealed credential of the product when it has one."""
    rows = await db.fetch(
        "select u.content, c.sealed from catalog.upstreams u"
        " left join catalog.upstream_credentials c on c.product_id = u.product_id"
        " where u.id = any($1::text[])",
        sorted(set(ids)),
    )
    return [(row["content"], row["sealed"]) for row in rows]


async def set_credential(
    db: Connection, product: str, sealed: bytes, *, by: str, at: datetime
) -> None:
    """The product's upstream is sent this credential."""
    await db.execute(
        "insert into catalog.upstream_credentials (product_id, sealed, set_by, set_at)"
        " values ($1, $2, $3, $4) on conflict (product_id) do update"
        " set sealed = excluded.sealed, set_by = excluded.set_by, set_at = excluded.set_at",
        product,
        sealed,
        by,
        at,
    )


async def mismatches(db: Connection, product: str) -> list[tuple[str, str, int, datetime]]:
    """Answers that differed from their description: operation, what, how often, last when."""
    rows = await db.fetch(
        "select operation, said, seen, last_at from catalog.upstream_mismatches"
        " where product_id = $1 order by last_at desc limit 200",
        product,
    )
    return [tuple(row) for row in rows]


async def note_mismatch(
    pool: Pool, product: str, operation: str, said: str, *, at: datetime
) -> None:
    """Count one answer that differed from its description."""
    async with pool.acquire() as db:
        await db.execute(
            "insert into catalog.upstream_mismatches (product_id, operation, said, seen, last_at)"
            " values ($1, $2, $3, 1, $4) on conflict (product_id, operation, said) do update"
            " set seen = catalog.upstream_mismatches.seen + 1, last_at = excluded.last_at",
            product,
            operation,
            said,
            at,
        )
