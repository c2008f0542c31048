"""Sessions: two factors, limits in time, five attempts, a new secret at each step."""

import asyncio
import itertools
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyotp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.identity.builders import PASSWORD, put_login

from bankside.identity.factors import set_totp
from bankside.identity.sessions import (
    FactorMissing,
    LoginAttempt,
    LoginLocked,
    LoginRefused,
    SessionEnded,
    SessionUnknown,
    Visitor,
    device_name,
    end_other_sessions,
    end_session,
    forget_old,
    is_fresh,
    log_out,
    prove_code,
    prove_password,
    session_of,
    sessions_of,
    source_of,
)
from bankside.identity.sessions.rules import (
    ABSOLUTE_TTL,
    ATTEMPTS_MAX,
    ATTEMPTS_WINDOW,
    CODES_FAILED_MAX,
    FRESH_TTL,
    IDLE_TTL,
    SECOND_FACTOR_TTL,
    place_of,
    wait_after,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.secrets import Vault

VAULT = Vault(bytes(range(32)))
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
_numbers = itertools.count(1)


@dataclass
class Door:
    """One customer of a data space of its own, at a source of its own."""

    pool: Pool
    clock: FixedClock
    number: int

    @property
    def partner(self) -> str:
        return f"prt_door{self.number}"

    @property
    def login(self) -> str:
        return f"customer.{self.number}"

    @property
    def visitor(self) -> Visitor:
        return Visitor(f"source-{self.number}", "Testbrowser/1.0")

    async def password(self, password: str = PASSWORD, **change: Any) -> str:
        attempt = {"partner": self.partner, "login": self.login, "visitor": self.visitor}
        return await prove_password(
            self.pool, self.clock, LoginAttempt(**{**attempt, "password": password} | change)
        )

    async def code(self, token: str, code: str | None = None) -> str:
        shown = pyotp.TOTP(SECRET).at(self.clock.now())
        return await prove_code(
            self.pool,
            self.clock,
            VAULT,
            token,
            code=shown if code is None else code,
            visitor=self.visitor,
        )

    async def full(self) -> str:
        """A full session; half a minute passes, so that the next code is a new one."""
        token = await self.code(await self.password())
        self.clock.advance(timedelta(seconds=30))
        return token

    async def session(self, token: str) -> Any:
        async with transaction(self.pool) as db:
            return await session_of(db, self.clock, token)


@pytest.fixture
async def door(pool: Pool, clock: FixedClock) -> Door:
    made = Door(pool, clock, next(_numbers))
    async with transaction(pool) as db:
        await put_login(db, clock, made.partner, "cus_1", made.login)
        await set_totp(db, clock, VAULT, made.partner, "cus_1", secret=SECRET)
    return made


async def test_both_factors_make_a_session_and_each_step_a_new_secret(door: Door) -> None:
    half = await door.password()
    session = await door.session(half)
    assert not session.is_full
    assert session.amr == ("pwd",)

    whole = await door.code(half)

    session = await door.session(whole)
    assert session.is_full
    assert session.amr == ("pwd", "otp", "mfa")
    assert session.customer == "cus_1"
    assert await door.session(half) is None


async def test_only_the_hash_of_the_secret_is_stored(door: Door) -> None:
    token = await door.full()

    rows = await door.pool.fetch("select s::text as row from identity.sessions s")

    assert not any(token.partition(".")[2] in row["row"] for row in rows)


async def test_the_password_alone_opens_a_door_for_five_minutes(door: Door) -> None:
    half = await door.password()
    door.clock.advance(SECOND_FACTOR_TTL)

    assert await door.session(half) is None
    with pytest.raises(SessionEnded):
        await door.code(half)


async def test_a_session_that_idles_or_lasts_too_long_has_ended(door: Door) -> None:
    idle, used = await door.full(), await door.full()
    door.clock.advance(IDLE_TTL - timedelta(seconds=61))
    assert await door.session(used) is not None
    door.clock.advance(timedelta(seconds=62))
    assert await door.session(idle) is None

    steps = 0
    while await door.session(used) is not None:
        door.clock.advance(timedelta(minutes=10))
        steps += 1

    assert steps * timedelta(minutes=10) <= ABSOLUTE_TTL
    assert steps > 40


async def test_a_used_code_is_refused_and_the_next_one_taken(door: Door) -> None:
    await door.code(await door.password())
    half = await door.password()

    with pytest.raises(LoginRefused):
        await door.code(half)

    door.clock.advance(timedelta(seconds=30))
    assert await door.session(await door.code(half)) is not None


async def test_five_failures_lock_the_login_for_everybody(door: Door) -> None:
    for number in range(ATTEMPTS_MAX):
        with pytest.raises(LoginRefused):
            await door.password("wrong password", visitor=Visitor(f"{door.login}/{number}", ""))

    with pytest.raises(LoginLocked) as locked:
        await door.password(visitor=Visitor(f"{door.login}/other", ""))

    assert locked.value.retry_after == int(ATTEMPTS_WINDOW.total_seconds()) + 1
    door.clock.advance(ATTEMPTS_WINDOW)
    assert await door.password()


async def test_an_unknown_login_is_locked_just_as_a_known_one(door: Door) -> None:
    answers = {}
    for login in (door.login, f"nobody.{door.number}"):
        told = []
        for number in range(ATTEMPTS_MAX + 1):
            visitor = Visitor(f"{login}/{number}", "")
            with pytest.raises((LoginRefused, LoginLocked)) as refused:
                await door.password("wrong password", login=login, visitor=visitor)
            told.append((refused.value.code, refused.value.detail, refused.value.retry_after))
        answers[login] = told

    known, unknown = answers.values()
    assert known == unknown


async def test_five_failures_lock_the_source_for_every_login(door: Door) -> None:
    for number in range(ATTEMPTS_MAX):
        with pytest.raises(LoginRefused):
            await door.password("wrong password", login=f"guess.{number}.{door.number}")

    with pytest.raises(LoginLocked):
        await door.password()
    assert await door.password(visitor=Visitor(f"{door.login}/home", ""))


async def test_a_known_password_buys_no_more_guesses_at_the_code(door: Door) -> None:
    refused = 0
    with pytest.raises(LoginLocked):
        for _ in range(ATTEMPTS_MAX + 1):
            half = await door.password()
            with pytest.raises(LoginRefused):
                await door.code(half, "000000")
            refused += 1

    assert refused == ATTEMPTS_MAX


async def test_a_login_that_succeeds_forgives_its_failures(door: Door) -> None:
    for _ in range(ATTEMPTS_MAX - 1):
        with pytest.raises(LoginRefused):
            await door.password("wrong password")

    await door.full()

    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(LoginRefused):
            await door.password("wrong password")


async def test_of_twelve_guesses_at_once_five_are_made(door: Door) -> None:
    async def guess() -> str:
        with pytest.raises((LoginRefused, LoginLocked)) as refused:
            await door.password("wrong password")
        return refused.value.code

    codes = await asyncio.gather(*(guess() for _ in range(12)))

    assert codes.count("session.login_refused") == ATTEMPTS_MAX


async def test_of_ten_uses_of_one_code_at_once_one_opens_a_session(door: Door) -> None:
    half = await door.password()

    async def use() -> bool:
        try:
            await door.code(half)
        except (LoginRefused, LoginLocked, SessionEnded):
            return False
        return True

    assert sum(await asyncio.gather(*(use() for _ in range(10)))) == 1


async def test_a_payment_finds_an_old_proof_not_fresh_and_a_new_code_makes_it_so(
    door: Door,
) -> None:
    token = await door.full()
    before = await door.session(token)
    assert is_fresh(before, before.authenticated_at + FRESH_TTL - timedelta(seconds=1))
    door.clock.advance(FRESH_TTL)
    assert not is_fresh(await door.session(token), door.clock.now())

    again = await door.code(token)

    proven = await door.session(again)
    assert is_fresh(proven, door.clock.now())
    assert proven.started_at == before.started_at
    assert await door.session(token) is None


async def test_a_customer_without_a_second_factor_does_not_get_in(door: Door) -> None:
    async with transaction(door.pool) as db:
        await put_login(db, door.clock, door.partner, "cus_2", f"plain.{door.number}")

    with pytest.raises(FactorMissing):
        await door.password(login=f"plain.{door.number}")


async def test_the_data_space_is_found_by_a_login_that_only_one_has(door: Door) -> None:
    session = await door.session(await door.password(partner=None))
    assert session.partner == door.partner

    async with transaction(door.pool) as db:
        await put_login(db, door.clock, f"{door.partner}x", "cus_9", door.login)
    with pytest.raises(LoginRefused):
        await door.password(partner=None)


async def test_devices_are_listed_and_ended_by_their_customer_alone(door: Door) -> None:
    here, there = await door.full(), await door.full()
    async with transaction(door.pool) as db:
        listed = await sessions_of(db, door.clock, door.partner, "cus_1")
        assert {each.device for each in listed} == {"Testbrowser/1.0"}
        other = (await session_of(db, door.clock, there)).id  # type: ignore[union-attr]
        assert {other} < {each.id for each in listed}
        for partner, customer in ((door.partner, "cus_2"), ("prt_else", "cus_1")):
            with pytest.raises(SessionUnknown):
                await end_session(db, partner, customer, other)
        await end_session(db, door.partner, "cus_1", other)

    assert await door.session(there) is None
    assert await door.session(here) is not None


async def test_all_other_sessions_end_at_once_and_nobody_elses(door: Door) -> None:
    here, there = await door.full(), await door.full()
    async with transaction(door.pool) as db:
        kept = (await session_of(db, door.clock, here)).id  # type: ignore[union-attr]
        assert await end_other_sessions(db, door.partner, "cus_2", kept=kept) == 0
        assert await end_other_sessions(db, door.partner, "cus_1", kept=kept) == 1

    assert await door.session(here) is not None
    assert await door.session(there) is None


async def test_five_wrong_codes_end_the_session_however_slowly_they_come(door: Door) -> None:
    token = await door.full()
    for _ in range(CODES_FAILED_MAX):
        assert await door.session(token) is not None
        with pytest.raises(LoginRefused):
            await door.code(token, "000000")
        # Slow enough that the login is never locked.
        door.clock.advance(timedelta(minutes=4))

    assert await door.session(token) is None
    with pytest.raises(SessionEnded):
        await door.code(token)


async def test_a_right_code_forgives_the_wrong_ones_of_its_session(door: Door) -> None:
    token = await door.full()
    for _ in range(2):
        for _ in range(CODES_FAILED_MAX - 1):
            with pytest.raises(LoginRefused):
                await door.code(token, "000000")
        token = await door.code(token)
        door.clock.advance(timedelta(seconds=30))

    assert await door.session(token) is not None


@pytest.mark.parametrize(
    ("user_agent", "name"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0) AppleWebKit Chrome/140 Safari/537 Edg/140",
            "Edge · Windows",
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15) Version/17 Safari/605", "Safari · macOS"),
        ("Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile Safari", "Chrome · Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) FxiOS/140", "Firefox · iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) MicroMessenger/8.0", "WeChat · Android"),
        ("Mozilla/5.0 (Phone; OpenHarmony 5.0) HarmonyOS", "HarmonyOS"),
        ("curl/8.0", "curl"),
        ("\u202e<script>", ""),
        ("", ""),
    ],
)
def test_a_device_is_called_what_people_call_it(user_agent: str, name: str) -> None:
    assert device_name(user_agent) == name


