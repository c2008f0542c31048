"""Use cases of the credentials slice.

Argon2id with the parameters of RFC 9106 section 4, second recommended option (64 MiB, 3 passes, 4
lanes). It runs in a thread because it holds a core for about 0.1 s by design.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from asyncpg import UniqueViolationError

from bankside.identity.credentials import rules, store
from bankside.identity.credentials.errors import LoginTaken
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import CustomerId, is_reference

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
    db: Connection, clock: Clock, partner: str, customer: str, *, login: str, password: str
) -> None:
    """The customer logs in with ``login`` and ``password`` from now on.

    The caller has made sure that the customer exists. Raises LoginInvalid, PasswordInvalid and
    LoginTaken (which leaves the caller's transaction to be rolled back, like every refusal).
    """
    login = rules.checked_login(login)
    password = rules.checked_password(password, login=login)
    hashed = await asyncio.get_running_loop().run_in_executor(_HASHING, HASHER.hash, password)
    try:
        await store.put(db, partner, customer, login, password_hash=hashed, at=clock.now())
    except UniqueViolationError as taken:
        raise LoginTaken from taken


async def verify_password(
    db: Connection, partner: str, *, login: str, password: str
) -> CustomerId | None:
    """The customer whom login and password prove; None for a wrong or unknown pair alike."""
    known = rules.login_or_none(login)
    found = await store.hash_of(db, partner, known) if known else None
    customer, hashed = found or ("", NOBODY)
    loop = asyncio.get_running_loop()
    proved = await loop.run_in_executor(_HASHING, _matches, hashed, password)
    return CustomerId(customer) if found and proved else None


async def login_of(db: Connection, partner: str, customer: str) -> str | None:
    """The login of a customer, or None."""
    return await store.login_of(db, partner, customer) if is_reference(customer) else None


async def spaces_of_login(db: Connection, login: str) -> list[str]:
    """The data spaces that know this login, two at most: more than one is not enough to tell."""
    known = rules.login_or_none(login)
    return await store.spaces_of(db, known, 2) if known else []


def _matches(hashed: str, password: str) -> bool:
    offered = rules.normalised(password[: rules.PASSWORD_LENGTH_MAX + 1])
    try:
        return HASHER.verify(hashed, offered.encode("utf-8", "replace"))
    except VerifyMismatchError:
        return False
