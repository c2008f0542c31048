"""Payers are sent back to addresses of the app alone: registered, whole segments, no tricks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.partners.builders import a_partner, an_app

from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection
from bankside.partners import (
    AppUnknown,
    Partner,
    PartnerApp,
    add_return_address,
    give_space,
    may_return_to,
    remove_return_address,
    return_addresses,
)
from bankside.partners.apps import (
    NewApp,
    ReturnAddressInvalid,
    ReturnAddressUnknown,
    create_app,
)
from bankside.partners.apps.returns import ADDRESSES_MAX, is_below

SHOP = "https://shop.example/pay"


async def registered(db: Connection, clock: FixedClock, *addresses: str) -> tuple[Partner, str]:
    partner = await a_partner(db, clock)
    app: PartnerApp = await an_app(db, clock, partner)
    for each in addresses:
        await add_return_address(db, clock, partner.id, app.id, each)
    return partner, app.id


@pytest.mark.parametrize(
    ("ours", "asked"),
    [
        (SHOP, SHOP),
        (SHOP, f"{SHOP}/"),
        (SHOP, f"{SHOP}/done?cart=7"),
        (SHOP, f"{SHOP}?cart=7"),
        (SHOP, "https://SHOP.example:443/pay/x"),
        ("https://shop.example", "https://shop.example/anything"),
        ("https://shop.example/", "https://shop.example"),
        ("http://127.0.0.1/back", "http://127.0.0.1:54321/back?cart=7"),
    ],
)
def test_the_address_itself_and_what_lies_below_it_is_the_apps_own(ours: str, asked: str) -> None:
    assert is_below(ours, asked)


@pytest.mark.parametrize(
    "asked",
    [
        "https://shop.example/payments",
        "https://shop.example/",
        "https://shop.example/PAY",
        "https://shop.example:8443/pay",
        "http://shop.example/pay",
        "https://shop.example.evil.example/pay",
        "https://evil.example/pay",
        "https://shop.example@evil.example/pay",
        "https://evil.example/https://shop.example/pay",
        "https://shop.example/pay/../admin",
        "https://shop.example/pay/%2e%2e/admin",
        "https://shop.example/pay/%252e%252e/admin",
        "https://shop.example/pay/..%2fadmin",
        "https://shop.example/pay/..%5cadmin",
        "https://shop.example\\@evil.example/pay",
        "http://127.0.0.1/pay",
        "javascript:alert(1)",
        "",
    ],
)
def test_what_only_looks_like_it_is_not(asked: str) -> None:
    assert not is_below(SHOP, asked)


@given(st.text(max_size=40))
def test_no_text_after_a_host_makes_it_another_apps(tail: str) -> None:
    assert not is_below(SHOP, f"https://evil.example{tail}/pay")
    is_below(SHOP, tail)


async def test_a_sandbox_app_may_name_any_until_it_registers_one_and_a_live_app_none(
    db: Connection, clock: FixedClock
) -> None:
    partner, app = await registered(db, clock)
    live = await create_app(db, clock, partner.id, NewApp(name="till", environment="live"))

    assert await may_return_to(db, partner.id, app, "https://anywhere.example/")
    assert not await may_return_to(db, partner.id, live.id, "https://anywhere.example/")
    for each in (app, live.id):
        await add_return_address(db, clock, partner.id, each, SHOP)
        assert await may_return_to(db, partner.id, each, f"{SHOP}/done")
        assert not await may_return_to(db, partner.id, each, "https://anywhere.example/")


async def test_an_address_is_registered_once_listed_and_taken_back(
    db: Connection, clock: FixedClock
) -> None:
    partner, app = await registered(db, clock, SHOP, SHOP, "https://a.example/")

    assert await return_addresses(db, partner.id, app) == ["https://a.example/", SHOP]
    await remove_return_address(db, clock, partner.id, app, SHOP)
    assert not await may_return_to(db, partner.id, app, SHOP)
    with pytest.raises(ReturnAddressUnknown):
        await remove_return_address(db, clock, partner.id, app, SHOP)


@pytest.mark.parametrize(
    "address",
    [
        "http://shop.example/",
        "https://shop.example/?a=b",
        "https://shop.example/?",
        "https://shop.example/#a",
        "https://shop.example/a/../b",
        "https://user@shop.example/",
        "shop.example",
        "",
    ],
)
async def test_what_is_no_beginning_of_an_address_is_refused(
    db: Connection, clock: FixedClock, address: str
) -> None:
    partner, app = await registered(db, clock)

    with pytest.raises(ReturnAddressInvalid):
        await add_return_address(db, clock, partner.id, app, address)


async def test_an_app_has_only_so_many_and_only_its_own(db: Connection, clock: FixedClock) -> None:
    partner, app = await registered(db, clock)
    stranger, _ = await registered(db, clock)
    for number in range(ADDRESSES_MAX):
        await add_return_address(db, clock, partner.id, app, f"{SHOP}/{number}")

    await add_return_address(db, clock, partner.id, app, f"{SHOP}/0")
    with pytest.raises(ReturnAddressInvalid):
        await add_return_address(db, clock, partner.id, app, f"{SHOP}/more")
    with pytest.raises(AppUnknown):
        await add_return_address(db, clock, stranger.id, app, SHOP)


async def test_they_move_with_the_app_into_its_data_space(
    db: Connection, clock: FixedClock
) -> None:
    partner, app = await registered(db, clock, SHOP)

    space = await give_space(db, clock, partner.id, app)

    assert await return_addresses(db, space.id, app) == [SHOP]
