"""Logging in: by password and a second factor, or by a passkey that is both.

These use cases take a pool, not a transaction: attempts, used-up challenges and flagged passkeys
are committed although the login is refused.
"""

from dataclasses import dataclass, replace

from bankside.identity.credentials import login_of, spaces_of_login, verify_password
from bankside.identity.factors import has_totp, take_totp
from bankside.identity.passkeys import (
    Ceremony,
    Passkey,
    PasskeyRefused,
    RelyingParty,
    counted,
    has_passkey,
    passkey_for,
    proof_of,
    read_answer,
    take_challenge,
)
from bankside.identity.realms import Realm
from bankside.identity.sessions import attempts, rules, store
from bankside.identity.sessions.attempts import Tried
from bankside.identity.sessions.errors import FactorMissing, LoginRefused, SessionEnded
from bankside.identity.sessions.model import Session, SessionLevel, Visitor
from bankside.identity.sessions.service import log_out, session_of
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.ids import SessionId, new_id
from bankside.kernel.secrets import Vault

# Methods of RFC 8176: a password, a one-time code, possession of a key, the person present (the
# device has verified it), more than one factor.
AMR_PASSWORD = ("pwd",)
AMR_CODE = ("pwd", "otp", "mfa")
AMR_PASSKEY = ("pop", "user", "mfa")
AMR_PASSWORD_PASSKEY = ("pwd", "pop", "mfa")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    """What somebody types: ``partner`` None when the page does not know the space."""

    partner: str | None
    login: str
    password: str
    visitor: Visitor
    realm: Realm = Realm.CUSTOMER

    def __repr__(self) -> str:
        return "LoginAttempt(...)"  # a password never reaches a log


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyAttempt:
    """What a browser answers with a passkey. ``browser`` is the secret of its cookie, which is also
    its session's when it has one; ``partner`` None: any space of the realm.
    """

    answer: str
    browser: str
    visitor: Visitor
    realm: Realm = Realm.CUSTOMER
    partner: str | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """Who has proven to be there."""

    realm: Realm
    partner: str
    id: str
    login: str


async def prove_password(pool: Pool, clock: Clock, attempt: LoginAttempt) -> str:
    """The first factor is proven: the secret of a session that may only prove the second one.

    Raises LoginLocked, LoginRefused (a wrong password and an unknown login alike), FactorMissing.
    """
    async with transaction(pool) as db:
        partner = attempt.partner or await _space_of(db, attempt)
    tried = Tried(attempt.realm, partner, attempt.login, attempt.visitor.source)
    counted_as = await attempts.count(pool, clock, tried)
    async with transaction(pool) as db:
        found = await verify_password(
            db, partner, login=attempt.login, password=attempt.password, realm=attempt.realm
        )
        if found is None:
            raise LoginRefused
        login = await login_of(db, partner, found, realm=attempt.realm, locked=True)
        if login is None:
            raise LoginRefused
        # Only this attempt is forgiven: a known password buys no new guesses at the code.
        await attempts.forgive(db, tried, attempt=counted_as)
        if not (await has_totp(db, partner, found) or await has_passkey(db, partner, found)):
            raise FactorMissing
        person = Proven(attempt.realm, partner, found, login)
        return await _store(db, _begun(clock, person, attempt.visitor))


async def prove_code(
    pool: Pool, clock: Clock, vault: Vault, token: str, *, code: str, visitor: Visitor
) -> str:
    """Both factors are proven: the secret of a full session; the old secret is worth nothing now.

    A full session may prove its second factor again (step-up): it stays the same session, with a
    new secret. Raises SessionEnded, LoginLocked, LoginRefused (wrong, late or used code).
    """
    async with transaction(pool) as db:
        session = await session_of(db, clock, token, realm=None)
    if session is None:
        raise SessionEnded
    tried = Tried(session.realm, session.partner, session.login, visitor.source)
    await attempts.count(pool, clock, tried)
    async with transaction(pool) as db:
        right = await take_totp(db, clock, vault, session.partner, session.person, code=code)
        if right:
            secret = await _stepped_up(db, clock, session, token, AMR_CODE)
            await attempts.forgive(db, tried)
            return secret
        place = rules.place_of(token)
        assert place is not None, "a session was found under this token"
        await store.note_failed_code(db, *place, most=rules.CODES_FAILED_MAX)
    raise LoginRefused


