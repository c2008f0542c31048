"""Credentials: passwords prove a person, and an unknown login costs as much as a known one."""

import time
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankside.identity.credentials import (
    Credential,
    LoginInvalid,
    LoginTaken,
    PasswordInvalid,
    set_password,
    verify_password,
)
from bankside.identity.credentials.rules import checked_login, checked_password
from bankside.identity.credentials.service import HASHER, NOBODY
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection

PASSWORD = "correct horse battery"


async def known(db: Connection, clock: FixedClock) -> None:
    await set_password(db, clock, Credential("prt_a", "cus_1", "lin.xiaoyu"), password=PASSWORD)


async def test_login_and_password_prove_the_customer(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)

    proved = await verify_password(db, "prt_a", login=" Lin.Xiaoyu", password=PASSWORD)

    assert proved == "cus_1"


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("lin.xiaoyu", "correct horse batteri"),
        ("lin.xiaoyu", ""),
        ("lin.xiaoyu", PASSWORD + "x" * 5_000_000),
        ("lin.xiaoyu", "\ud800"),
        ("lin.xiaoyu\0", PASSWORD),
        ("nobody.here", PASSWORD),
        ("", ""),
    ],
)
async def test_a_wrong_pair_proves_nobody(
    db: Connection, clock: FixedClock, login: str, password: str
) -> None:
    await known(db, clock)

    assert await verify_password(db, "prt_a", login=login, password=password) is None


async def test_a_login_means_nothing_in_another_data_space(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)

    assert await verify_password(db, "prt_b", login="lin.xiaoyu", password=PASSWORD) is None


async def test_a_new_password_replaces_the_old_one(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)
    await set_password(
        db, clock, Credential("prt_a", "cus_1", "lin.xiaoyu"), password="another one 1"
    )

    assert await verify_password(db, "prt_a", login="lin.xiaoyu", password=PASSWORD) is None
    assert (
        await verify_password(db, "prt_a", login="lin.xiaoyu", password="another one 1") == "cus_1"
    )


async def test_two_customers_never_share_a_login(db: Connection, clock: FixedClock) -> None:
    await known(db, clock)

    with pytest.raises(LoginTaken):
        async with db.transaction():
            await set_password(
                db, clock, Credential("prt_a", "cus_2", "lin.xiaoyu"), password=PASSWORD
            )

    await set_password(db, clock, Credential("prt_b", "cus_2", "lin.xiaoyu"), password=PASSWORD)


async def test_the_password_stands_only_as_an_argon2id_hash(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)

    stored = await db.fetchval(
        "select password_hash from identity.credentials where partner_id = 'prt_a'"
    )

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in stored


async def test_an_unknown_login_takes_the_time_of_a_known_one(
    db: Connection, clock: FixedClock
) -> None:
    await known(db, clock)
    assert not HASHER.check_needs_rehash(NOBODY)

    spent = {}
    for login in ("lin.xiaoyu", "nobody.here") * 3:
        started = time.perf_counter()
        await verify_password(db, "prt_a", login=login, password="wrong password")
        spent[login] = min(spent.get(login, 9.0), time.perf_counter() - started)

    # The hash takes some 100 ms and the look-up 1 ms: a missing hash would show as a factor of 50.
    assert spent["nobody.here"] > spent["lin.xiaoyu"] / 4


@pytest.mark.parametrize("login", ["", "ab", "a" * 65, "a b c", "Ünlü", "-abc", "a\0bc"])
def test_a_login_of_a_strange_form_is_refused(login: str) -> None:
    with pytest.raises(LoginInvalid):
        checked_login(login)


@pytest.mark.parametrize(
    "password", ["short12", "x" * 129, "lin.xiaoyu", "LIN.XIAOYU", "abcdefgh\0", "abcdefgh\ud800"]
)
def test_a_password_that_is_short_long_or_the_login_is_refused(password: str) -> None:
    with pytest.raises(PasswordInvalid):
        checked_password(password, login="lin.xiaoyu")


@settings(max_examples=200)
@given(st.text(max_size=140))
def test_any_text_is_a_password_or_refused_as_one(text: str) -> None:
    with suppress(PasswordInvalid):
        checked_password(text, login="lin.xiaoyu").encode()