@pytest.mark.parametrize(
    ("host", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("testclient", "testclient"),
        ("", ""),
    ],
)
def test_a_source_is_an_address_or_the_network_a_household_has(host: str, source: str) -> None:
    assert source_of(host) == source


async def test_after_logging_out_the_secret_is_worth_nothing(door: Door) -> None:
    token = await door.full()

    async with transaction(door.pool) as db:
        await log_out(db, token)
        await log_out(db, token)
        await log_out(db, "no token at all")

    assert await door.session(token) is None


async def test_what_no_longer_counts_is_forgotten(door: Door) -> None:
    await door.full()
    with pytest.raises(LoginRefused):
        await door.password("wrong password")
    door.clock.advance(ABSOLUTE_TTL)

    async with transaction(door.pool) as db:
        assert await forget_old(db, door.clock) >= 2
        left = await db.fetchval(
            "select count(*) from identity.sessions where partner_id = $1", door.partner
        )

    assert left == 0


@pytest.mark.parametrize("token", ["", ".", "prt_a.", "prt_a.short", "a" * 5000, "prt_a.\0" * 9])
async def test_other_text_is_no_session(door: Door, token: str) -> None:
    assert await door.session(token) is None
    assert place_of(token) is None


def test_an_attempt_tells_no_password() -> None:
    attempt = LoginAttempt(
        partner=None, login="a", password=PASSWORD, visitor=Visitor("source", "device")
    )

    assert PASSWORD not in repr(attempt)


@given(st.lists(st.integers(0, 3600), max_size=12))
def test_never_more_than_five_attempts_in_any_quarter_of_an_hour(
    seconds: list[int],
) -> None:
    start = datetime(2026, 3, 2, tzinfo=UTC)
    made: list[datetime] = []
    for second in sorted(seconds):
        at = start + timedelta(seconds=second)
        if wait_after(made[::-1], at) is None:
            made.append(at)

    for first, sixth in zip(made, made[ATTEMPTS_MAX:], strict=False):
        assert sixth - first >= ATTEMPTS_WINDOW
