"""Passkeys: one challenge, one browser, one origin, one use; a copy opens nothing."""

import asyncio
import copy
import itertools
import json
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.identity.builders import PASSWORD, put_login
from tests.identity.soft_authenticator import SoftAuthenticator, b64

from bankside.identity.credentials import block_login
from bankside.identity.passkeys import (
    Holder,
    Offer,
    Passkey,
    PasskeyInvalid,
    PasskeyKnown,
    PasskeyNameInvalid,
    PasskeyRefused,
    PasskeysFull,
    PasskeyUnknown,
    RelyingParty,
    forget_challenges,
    has_passkey,
    passkeys_of,
    read_answer,
    register,
    registration_options,
    remove_passkey,
    sign_in_options,
)
from bankside.identity.passkeys.rules import CHALLENGE_TTL, PASSKEYS_MAX
from bankside.identity.realms import Realm
from bankside.identity.sessions import (
    LoginAttempt,
    LoginLocked,
    LoginRefused,
    PasskeyAttempt,
    SessionEnded,
    Visitor,
    prove_passkey,
    prove_password,
    session_of,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction

PARTY = RelyingParty("bank.example", "https://bank.example")
_numbers = itertools.count(1)


@dataclass
class Door:
    """One person of a space of its own, with a passkey device and a browser."""

    pool: Pool
    clock: FixedClock
    number: int
    browser: str = ".browser"
    realm: Realm = Realm.CUSTOMER
    device: SoftAuthenticator = field(default_factory=SoftAuthenticator)

    @property
    def holder(self) -> Holder:
        return Holder(self.realm, f"prt_pass{self.number}", "cus_1", f"passkey.{self.number}")

    async def options(self, browser: str | None = None) -> str:
        async with transaction(self.pool) as db:
            return await registration_options(
                db, self.clock, PARTY, self.holder, browser=browser or self.browser
            )

    async def offer(self, answer: str, name: str = "Phone", **change: Any) -> Passkey:
        holder = change.pop("holder", self.holder)
        offer = Offer(answer=answer, name=name, browser=change.pop("browser", self.browser))
        async with transaction(self.pool) as db:
            return await register(db, self.clock, PARTY, holder, offer)

    async def registered(self) -> Passkey:
        return await self.offer(self.device.create(await self.options()))

    async def asked(self, holder: Holder | Realm | None = None, browser: str = "") -> str:
        async with transaction(self.pool) as db:
            return await sign_in_options(
                db, self.clock, PARTY, holder or self.realm, browser=browser or self.browser
            )

    async def prove(self, answer: str, **change: Any) -> str:
        visitor = Visitor(f"pass-{self.number}", "Testbrowser/1.0")
        attempt = {"browser": self.browser, "visitor": visitor, "realm": self.realm}
        return await prove_passkey(
            self.pool, self.clock, PARTY, PasskeyAttempt(answer=answer, **attempt | change)
        )

    async def password(self) -> str:
        attempt = LoginAttempt(
            partner=self.holder.partner,
            login=self.holder.login,
            password=PASSWORD,
            visitor=Visitor(f"pass-{self.number}", ""),
        )
        return await prove_password(self.pool, self.clock, attempt)

    async def session(self, token: str, realm: Realm = Realm.CUSTOMER) -> Any:
        async with transaction(self.pool) as db:
            return await session_of(db, self.clock, token, realm=realm)

    async def passkeys(self) -> Any:
        async with transaction(self.pool) as db:
            return await passkeys_of(db, self.holder.partner, self.holder.person)


async def a_door(pool: Pool, clock: FixedClock) -> Door:
    made = Door(pool, clock, next(_numbers))
    async with transaction(pool) as db:
        holder = made.holder
        await put_login(db, clock, holder.partner, holder.person, holder.login)
    return made


@pytest.fixture
async def door(pool: Pool, clock: FixedClock) -> Door:
    return await a_door(pool, clock)


async def test_a_passkey_alone_is_both_factors(door: Door) -> None:
    await door.registered()

    token = await door.prove(door.device.get(await door.asked()))

    session = await door.session(token)
    assert session.is_full
    assert session.amr == ("pop", "user", "mfa")
    assert session.person == "cus_1"
    (passkey,) = await door.passkeys()
    assert (passkey.sign_count, passkey.used_at) == (1, door.clock.now())


async def test_after_a_password_it_is_the_second_factor_and_the_secret_changes(door: Door) -> None:
    await door.registered()
    half = await door.password()
    asked = await door.asked(door.holder, browser=half)
    assert len(json.loads(asked)["allowCredentials"]) == 1

    token = await door.prove(door.device.get(asked, verifies=False), browser=half)

    session = await door.session(token)
    assert session.is_full
    assert session.amr == ("pwd", "pop", "mfa")
    assert await door.session(half) is None


async def test_a_step_up_keeps_the_session_and_rotates_its_secret(door: Door) -> None:
    await door.registered()
    token = await door.prove(door.device.get(await door.asked()))
    before = await door.session(token)
    door.clock.advance(timedelta(minutes=6))

    again = await door.prove(
        door.device.get(await door.asked(door.holder, browser=token)), browser=token
    )

    after = await door.session(again)
    assert (after.id, after.started_at) == (before.id, before.started_at)
    assert after.authenticated_at == door.clock.now()
    assert await door.session(token) is None


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://bank.example.evil.test"},
        {"origin": "http://bank.example"},
        {"rp_id": "evil.test"},
        {"type": "webauthn.create"},
        {"verifies": False},
        {"challenge": b64(b"pc0" + b"A" * 43)},
        {"challenge": b64(b"\xff\xfe")},
        {"handle": b""},
        {"handle": b"prt_else/cus_1"},
        {"handle": b"prt_\x00/cus_1"},
    ],
)
async def test_an_answer_that_differs_in_one_point_proves_nobody(
    door: Door, change: dict[str, Any]
) -> None:
    await door.registered()

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked(), **change))

    assert await door.prove(door.device.get(await door.asked()))


