"""Second factors: codes of RFC 6238, each taken once, secrets only sealed."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.identity.factors import (
    SecretInvalid,
    has_totp,
    new_totp_secret,
    set_totp,
    take_totp,
)
from bankside.identity.factors.rules import STEP_SECONDS, step_at, step_of
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.secrets import Vault

VAULT = Vault(bytes(range(32)))
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


async def known(db: Connection, clock: FixedClock, partner: str = "prt_a") -> None:
    await set_totp(db, clock, VAULT, partner, "cus_1", secret=SECRET)


def code_at(clock: FixedClock, seconds: int = 0) -> str:
    return pyotp.TOTP(SECRET).at(clock.now() + timedelta(seconds=seconds))


async def taken(db: Connection, clock: FixedClock, code: str, partner: str = "prt_a") -> bool:
    return await take_totp(db, clock, VAULT, partner, "cus_1", code=code)


async def test_the_present_code_proves_and_never_again(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)

    assert await taken(db, clock, code_at(clock))
    assert not await taken(db, clock, code_at(clock))


async def test_a_phone_may_be_one_step_off_and_no_more(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)

    assert not await taken(db, clock, code_at(clock, -2 * STEP_SECONDS))
    assert not await taken(db, clock, code_at(clock, 2 * STEP_SECONDS))
    assert await taken(db, clock, code_at(clock, -STEP_SECONDS))
    assert await taken(db, clock, code_at(clock, STEP_SECONDS))
    # After a code, the ones before it are spent too.
    assert not await taken(db, clock, code_at(clock))


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "000000\0", "-12345"])
async def test_other_text_proves_nothing(db: Connection, clock: FixedClock, code: str) -> None:
    await known(db, clock)

    assert not await taken(db, clock, code)


async def test_a_code_is_read_with_the_space_an_app_shows(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)
    code = code_at(clock)

    assert await taken(db, clock, f" {code[:3]} {code[3:]} ")


async def test_of_twenty_uses_of_one_code_one_proves(pool: Pool, clock: FixedClock) -> None:
    async with transaction(pool) as db:
        await known(db, clock, "prt_totp_race")

    async def use() -> bool:
        async with transaction(pool) as db:
            return await taken(db, clock, code_at(clock), "prt_totp_race")

    assert sum(await asyncio.gather(*(use() for _ in range(20)))) == 1


async def test_a_factor_means_nothing_in_another_data_space(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)

    assert not await taken(db, clock, code_at(clock), "prt_b")
    assert not await has_totp(db, "prt_b", "cus_1")


async def test_the_secret_stands_only_sealed(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)

    sealed = await db.fetchval("select sealed_secret from identity.totp_factors")

    assert SECRET.encode() not in sealed
    other = Vault(secrets.token_bytes(32))
    assert not await take_totp(db, clock, other, "prt_a", "cus_1", code=code_at(clock))


async def test_setting_the_same_secret_again_frees_no_spent_code(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)
    assert await taken(db, clock, code_at(clock))

    await known(db, clock)

    assert not await taken(db, clock, code_at(clock))


@pytest.mark.parametrize("secret", ["", "JBSWY3DP", "1" * 32, "é" * 32, "A" * 200])
async def test_a_weak_or_malformed_secret_is_refused(
    db: Connection, clock: FixedClock, secret: str
) -> None:
    with pytest.raises(SecretInvalid):
        await set_totp(db, clock, VAULT, "prt_a", "cus_1", secret=secret)


@given(st.integers(0, 10**9))
def test_the_codes_are_those_of_the_standard(seconds: int) -> None:
    clock = FixedClock(datetime.fromtimestamp(seconds + 90, tz=UTC))
    secret = new_totp_secret()

    step = step_of(secret, pyotp.TOTP(secret).at(clock.now()), clock.now())

    assert step is not None
    assert abs(step - step_at(clock.now())) <= 1


def test_a_code_of_the_standards_own_table_is_known() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # RFC 6238 appendix B: "12345678901234567890"

    assert step_of(secret, "287082", datetime.fromtimestamp(59, tz=UTC)) == 1
