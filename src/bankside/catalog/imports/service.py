"""The use cases of imports: take a description, take a review of it, set a credential.

Always true: a description and a review of it become a draft of the life cycle and nothing more;
what is published goes through its moves and two people. Each works in the caller's transaction.
"""

import gzip
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import msgspec

from bankside.catalog.imports import store
from bankside.catalog.imports.binding import bind
from bankside.catalog.imports.definition import (
    KIND,
    definition_of,
    review_of,
)
from bankside.catalog.imports.describing import describe
from bankside.catalog.imports.difference import Change, changes
from bankside.catalog.imports.errors import ImportNameTaken, ImportUnknown, ReviewInvalid
from bankside.catalog.imports.model import Described
from bankside.catalog.imports.proposing import Review
from bankside.catalog.imports.review import confirmed, fitting
from bankside.catalog.lifecycle import ProductVersion, register_draft, versions
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.secrets import Vault
from bankside.kernel.snapshot import Upstream

# A header's value; longer credentials are no header.
CREDENTIAL_MAX = 4_096
IMPORTS_SHOWN_MAX = 100


@dataclass(frozen=True, slots=True)
class Taken:
    """A draft made of a description: its version, and what changed against the newest one before.

    ``before``: that version's number, 0 when there was none.
    """

    version: ProductVersion
    before: int
    changes: tuple[Change, ...]


async def take_description(
    db: Connection, clock: Clock, raw: bytes, review: Review, *, by: str
) -> Taken:
    """The description is kept, and its proposal is the product's draft, unconfirmed.

    Raises ReviewInvalid, DescriptionRefused, and what the life cycle refuses.
    """
    described = describe(raw)
    await store.keep_description(db, described.sha256, gzip.compress(raw, mtime=0))
    taken = store.Import(
        review["product"], described.sha256, review["source"]["file"][:500], by, clock.now()
    )
    await store.note_import(db, taken)
    return await take_review(db, clock, review, by=by)


async def take_review(db: Connection, clock: Clock, review: Review, *, by: str) -> Taken:
    """The product's draft says what this review says.

    Raises ReviewInvalid, ImportUnknown, ImportNameTaken, and what the life cycle refuses.
    """
    found = confirmed(review)
    described = await _described(db, found.source.sha256)
    fitting(found, described)
    await _refuse_taken(db, found.product)
    before = await _before(db, found.product)
    upstream = bind(described, found)
    await store.keep_upstream(
        db, upstream.id, found.product, msgspec.msgpack.encode(upstream), clock.now()
    )
    definition = definition_of(msgspec.to_builtins(found), upstream)
    version = await register_draft(
        db, clock, product=found.product, definition=definition, by=by, kind=KIND
    )
    if before is None or before.definition is None:
        return Taken(version, 0, ())
    was = await _described(db, review_of(before.definition).source.sha256)
    return Taken(version, before.version, changes(was, described))


async def set_credential(
    db: Connection, clock: Clock, vault: Vault, product: str, secret: str, *, by: str
) -> None:
    """The product's upstream is sent this from the next publication on; it is kept sealed.

    Raises ImportUnknown, ReviewInvalid (no header value).
    """
    if not await store.imports(db, product, limit=1):
        raise ImportUnknown(f"nothing was imported as {product[:80]}")
    if not (1 <= len(secret) <= CREDENTIAL_MAX and secret.isascii() and secret.isprintable()):
        raise ReviewInvalid("a credential is 1 to 4096 visible ASCII characters")
    sealed = vault.seal(secret.encode(), purpose=f"upstream:{product}")
    await store.set_credential(db, product, sealed, by=by, at=clock.now())


async def upstreams_of(db: Connection, ids: Iterable[str]) -> Mapping[str, Upstream]:
    """What these ids are, with the sealed credentials of now: for the snapshot."""
    wanted = set(ids) - {""}
    if not wanted:
        return {}
    found = {}
    for content, sealed in await store.upstreams(db, wanted):
        upstream = msgspec.msgpack.decode(content, type=Upstream)
        found[upstream.id] = replace(upstream, credential=sealed or b"")
    return found


async def imported(db: Connection, product: str | None = None) -> list[store.Import]:
    """The newest imports, of one product or of all."""
    return await store.imports(db, product, limit=IMPORTS_SHOWN_MAX)


async def _described(db: Connection, sha256: str) -> Described:
    content = await store.description(db, sha256)
    if content is None:
        raise ImportUnknown("the description of this review was not imported here")
    return describe(gzip.decompress(content))


async def _refuse_taken(db: Connection, product: str) -> None:
    """One set, one noun: its routes stand below ``/v1/<set>`` and nobody else's do."""
    set_ = product.partition(".")[2]
    for each in await versions(db):
        if each.product != product and each.product.partition(".")[2] == set_:
            raise ImportNameTaken(f"/v1/{set_} is {each.product}'s; choose another name")


async def _before(db: Connection, product: str) -> ProductVersion | None:
    """The newest version that left its draft."""
    found = [each for each in await versions(db, product) if each.state != "draft"]
    return found[-1] if found else None