async def test_a_signature_of_another_key_proves_nobody(door: Door) -> None:
    await door.registered()
    stranger = copy.copy(SoftAuthenticator())
    stranger.id, stranger.handle = door.device.id, door.device.handle

    with pytest.raises(PasskeyRefused):
        await door.prove(stranger.get(await door.asked()))

    (passkey,) = await door.passkeys()
    assert (passkey.sign_count, passkey.flagged_at) == (0, None)


async def test_an_answer_is_good_once(door: Door) -> None:
    await door.registered()
    answer = door.device.get(await door.asked())
    await door.prove(answer)

    with pytest.raises(PasskeyRefused):
        await door.prove(answer)


async def test_of_ten_uses_of_one_answer_at_once_one_logs_in(door: Door) -> None:
    await door.registered()
    answer = door.device.get(await door.asked())

    async def use() -> bool:
        try:
            await door.prove(answer)
        except PasskeyRefused:
            return False
        return True

    assert sum(await asyncio.gather(*(use() for _ in range(10)))) == 1


async def test_a_challenge_belongs_to_its_browser_its_minutes_and_its_ceremony(door: Door) -> None:
    await door.registered()

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()), browser=".other")
    late = await door.asked()
    door.clock.advance(CHALLENGE_TTL)
    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(late))
    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.options()))
    with pytest.raises(PasskeyInvalid):
        sign_in = json.loads(await door.asked()) | {"user": {"id": b64(door.holder.handle)}}
        await door.offer(SoftAuthenticator().create(json.dumps(sign_in)))


async def test_a_passkey_of_one_space_logs_in_to_no_other(door: Door) -> None:
    await door.registered()

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()), partner="prt_else")


async def test_a_customers_passkey_is_nothing_in_the_staff_realm(door: Door) -> None:
    await door.registered()

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()), realm=Realm.STAFF)
    staff = await door.asked(Realm.STAFF)
    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(staff), realm=Realm.STAFF)


async def test_one_persons_passkey_is_no_second_factor_of_another(
    door: Door, pool: Pool, clock: FixedClock
) -> None:
    other = await a_door(pool, clock)
    await door.registered()
    await other.registered()
    half = await door.password()
    asked = await door.asked(door.holder, browser=half)

    with pytest.raises(PasskeyRefused):
        await door.prove(other.device.get(asked), browser=half)
    with pytest.raises(SessionEnded):
        gone = await door.asked(door.holder)
        await door.prove(door.device.get(gone))


async def test_a_counter_that_goes_back_flags_the_passkey_for_good(door: Door) -> None:
    await door.registered()
    copied = copy.copy(door.device)
    for _ in range(3):
        await door.prove(door.device.get(await door.asked()))

    with pytest.raises(PasskeyRefused):
        await door.prove(copied.get(await door.asked()))

    (passkey,) = await door.passkeys()
    assert passkey.flagged_at == door.clock.now()
    async with transaction(door.pool) as db:
        assert not await has_passkey(db, door.holder.partner, door.holder.person)
    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()))


async def test_a_device_that_does_not_count_is_taken(door: Door) -> None:
    await door.registered()

    for _ in range(3):
        assert await door.prove(door.device.get(await door.asked(), step=0))


