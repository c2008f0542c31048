"""Use cases of the factors slice."""

from bankside.identity.factors import rules, store
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference
from bankside.kernel.secrets import SealBroken, Vault


async def set_totp(
    db: Connection, clock: Clock, vault: Vault, partner: str, person: str, *, secret: str
) -> None:
    """The person's codes come from this secret from now on; the same secret changes nothing.

    The caller has made sure that the person exists. Raises SecretInvalid.
    """
    plain = rules.checked_secret(secret)
    if await _opened(db, vault, partner, person) == plain:
        return
    sealed = vault.seal(plain.encode(), purpose=_purpose(partner, person))
    await store.put_totp(db, partner, person, sealed, last_step=0, at=clock.now())


async def has_totp(db: Connection, partner: str, person: str) -> bool:
    """Whether the person has this factor."""
    return await store.sealed_totp(db, partner, person) is not None


async def take_totp(
    db: Connection, clock: Clock, vault: Vault, partner: str, person: str, *, code: str
) -> bool:
    """Whether the code proves the person; it is spent then. False for any doubt alike."""
    secret = await _opened(db, vault, partner, person)
    step = rules.step_of(secret, code, clock.now()) if secret else None
    return step is not None and await store.spend_step(db, partner, person, step)


async def _opened(db: Connection, vault: Vault, partner: str, person: str) -> str | None:
    """The person's secret; None without one, or when another installation sealed it."""
    sealed = await store.sealed_totp(db, partner, person) if is_reference(person) else None
    if sealed is None:
        return None
    try:
        return vault.open(sealed, purpose=_purpose(partner, person)).decode()
    except SealBroken:
        return None


def _purpose(partner: str, person: str) -> str:
    return f"totp:{partner}:{person}"
