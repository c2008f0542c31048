"""An edge worker's lease: it hears of revocations, or it answers for no token and no consent.

Always true: the worker's own second begins before the database writes the lease's, and counts only
after revocations were looked for once more; so whoever revokes either waits for this worker or
finds its lease over, and then the worker has stopped answering. Source: security guide section 6.
"""

import asyncio
import contextlib
import os
import secrets
import socket

import asyncpg
import structlog

from bankside.gateway import Access, Ended, Tokens, consent_mark, grant_marks, token_mark
from bankside.identity import access_of
from bankside.identity.revocations import (
    CHANNEL,
    LEASE,
    Revocation,
    end_lease,
    last_revocation,
    renew_lease,
    revocations_since,
)
from bankside.kernel.clock import Clock
from bankside.kernel.db import DATABASE_TROUBLE, POOL_ACQUIRE_SECONDS, Connection, Pool

RENEW_SECONDS = 0.25
# An answer that was looked at for the last time leaves within this.
MARGIN_SECONDS = 0.05
# A statement that takes longer has outlived the lease; the connection is given up.
STATEMENT_SECONDS = 0.9
CONNECT_SECONDS = 1.0
RETRY_SECONDS = 0.1
# Turns of the loop in which answers that were looked at for the last time are written out.
_TURNS = 3

_log = structlog.get_logger("lease")


def known_tokens(pool: Pool, clock: Clock) -> Tokens:
    """Tokens looked up in the authorization server's tables, each once."""

    async def look_up(token: str) -> Access | None:
        async with pool.acquire(timeout=POOL_ACQUIRE_SECONDS) as db:
            found = await access_of(db, clock, token)
        if found is None:
            return None
        return Access(
            partner=found.partner,
            client=found.client_id,
            grant=found.grant_id,
            customer=found.subject,
            scopes=frozenset(found.scopes),
            details=found.details,
            jkt=found.jkt,
            expires_at=found.expires_at.timestamp(),
            x5t=found.x5t,
        )

    return Tokens(look_up)


async def hold_lease(url: str, tokens: Tokens) -> None:
    """Keep the lease of ``tokens`` running until cancelled; a lost database lets it lapse."""
    edge = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"
    held = Lease(edge, tokens)
    try:
        while True:
            try:
                await held.keep(url)
            except DATABASE_TROUBLE as error:
                _log.warning("revocations_not_heard", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
    finally:
        tokens.hold(0.0)
        with contextlib.suppress(*DATABASE_TROUBLE):
            await held.end(url)


class Lease:
    """The lease of one worker, over any number of connections."""

    def __init__(self, edge: str, tokens: Tokens) -> None:
        self._edge = edge
        self._tokens = tokens
        self._begun = False

    async def keep(self, url: str) -> None:
        """Renew and listen on a connection of our own, until it is lost."""
        db = await _connected(url)
        news = asyncio.Event()
        db.add_termination_listener(lambda _: news.set())
        try:
            await db.add_listener(CHANNEL, lambda *_: news.set())
            if not self._begun:
                # The lease first: from here on whoever revokes waits for us, so nothing that was
                # looked up after this can have been revoked unheard.
                await renew_lease(db, self._edge, 0)
                self._tokens.begin(await last_revocation(db))
                self._begun = True
            while not db.is_closed():
                news.clear()
                began = self._tokens.seconds()
                await renew_lease(db, self._edge, self._tokens.applied)
                await self._catch_up(db)
                self._tokens.hold(began + LEASE.total_seconds() - MARGIN_SECONDS)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(news.wait(), RENEW_SECONDS)
        finally:
            db.terminate()

    async def end(self, url: str) -> None:
        """Say goodbye, so that nobody waits for us."""
        db = await _connected(url)
        try:
            await end_lease(db, self._edge)
        finally:
            db.terminate()

    async def _catch_up(self, db: Connection) -> None:
        """Apply what was revoked since, and tell that we did."""
        tokens = self._tokens
        while True:
            found, missing = await revocations_since(db, tokens.applied)
            if missing:
                # Away for longer than revocations are kept: whatever we know may have ended.
                tokens.begin(await last_revocation(db))
            elif found:
                tokens.apply(map(_ended, found))
            else:
                return
            for _ in range(_TURNS):
                await asyncio.sleep(0)
            await renew_lease(db, self._edge, tokens.applied)


async def _connected(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    return await asyncpg.connect(
        url,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        server_settings={"application_name": "bankside lease", "search_path": "pg_catalog"},
    )


def _ended(each: Revocation) -> Ended:
    """A revocation in the edge's words."""
    if each.kind == "token":
        return Ended(each.seq, (token_mark(bytes.fromhex(each.subject)),))
    if each.kind == "grant":
        return Ended(each.seq, grant_marks(each.partner, each.subject)[:1])
    named = consent_mark(each.partner, each.subject)
    if each.grant is None:
        return Ended(each.seq, (named,))
    return Ended(each.seq, (named, *grant_marks(each.partner, each.grant)[1:]))
