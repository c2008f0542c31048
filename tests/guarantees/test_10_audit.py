"""10. Audit: append-only, in a chain that each seal names, with a signed statement a tenant."""

import asyncpg
import pytest
from tests.bank.clearing.clearing_world import MONDAY, Platform
from tests.guarantees.checks import Seen, audit

from bankside.bank import clearing
from bankside.bank.clearing import Whose
from bankside.bank.ledger import Head, verify
from bankside.kernel.db import transaction
from bankside.kernel.signing import generate, public_der, signer, verifier


async def test_the_seal_proves_that_the_date_was_not_changed_afterwards(platform: Platform) -> None:
    merchant = await platform.merchant()
    await platform.sold(merchant, "10.00")
    batch = await platform.close(MONDAY)
    await platform.sold(merchant, "5.00")
    assert batch.last_seq is not None and batch.head is not None
    head = Head("main", batch.last_seq, batch.head)
    async with transaction(platform.bank.pool) as db:
        assert (await verify(db, known_head=head)).fault is None
    await audit(platform, Seen())

    for change in (
        "update bank.ledger_transfers set amount = 1",
        "delete from bank.ledger_entries",
    ):
        with pytest.raises(asyncpg.PostgresError, match="append-only"):
            await platform.bank.pool.execute(change)
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await platform.bank.pool.execute("delete from orders.journal")
    forged = Head("main", batch.last_seq, "00" * 32)
    async with transaction(platform.bank.pool) as db:
        assert (await verify(db, known_head=forged)).fault is not None


async def test_a_tenants_statement_is_signed_and_shows_its_own_merchants_only(
    platform: Platform,
) -> None:
    mine = await platform.bank.merchant(tenant="tnt_mine")
    other = await platform.bank.merchant(tenant="tnt_other")
    for each in (mine, other):
        await platform.agree(each)
        await platform.sold(each, "10.00")
    await platform.close(MONDAY)
    private = generate("ed25519")
    parts: list[bytes] = []

    async with transaction(platform.bank.pool) as db:
        given = await clearing.give_out(
            db,
            platform.bank.clock,
            Whose(partner=platform.bank.partner, on=MONDAY, tenant="tnt_mine"),
            form="csv",
            out=parts.append,
            sign=lambda digest: ("key-1", signer("ed25519", private)(digest)),
        )

    digest = bytes.fromhex(given.written.sha256)
    check = verifier("ed25519", public_der(private))
    assert check(digest, given.signature)
    assert mine.id.encode() in b"".join(parts) and other.id.encode() not in b"".join(parts)
    assert given.written.positions == 1
