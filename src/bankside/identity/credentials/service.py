"""Use cases of the credentials slice.

Argon2id with the parameters of RFC 9106 section 4, second recommended option (64 MiB, 3 passes, 4
lanes). It runs in a thread because it holds a core for about 0.1 s by design.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from asyncpg import UniqueViolationError

from bankside.identity.credentials import rules, store
from bankside.identity.credentials.errors import LoginTaken
from bankside.identity.credentials.model import Credential
from bankside.identity.realms import Realm
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference

HASHER = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=4)
# A hash takes 64 MiB: a burst of logins queues here instead of taking the machine's memory.
_HASHING = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
# The hash of a password nobody knows, made with the parameters above: an unknown login costs the
# same work as a known one.
NOBODY = (
    "$argon2id$v=19$m=65536,t=3,p=4$9oW6cmhN0+XBiQkt3eltdA"
    "$U7lEVmJlY+1GVsopeBLasKS0WpNnKEVlsU3SfwZAMZU"
)


async def set_password(
    db: Connection, clock: Clock, credential: Credential, *, password: str
) -> None:
    """The person logs in with this login and password from now on.

    The caller has made sure that the person exists. Raises LoginInvalid, PasswordInvalid and
    LoginTaken (which leaves the caller's transaction to be rolled back, like every refusal).
    """
    given = replace(credential, login=rules.checked_login(credential.login))
    password = rules.checked_password(password, login=given.login)
    hashed = await asyncio.get_running_loop().run_in_executor(_HASHING, HASHER.hash, password)
    try:
        await store.put(db, given, password_hash=hashed, at=clock.now())
    except UniqueViolationError as taken:
        raise LoginTaken from taken


async def verify_password(
    db: Connection, partner: str, *, login: str, password: str, realm: Realm = Realm.CUSTOMER
) -> str | None:
    """The person whom login and password prove; None for a wrong or unknown pair alike."""
    known = rules.login_or_none(login)
    found = await store.hash_of(db, partner, realm, known) if known else None
    person, hashed = found or ("", NOBODY)
    loop = asyncio.get_running_loop()
    proved = await loop.run_in_executor(_HASHING, _matches, hashed, password)
    return person if found and proved else None


async def login_of(
    db: Connection,
    partner: str,
    person: str,
    *,
    realm: Realm = Realm.CUSTOMER,
    locked: bool = False,
) -> str | None:
    """The login of a person of the realm; None without one there or when blocked.

    ``locked``: a block under way is waited for, and the next one waits for this transaction.
    """
    if not is_reference(person):
        return None
    return await store.login_of(db, partner, person, realm, locked=locked)


async def person_of_login(
    db: Connection, partner: str, login: str, *, realm: Realm = Realm.CUSTOMER
) -> str | None:
    """Whose login it is in this space; None for an unknown or blocked one."""
    known = rules.login_or_none(login)
    found = await store.hash_of(db, partner, realm, known) if known else None
    return found[0] if found else None


async def spaces_of_login(
    db: Connection, login: str, *, realm: Realm = Realm.CUSTOMER
) -> list[str]:
    """The spaces that know this login, two at most: more than one is not enough to tell."""
    known = rules.login_or_none(login)
    return await store.spaces_of(db, realm, known, 2) if known else []


async def block_login(db: Connection, clock: Clock, partner: str, person: str) -> None:
    """The person logs in no more, by whatever factor; blocking twice changes nothing."""
    await store.set_blocked(db, partner, person, clock.now())


async def unblock_login(db: Connection, partner: str, person: str) -> None:
    """The person may log in again."""
    await store.set_blocked(db, partner, person, None)


def _matches(hashed: str, password: str) -> bool:
    offered = rules.normalised(password[: rules.PASSWORD_LENGTH_MAX + 1])
    try:
        return HASHER.verify(hashed, offered.encode("utf-8", "replace"))
    except VerifyMismatchError:
        return False