async def test_a_locked_login_still_opens_to_its_passkey(door: Door) -> None:
    await door.registered()
    for number in range(6):
        attempt = LoginAttempt(
            partner=door.holder.partner,
            login=door.holder.login,
            password="wrong password",
            visitor=Visitor(f"guess-{door.number}-{number}", ""),
        )
        with pytest.raises((LoginRefused, LoginLocked)):
            await prove_password(door.pool, door.clock, attempt)

    assert await door.prove(door.device.get(await door.asked()))


async def test_a_blocked_person_logs_in_by_no_passkey(door: Door) -> None:
    await door.registered()
    async with transaction(door.pool) as db:
        await block_login(db, door.clock, door.holder.partner, door.holder.person)

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()))


async def test_a_removed_passkey_opens_nothing_and_only_its_person_removes_it(door: Door) -> None:
    passkey = await door.registered()
    async with transaction(door.pool) as db:
        for partner, person in (("prt_else", "cus_1"), (door.holder.partner, "cus_2")):
            with pytest.raises(PasskeyUnknown):
                await remove_passkey(db, partner, person, passkey.id)
        await remove_passkey(db, door.holder.partner, door.holder.person, passkey.id)
        with pytest.raises(PasskeyUnknown):
            await remove_passkey(db, door.holder.partner, door.holder.person, passkey.id)

    with pytest.raises(PasskeyRefused):
        await door.prove(door.device.get(await door.asked()))


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "https://evil.test"},
        {"rp_id": "evil.test"},
        {"type": "webauthn.get"},
        {"verifies": False},
        {"fmt": "fido-u2f"},
        {"fmt": "tpm"},
        {"challenge": b64(b"pc0" + b"A" * 43)},
    ],
)
async def test_a_registration_that_differs_in_one_point_is_refused(
    door: Door, change: dict[str, Any]
) -> None:
    with pytest.raises(PasskeyInvalid):
        await door.offer(door.device.create(await door.options(), **change))

    assert not await door.passkeys()


async def test_a_registration_is_for_whom_it_was_asked(door: Door) -> None:
    answer = door.device.create(await door.options())
    other = Holder(Realm.CUSTOMER, door.holder.partner, "cus_2", "someone.else")

    with pytest.raises(PasskeyInvalid):
        await door.offer(answer, holder=other)
    with pytest.raises(PasskeyInvalid):
        await door.offer(door.device.create(await door.options()), browser=".other")


async def test_the_same_passkey_is_set_up_once_and_ten_are_enough(door: Door) -> None:
    await door.registered()
    with pytest.raises(PasskeyKnown):
        await door.registered()

    for _ in range(PASSKEYS_MAX - 1):
        await door.offer(SoftAuthenticator().create(await door.options()))

    with pytest.raises(PasskeysFull):
        await door.options()


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\0b", "a\u202eb"])
async def test_a_name_that_cannot_be_shown_is_refused(door: Door, name: str) -> None:
    with pytest.raises(PasskeyNameInvalid):
        await door.offer(door.device.create(await door.options()), name=name)


async def test_old_challenges_leave_and_live_ones_stay(door: Door) -> None:
    await door.registered()
    live = await door.asked()
    async with door.pool.acquire() as db:
        await forget_challenges(db, door.clock)
    assert await door.prove(door.device.get(live))

    door.clock.advance(timedelta(hours=4))
    async with door.pool.acquire() as db:
        assert await forget_challenges(db, door.clock) >= 1
        assert await forget_challenges(db, door.clock) == 0


@pytest.mark.parametrize(
    ("address", "party"),
    [
        ("https://bank.example", RelyingParty("bank.example", "https://bank.example")),
        ("https://bank.example:8443", RelyingParty("bank.example", "https://bank.example:8443")),
        ("http://127.0.0.1:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("http://localhost:8000", RelyingParty("localhost", "http://localhost:8000")),
        ("https://192.0.2.7", None),
    ],
)
def test_a_passkey_counts_at_a_name_never_at_a_number(
    address: str, party: RelyingParty | None
) -> None:
    assert RelyingParty.of(address) == party


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | _JSON.map(json.dumps))
@example("{}")
@example('{"id": 7, "response": {"clientDataJSON": 7}}')
@example('{"id": "AA", "response": {"clientDataJSON": "bnVsbA"}}')
@example("[" * 8000)
@example("x" * 9000)
def test_whatever_a_browser_sends_is_an_answer_or_refused(text: str) -> None:
    with pytest.raises(PasskeyRefused):
        read_answer(text)
