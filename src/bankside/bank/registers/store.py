"""SQL of the bank's list. The list is the bank's own: it holds for every data space."""

from collections.abc import Iterable

from bankside.bank.registers.model import Listing
from bankside.bank.registers.rules import listing_key
from bankside.kernel.db import Connection


async def listed(db: Connection, texts: Iterable[str]) -> list[Listing]:
    """The entries that name any of these names or numbers."""
    keys = sorted({listing_key(each) for each in texts if each} - {""})
    rows = await db.fetch(
        "select key, source, listed_on from bank.listed_parties where key = any($1::text[])"
        " order by key, source",
        keys,
    )
    return [Listing(row["key"], row["source"], row["listed_on"]) for row in rows]


async def listed_keys(db: Connection, *, limit: int) -> list[str]:
    """All names and numbers on the list, in order; never shown, only compared blindly."""
    rows = await db.fetch(
        "select distinct key from bank.listed_parties order by key limit $1", limit
    )
    return [row["key"] for row in rows]


async def list_party(db: Connection, listing: Listing) -> None:
    """The entry stands on the list; putting it there again changes nothing."""
    await db.execute(
        "insert into bank.listed_parties (key, source, listed_on) values ($1, $2, $3)"
        " on conflict (key, source) do nothing",
        listing.key,
        listing.source,
        listing.listed_on,
    )
