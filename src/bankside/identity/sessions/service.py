"""Use cases of the sessions slice.

Logging in takes a pool, not a transaction: an attempt is counted and committed before it is known
whether it succeeds, so a hundred attempts at once are a hundred attempts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from bankside.identity.credentials import login_of, spaces_of_login, verify_password
from bankside.identity.factors import has_totp, take_totp
from bankside.identity.sessions import rules, store
from bankside.identity.sessions.errors import (
    FactorMissing,
    LoginLocked,
    LoginRefused,
    SessionEnded,
    SessionUnknown,
)
from bankside.identity.sessions.model import Session, SessionLevel, Visitor
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.ids import CustomerId, SessionId, is_reference, new_id
from bankside.kernel.secrets import Vault

# A customer with more open sessions than this sees the latest ones.
SESSIONS_MAX = 50
SWEEP_MAX = 10_000
# Methods of RFC 8176: a password, a one-time code, more than one factor.
AMR_PASSWORD = ("pwd",)
AMR_FULL = ("pwd", "otp", "mfa")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    """What somebody types: ``partner`` None when the page does not know the data space."""

    partner: str | None
    login: str
    password: str
    visitor: Visitor

    def __repr__(self) -> str:
        return "LoginAttempt(...)"  # a password never reaches a log


async def prove_password(pool: Pool, clock: Clock, attempt: LoginAttempt) -> str:
    """The first factor is proven: the secret of a session that may only prove the second one.

    Raises LoginLocked, LoginRefused (a wrong password and an unknown login alike), FactorMissing.
    """
    async with transaction(pool) as db:
        partner = attempt.partner or await _space_of(db, attempt.login)
    counted = await _count(pool, clock, partner, attempt.login, attempt.visitor.source)
    async with transaction(pool) as db:
        customer = await verify_password(
            db, partner, login=attempt.login, password=attempt.password
        )
        if customer is None:
            raise LoginRefused
        # Only this attempt is forgiven: a known password buys no new guesses at the code.
        hashed = rules.login_hash(partner, attempt.login)
        await store.forgive(db, partner, hashed, attempt_id=counted)
        if not await has_totp(db, partner, customer):
            raise FactorMissing
        login = await login_of(db, partner, customer) or ""
        now = clock.now()
        session = Session(
            partner=partner,
            id=SessionId(new_id("session", clock)),
            customer=CustomerId(customer),
            login=login,
            level=SessionLevel.PASSWORD,
            amr=AMR_PASSWORD,
            device=_printable(attempt.visitor.device),
            source=attempt.visitor.source,
            started_at=now,
            authenticated_at=now,
            seen_at=now,
        )
        return await _store(db, session)


async def prove_code(
    pool: Pool, clock: Clock, vault: Vault, token: str, *, code: str, visitor: Visitor
) -> str:
    """Both factors are proven: the secret of a full session; the old secret is worth nothing now.

    A full session may prove its second factor again (step-up): it stays the same session, with a
    new secret. Raises SessionEnded, LoginLocked, LoginRefused (wrong, late or used code).
    """
    async with transaction(pool) as db:
        session = await session_of(db, clock, token)
    if session is None:
        raise SessionEnded
    await _count(pool, clock, session.partner, session.login, visitor.source)
    async with transaction(pool) as db:
        if not await take_totp(db, clock, vault, session.partner, session.customer, code=code):
            raise LoginRefused
        if not await _remove(db, token):
            raise SessionEnded
        await store.forgive(db, session.partner, rules.login_hash(session.partner, session.login))
        now = clock.now()
        proven = replace(
            session,
            level=SessionLevel.FULL,
            amr=AMR_FULL,
            started_at=session.started_at if session.is_full else now,
            authenticated_at=now,
            seen_at=now,
        )
        return await _store(db, proven)


async def session_of(db: Connection, clock: Clock, token: str) -> Session | None:
    """The live session of this secret; None for every other text. Notes that it was seen."""
    place = rules.place_of(token)
    found = await store.find(db, *place) if place else None
    now = clock.now()
    if place is None or found is None or not rules.is_live(found, now):
        return None
    if found.is_full and now >= found.seen_at + rules.SEEN_NOTED_EVERY:
        await store.seen(db, *place, now)
        return replace(found, seen_at=now)
    return found


async def sessions_of(
    db: Connection, clock: Clock, partner: str, customer: str
) -> Sequence[Session]:
    """Where a customer is logged in now, the session used last first."""
    now = clock.now()
    found = await store.of_customer(db, partner, customer, SESSIONS_MAX)
    return [each for each in found if each.is_full and rules.is_live(each, now)]


async def end_session(db: Connection, partner: str, customer: str, session_id: str) -> None:
    """The customer is logged out there. Raises SessionUnknown (also for another customer's)."""
    known = is_reference(session_id)
    if not known or not await store.remove_by_id(db, partner, customer, session_id):
        raise SessionUnknown


async def log_out(db: Connection, token: str) -> None:
    """The session of this secret is over; an unknown secret changes nothing."""
    await _remove(db, token)


async def forget_old(db: Connection, clock: Clock) -> int:
    """Rows that count for nothing any more are gone, at most SWEEP_MAX of each kind; how many."""
    now = clock.now()
    return await store.remove_old(
        db,
        sessions_before=now - rules.ABSOLUTE_TTL,
        attempts_before=now - rules.ATTEMPTS_WINDOW,
        limit=SWEEP_MAX,
    )


async def _space_of(db: Connection, login: str) -> str:
    """The one data space that has this login; "" (which has no customer) when none or several."""
    spaces = await spaces_of_login(db, login)
    return spaces[0] if len(spaces) == 1 else ""


async def _count(pool: Pool, clock: Clock, partner: str, login: str, source: str) -> str:
    """The attempt is counted and may be made; its id. Raises LoginLocked."""
    now, hashed = clock.now(), rules.login_hash(partner, login)
    since, most = now - rules.ATTEMPTS_WINDOW, rules.ATTEMPTS_MAX
    async with transaction(pool) as db:
        await store.lock_attempts(db, hashed, source)
        waits = [
            rules.wait_after(attempts, now)
            for attempts in (
                await store.attempts_with(db, partner, hashed, since=since, limit=most),
                await store.attempts_from(db, source, since=since, limit=most),
            )
        ]
        longest = max((each for each in waits if each), default=timedelta(0))
        if longest:
            raise LoginLocked(retry_after=int(longest.total_seconds()) + 1)
        attempt_id = new_id("session", clock)
        await store.add_attempt(db, partner, hashed, attempt_id=attempt_id, source=source, at=now)
    return attempt_id


async def _store(db: Connection, session: Session) -> str:
    token = rules.new_token(session.partner)
    place = rules.place_of(token)
    assert place is not None, "a token of ours has the form of one"
    await store.insert(db, session, place[1])
    return token


async def _remove(db: Connection, token: str) -> bool:
    place = rules.place_of(token)
    return place is not None and await store.remove(db, *place)


def _printable(device: str) -> str:
    """What a browser calls itself, without what a page or a log could not show."""
    shown = "".join(each for each in device if each.isprintable())
    return shown[: rules.DEVICE_LENGTH_MAX]