async def prove_passkey(
    pool: Pool, clock: Clock, party: RelyingParty, attempt: PasskeyAttempt
) -> str:
    """A passkey is proven: the secret of a full session.

    After a password it is the second factor; alone it is both, because the device has verified the
    person. Guessing is hopeless, so no attempt is counted and a locked login can still get in.
    Raises PasskeyRefused for every doubt alike, SessionEnded.
    """
    answer = read_answer(attempt.answer)
    async with transaction(pool) as db:
        session = await session_of(db, clock, attempt.browser, realm=attempt.realm)
        asked = await take_challenge(db, clock, answer, Ceremony.SIGN_IN, browser=attempt.browser)
    if asked.realm is not attempt.realm:
        raise PasskeyRefused
    async with transaction(pool) as db:
        passkey = await passkey_for(db, answer, asked)
    if attempt.partner not in (None, passkey.partner):
        raise PasskeyRefused
    second = asked.person != ""
    proof = proof_of(answer, party, asked.value, passkey, verified=not second)
    secret = ""
    async with transaction(pool) as db:
        if await counted(db, clock, passkey, proof):
            if second:
                secret = await _second(db, clock, session, attempt.browser, passkey)
            else:
                secret = await _alone(db, clock, passkey, attempt)
    if not secret:
        raise PasskeyRefused
    return secret


async def open_session(db: Connection, clock: Clock, person: Proven, visitor: Visitor) -> str:
    """The secret of a full session for who has just proven password and code (enrolment)."""
    begun = _begun(clock, person, visitor)
    return await _store(db, replace(begun, level=SessionLevel.FULL, amr=AMR_CODE))


async def _store(db: Connection, session: Session) -> str:
    """The session is stored under a new secret; that secret."""
    token = rules.new_token(session.partner)
    place = rules.place_of(token)
    assert place is not None, "a token of ours has the form of one"
    await store.insert(db, session, place[1])
    return token


async def _second(
    db: Connection, clock: Clock, session: Session | None, token: str, passkey: Passkey
) -> str:
    """The passkey is the second factor of this session, of the same person. Or SessionEnded."""
    same = session is not None and session.person == passkey.person
    if session is None or not same or session.partner != passkey.partner:
        raise SessionEnded
    return await _stepped_up(db, clock, session, token, AMR_PASSWORD_PASSKEY)


async def _alone(db: Connection, clock: Clock, passkey: Passkey, attempt: PasskeyAttempt) -> str:
    """A full session for the person whose device verified it. Or PasskeyRefused: blocked, or of
    another realm.
    """
    login = await login_of(db, passkey.partner, passkey.person, realm=attempt.realm, locked=True)
    if login is None:
        raise PasskeyRefused
    # Whoever was logged in at this browser is not any more: it gets one cookie.
    await log_out(db, attempt.browser)
    person = Proven(attempt.realm, passkey.partner, passkey.person, login)
    begun = _begun(clock, person, attempt.visitor)
    return await _store(db, replace(begun, level=SessionLevel.FULL, amr=AMR_PASSKEY))


async def _stepped_up(
    db: Connection, clock: Clock, session: Session, token: str, amr: tuple[str, ...]
) -> str:
    """The session with both factors proven just now, under a new secret. Or SessionEnded."""
    login = await login_of(db, session.partner, session.person, realm=session.realm, locked=True)
    if login is None or not await log_out(db, token):
        raise SessionEnded
    now = clock.now()
    proven = replace(
        session,
        level=SessionLevel.FULL,
        amr=amr,
        started_at=session.started_at if session.is_full else now,
        authenticated_at=now,
        seen_at=now,
        codes_failed=0,
    )
    return await _store(db, proven)


async def _space_of(db: Connection, attempt: LoginAttempt) -> str:
    """The one space that has this login; "" (which has no person) when none or several."""
    spaces = await spaces_of_login(db, attempt.login, realm=attempt.realm)
    return spaces[0] if len(spaces) == 1 else ""


def _begun(clock: Clock, person: Proven, visitor: Visitor) -> Session:
    now = clock.now()
    return Session(
        partner=person.partner,
        id=SessionId(new_id("session", clock)),
        person=person.id,
        login=person.login,
        level=SessionLevel.PASSWORD,
        amr=AMR_PASSWORD,
        device=rules.printable(visitor.device),
        source=visitor.source,
        started_at=now,
        authenticated_at=now,
        seen_at=now,
        realm=person.realm,
    )
