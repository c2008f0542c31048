"""Attempts to log in: counted and committed before it is known whether they succeed.

So a hundred attempts at once are a hundred attempts; they are counted for the login and for the
source, in the database, whether the login exists or not.
"""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from bankside.identity.realms import Realm
from bankside.identity.sessions import rules, store_attempts
from bankside.identity.sessions.errors import LoginLocked
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.ids import new_id

_log = structlog.get_logger("security")


@dataclass(frozen=True, slots=True)
class Tried:
    """Who is tried, and from where; ``partner`` is the space."""

    realm: Realm
    partner: str
    login: str
    source: str

    @property
    def hashed(self) -> bytes:
        """What is stored of the login: people type passwords into the wrong field."""
        return rules.login_hash(self.realm, self.partner, self.login)


async def count(pool: Pool, clock: Clock, tried: Tried) -> str:
    """The attempt is counted and may be made; its id. Raises LoginLocked."""
    now, hashed = clock.now(), tried.hashed
    since, most = now - rules.ATTEMPTS_WINDOW, rules.ATTEMPTS_MAX
    source = rules.source_of(tried.source)
    async with transaction(pool) as db:
        await store_attempts.lock_attempts(db, hashed, source)
        waits = [
            rules.wait_after(attempts, now)
            for attempts in (
                await store_attempts.attempts_with(
                    db, tried.partner, hashed, since=since, limit=most
                ),
                await store_attempts.attempts_from(db, source, since=since, limit=most),
            )
        ]
        longest = max((each for each in waits if each), default=timedelta(0))
        if longest:
            _log.warning("login_locked", realm=tried.realm, login=hashed.hex()[:16], source=source)
            raise LoginLocked(retry_after=int(longest.total_seconds()) + 1)
        attempt_id = new_id("session", clock)
        await store_attempts.add_attempt(
            db, tried.partner, hashed, attempt_id=attempt_id, source=source, at=now
        )
    return attempt_id


async def forgive(db: Connection, tried: Tried, *, attempt: str | None = None) -> None:
    """The attempt succeeded and counts no more; None: none with this login does."""
    await store_attempts.forgive(db, tried.partner, tried.hashed, attempt_id=attempt)
