"""A sandbox app has a data space of its own: people, money, nobody else's, and a fresh start."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.sandbox.tester import SandboxApp, a_tester
from tests.partners.builders import VAULT, a_key, an_app

from bankside.bank import ledger
from bankside.bank.accounts import House, house_account, in_space
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.orders.errors import AccountUnknown, InputInvalid, OrderNotFound, SandboxOnly
from bankside.partners import (
    SpaceUnknown,
    home_of,
    list_keys,
    read_partner,
    read_space,
    register_key,
    snapshot_view,
)
from bankside.partners.sandboxes import SpaceExists, SpacesTooMany, service

CREATE = "platform.spaces.create"
TRANSFER = "payment.internal-transfers.create"


async def test_a_new_space_has_people_with_money(tester: SandboxApp) -> None:
    told = await tester.shown("platform.people.query")

    lin = told["people"][0]
    assert lin["accounts"][0]["available"] == cny("20000.00")
    assert lin["payer_token"] == tester.code_of()
    assert {each["customer"] for each in told["people"]} >= {
        each["owner"] for each in told["merchants"]
    }


async def test_the_app_moves_into_its_space_with_its_keys_and_products(bank: LittleBank) -> None:
    tester = await a_tester(bank)
    parent = tester.partner
    async with transaction(bank.pool) as db:
        key = await register_key(db, bank.clock, VAULT, parent, tester.app, a_key())

    made = await tester.create()

    assert tester.partner == made["space"] != parent
    async with bank.pool.acquire() as db:
        assert [each.id for each in await list_keys(db, tester.partner, tester.app)] == [key.id]
        view = await snapshot_view(db, bank.clock)
    assert view.apps[tester.app].keys["native"][0].id == key.id
    assert list(view.apps[tester.app].tenants.values()) == [made["tenant"]]


async def test_two_spaces_of_one_partner_do_not_meet(tester: SandboxApp) -> None:
    other = await a_tester(tester)
    await other.create()
    body = {
        "payer_account": tester.account_of("lin-current"),
        "payee_account": tester.account_of("chen-current"),
        "amount": cny("10.00"),
    }

    order = await tester.shown(TRANSFER, body)

    with pytest.raises(AccountUnknown):
        await other.call(TRANSFER, body)
    with pytest.raises(OrderNotFound):
        await other.call("payment.internal-transfers.query", path=order["id"])
    assert await other.balance_of("lin-current") == "20000.00"
    assert await tester.balance_of("lin-current") == "19990.00"


async def test_a_space_pays_from_the_banks_accounts_of_its_own(tester: SandboxApp) -> None:
    income = house_account(House.FEE_INCOME, "CNY")
    own = in_space(income, tester.partner)
    [shared] = await tester.money(income) if await _is_open(tester, income) else [0]
    order = await tester.shown(
        "merchant.scan-payments.create",
        {
            "merchant": tester.merchant_of(),
            "order_no": "S1",
            "amount": cny("100.00"),
            "payer_token": tester.code_of(),
        },
    )
    await tester.advance(days=1)

    shown = await tester.shown("merchant.scan-payments.query", path=order["id"])

    assert shown["status"] == "settled"
    assert (await tester.money(own))[0] > 0
    if await _is_open(tester, income):
        assert await tester.money(income) == [shared]


async def test_a_reset_gives_fresh_money_at_the_present_and_forgets_the_orders(
    tester: SandboxApp,
) -> None:
    body = {
        "payer_account": tester.account_of("lin-current"),
        "payee_account": tester.account_of("chen-current"),
        "amount": cny("10.00"),
    }
    order = await tester.shown(TRANSFER, body)
    await tester.advance(days=3)
    await tester.learn()
    old = tester.partner

    made = await tester.shown("platform.resets.create", {"app": tester.app})
    await tester.learn()

    assert tester.partner == made["space"] != old
    assert (made["ahead_seconds"], made["app_auth_token"]) == (0, None)
    assert await tester.balance_of("lin-current") == "20000.00"
    with pytest.raises(OrderNotFound):
        await tester.call("payment.internal-transfers.query", path=order["id"])
    async with tester.pool.acquire() as db:
        view = await snapshot_view(db, tester.clock)
    assert list(view.apps[tester.app].tenants.values()) == [made["tenant"]]


async def test_an_app_names_itself_before_its_data_changes(bank: LittleBank) -> None:
    tester = await a_tester(bank)

    with pytest.raises(InputInvalid):
        await tester.call(CREATE, {"app": "app_other"})
    with pytest.raises(InputInvalid):
        await tester.call(CREATE, {})
    await tester.create()
    with pytest.raises(InputInvalid):
        await tester.call("platform.resets.create", {"app": "app_other"})


async def test_an_app_has_one_space(tester: SandboxApp) -> None:
    with pytest.raises(SpaceExists):
        await tester.call(CREATE, {"app": tester.app})


async def test_a_repeated_creation_gets_its_first_answer_and_makes_no_second_space(
    bank: LittleBank,
) -> None:
    tester = await a_tester(bank)

    first = await tester.call(CREATE, {"app": tester.app}, key="once")
    again = await tester.call(CREATE, {"app": tester.app}, key="once")

    assert again.hit
    assert again.body == first.body


async def test_a_live_app_has_no_space_no_people_and_no_clock(bank: LittleBank) -> None:
    live = await a_tester(bank, environment="live")

    for operation, body in (
        (CREATE, {"app": live.app}),
        ("platform.resets.create", {"app": live.app}),
        ("platform.spaces.query", None),
        ("platform.people.query", None),
        ("platform.fundings.create", {"account": "acc_1", "amount": cny("1.00")}),
        ("platform.clock-advances.create", {"days": 1}),
    ):
        with pytest.raises(SandboxOnly):
            await live.call(operation, body)


async def test_an_app_in_its_partners_shared_data_moves_nothing_there(bank: LittleBank) -> None:
    tester = await a_tester(bank)
    account = await tester.account("5.00")

    for operation, body in (
        ("platform.resets.create", {"app": tester.app}),
        ("platform.spaces.query", None),
        ("platform.people.query", None),
        ("platform.fundings.create", {"account": account.id, "amount": cny("1.00")}),
        ("platform.clock-advances.create", {"days": 1}),
    ):
        with pytest.raises(SpaceUnknown):
            await tester.call(operation, body)
    assert await tester.balance(account) == "5.00"


async def test_test_money_is_paid_in_once_a_key(tester: SandboxApp) -> None:
    body = {"account": tester.account_of("wang-current"), "amount": cny("99.50")}

    first = await tester.call("platform.fundings.create", body, key="pay-day")
    again = await tester.call("platform.fundings.create", body, key="pay-day")

    assert first.body["available"] == cny("100.00")
    assert (again.hit, again.body) == (True, first.body)
    assert await tester.balance_of("wang-current") == "100.00"


async def test_a_funding_above_the_limit_or_in_another_currency_changes_nothing(
    tester: SandboxApp,
) -> None:
    account = tester.account_of("wang-current")

    for amount in (cny("1000000000.01"), {"amount": "1.00", "currency": "USD"}):
        with pytest.raises(Exception, match=r"amount|currency|kept"):
            await tester.call("platform.fundings.create", {"account": account, "amount": amount})
    await tester.call(
        "platform.fundings.create", {"account": account, "amount": cny("1000000000.00")}
    )

    assert await tester.balance_of("wang-current") == "1000000000.50"


async def test_the_apps_of_a_blocked_partner_are_blocked_in_their_spaces(
    tester: SandboxApp,
) -> None:
    async with transaction(tester.pool) as db:
        parent = await db.fetchval(
            "select parent_id from partners.sandboxes where space_id = $1", tester.partner
        )
        await read_partner(db, parent)
        await db.execute(
            "update partners.partners set status = 'blocked' where partner_id = $1", parent
        )
        view = await snapshot_view(db, tester.clock)

    assert not view.apps[tester.app].active


async def test_the_other_apps_of_the_partner_stay_where_they_are(bank: LittleBank) -> None:
    tester = await a_tester(bank)
    async with transaction(bank.pool) as db:
        partner = await read_partner(db, tester.partner)
        other = await an_app(db, bank.clock, partner)

    await tester.create()

    stays = replace(tester, app=other.id)
    await stays.learn()
    assert stays.partner == partner.id


async def test_an_app_gets_so_many_spaces_a_day_and_no_more(
    tester: SandboxApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "SPACES_A_DAY", 2)
    await tester.call("platform.resets.create", {"app": tester.app})
    await tester.learn()
    space = tester.partner

    with pytest.raises(SpacesTooMany):
        await tester.call("platform.resets.create", {"app": tester.app})

    await tester.learn()
    assert tester.partner == space
    tester.clock.advance(timedelta(days=1))
    assert (await tester.call("platform.resets.create", {"app": tester.app})).status == 201


async def test_a_moved_app_is_found_where_it_stands(tester: SandboxApp) -> None:
    async with tester.pool.acquire() as db:
        space = await read_space(db, tester.partner)
        home = await home_of(db, space.parent, tester.app)
        nobodys = await home_of(db, space.parent, "app_nobody")
        foreign = await home_of(db, PartnerId("prt_other"), tester.app)

    assert (home, nobodys, foreign) == (space.id, space.parent, "prt_other")


async def _is_open(tester: SandboxApp, account: str) -> bool:
    async with tester.pool.acquire() as db:
        return account in await ledger.balances(db, [account])
