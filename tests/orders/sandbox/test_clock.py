"""The clock of a sandbox space goes on when asked, and what falls due happens in its order."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from tests.identity.builders import asks_access, awaiting, yes
from tests.orders.little_bank import LittleBank, cny, operation
from tests.orders.sandbox.tester import SandboxApp, a_tester

from bankside.bank.accounts import account
from bankside.bank.ledger import entries_page, verify
from bankside.bank.reconciliation.store import ledger_records
from bankside.identity.consents import (
    ConsentNotActive,
    ConsentStatus,
    Permission,
    authorise_consent,
    consent,
)
from bankside.kernel.calendar import bounds
from bankside.kernel.call import Call
from bankside.kernel.clock import BANK_ZONE, ShiftedClock
from bankside.kernel.db import transaction
from bankside.orders.errors import InputInvalid
from bankside.orders.sandbox import jump, routes
from bankside.partners.sandboxes import ClockBackwards

ADVANCE = "platform.clock-advances.create"
DEPOSIT, REDEEM = "account.term-deposits.create", "account.term-deposits.cancellations"
TRANSFER = "payment.internal-transfers.create"


async def _deposit(bank: SandboxApp, **more: Any) -> str:
    body = {
        "account": bank.account_of("kuaican-settlement"),
        "product_code": "TD-3M",
        "amount": cny("100000.00"),
        **more,
    }
    return str((await bank.shown(DEPOSIT, body))["id"])


async def test_time_in_the_space_is_what_was_asked_and_goes_on(tester: SandboxApp) -> None:
    before = tester.clock.now()

    told = await tester.advance(days=30)

    assert told["now"] == "2026-04-01T02:00:00.000Z"
    assert (told["reached"], told["ahead_seconds"]) == (True, 30 * 86_400)
    assert tester.clock.now() == before
    tester.clock.advance(timedelta(minutes=1))
    await tester.learn()
    shown = await tester.shown("platform.spaces.query")
    assert shown["now"] == "2026-04-01T02:01:00.000Z"


async def test_this_process_knows_at_once_and_the_others_with_the_snapshot(
    tester: SandboxApp,
) -> None:
    await tester.advance(days=2)
    assert tester.ahead_s == 0

    at_once = await tester.shown("platform.spaces.query")
    await tester.learn()

    assert at_once["now"] == "2026-03-04T02:00:00.000Z"
    assert tester.ahead_s == 2 * 86_400


async def test_a_deposit_earns_day_by_day_and_matures(tester: SandboxApp) -> None:
    order = await _deposit(tester)
    await tester.advance(days=92)  # 2 March to 2 June

    shown = await tester.shown(REDEEM, {}, path=order)

    # 100,000.00 at 0.65 % for 92 days of 360, booked day by day.
    assert shown["result"]["deposit"]["interest_paid"] == cny("166.11")
    async with tester.pool.acquire() as db:
        own = await account(db, tester.partner, tester.account_of("kuaican-settlement"))
        page = await entries_page(db, own.ledger_account)
    assert [each.booking_date.isoformat() for each in page.items] == [
        "2026-06-02",
        "2026-03-02",
        "2026-03-02",
    ]


async def test_a_loan_whose_instalments_are_not_covered_is_overdue(tester: SandboxApp) -> None:
    applied = await tester.shown(
        "loan.personal-loans.applications-create",
        {
            "borrower": (await tester.shown("platform.people.query"))["people"][1]["customer"],
            "account": tester.account_of("chen-current"),
            "amount": cny("12000.00"),
            "term_months": 12,
        },
    )
    await tester.shown("loan.personal-loans.drawdowns", {}, path=applied["id"])
    away = {
        "payer_account": tester.account_of("chen-current"),
        "payee_account": tester.account_of("lin-current"),
        "amount": cny("20800.00"),
    }
    await tester.call(TRANSFER, away)

    await tester.advance(days=41)

    loan = await tester.shown("loan.personal-loans.query", path=applied["id"])
    assert loan["result"]["loan"]["status"] == "overdue"
    assert loan["result"]["loan"]["due_now"] != cny("0.00")


async def test_a_mandate_debits_each_month_on_its_own_date(tester: SandboxApp) -> None:
    mandate = await tester.shown(
        "payment.direct-debits.mandates-create",
        {
            "payer_account": tester.account_of("lin-current"),
            "payee_account": tester.account_of("begonia-settlement"),
            "limit": cny("50.00"),
            "amount": cny("30.00"),
            "period": "monthly",
            "first_on": "2026-03-31",
        },
    )

    await tester.advance(to="2026-06-15T00:00:00+08:00")

    shown = await tester.shown("payment.direct-debits.mandates-query", path=mandate["id"])
    assert shown["result"]["mandate"]["collected"] == cny("90.00")
    async with tester.pool.acquire() as db:
        page = await entries_page(db, tester.account_of("begonia-settlement"))
    assert [each.booked_at.astimezone(BANK_ZONE).isoformat() for each in page.items[:3]] == [
        "2026-05-31T09:00:00+08:00",
        "2026-04-30T09:00:00+08:00",
        "2026-03-31T09:00:00+08:00",
    ]


async def test_a_hold_times_out_and_a_payment_is_settled_at_its_own_cut_off(
    tester: SandboxApp,
) -> None:
    held = await tester.shown("merchant.preauthorizations.create", _asked(tester, "H1"))
    paid = await tester.shown("merchant.scan-payments.create", _asked(tester, "P1"))

    await tester.advance(days=8)

    hold = await tester.shown("merchant.preauthorizations.query", path=held["id"])
    payment = await tester.shown("merchant.scan-payments.query", path=paid["id"])
    assert (hold["status"], payment["status"]) == ("released", "settled")
    assert hold["updated_at"].startswith("2026-03-09T02:00:0")
    assert payment["updated_at"].startswith("2026-03-02T15:00:0")


async def test_a_payment_code_and_an_unpaid_order_run_out(tester: SandboxApp) -> None:
    body = _asked(tester, "U1")
    del body["payer_token"]
    order = await tester.shown("merchant.checkout-payments.create", body)

    await tester.advance(seconds=7_200)

    shown = await tester.shown("merchant.checkout-payments.query", path=order["id"])
    assert (shown["state"], shown["status"]) == ("expired", "closed")


async def test_a_consent_expires_by_the_space_s_clock_whoever_asks(tester: SandboxApp) -> None:
    asked = asks_access(
        tester.partner, client=tester.app, permissions=frozenset({Permission.BALANCES})
    )
    async with transaction(tester.pool) as db:
        waiting, request = await awaiting(db, tester.clock, asked)
        own = await account(db, tester.partner, tester.account_of("lin-current"))
        said = yes(request, own.customer, own)
        given = await authorise_consent(db, tester.clock, tester.partner, waiting.id, said)
    days = (given.valid_until - tester.clock.now()).days
    under = replace(tester, consent=given.id)
    balance = "account.account-balances.query"
    assert (await under.call(balance, path=own.id)).status == 200

    await tester.advance(days=days + 1)

    asked = Call(operation=operation(balance), caller=under.caller(), path={"id": own.id})
    with pytest.raises(ConsentNotActive):
        await tester.orders.handle(asked)  # type: ignore[misc]

    async with tester.pool.acquire() as db:
        found = await consent(db, tester.clock, tester.partner, given.id)
        told = await db.fetchval(
            "select count(*) from kernel.outbox where partner_id = $1 and object_id = $2"
            " and type like '%expired'",
            tester.partner,
            given.id,
        )
    assert found.status is ConsentStatus.EXPIRED
    assert told == 1


async def test_limits_of_a_day_are_free_again_on_the_space_s_next_day(
    tester: SandboxApp,
) -> None:
    mandate = await tester.shown(
        "payment.direct-debits.mandates-create",
        {
            "payer_account": tester.account_of("lin-current"),
            "payee_account": tester.account_of("begonia-settlement"),
            "limit": cny("50.00"),
            "per_day": cny("40.00"),
        },
    )
    debit = {"mandate": mandate["id"], "amount": cny("40.00")}
    await tester.call("payment.direct-debits.create", debit)
    with pytest.raises(Exception, match="day"):
        await tester.call("payment.direct-debits.create", debit)

    await tester.advance(days=1)

    assert (await tester.call("payment.direct-debits.create", debit)).status == 201


async def test_another_space_and_the_shared_data_do_not_move(
    tester: SandboxApp, bank: LittleBank
) -> None:
    other = await a_tester(bank)
    await other.create()
    theirs = await _deposit(other)
    shared = replace(bank, partner=f"{tester.partner[4:]}")
    payer = await shared.account("200000.00")
    body = {"account": payer.id, "product_code": "TD-3M", "amount": cny("100000.00")}
    placed = await shared.shown(DEPOSIT, body)

    await tester.advance(days=92)
    await tester.orders.expire()

    for each, order in ((other, theirs), (shared, placed["id"])):
        shown = await each.shown("account.term-deposits.query", path=order)
        assert shown["result"]["deposit"]["accrued"] == cny("0.00")
        assert shown["updated_at"] == shown["created_at"]
    assert (await other.shown("platform.spaces.query"))["ahead_seconds"] == 0


async def test_a_moved_clock_goes_on_by_itself(tester: SandboxApp) -> None:
    order = await _deposit(tester)
    await tester.advance(days=10)

    tester.clock.advance(timedelta(days=1))
    await tester.orders.expire()
    await tester.learn()

    shown = await tester.shown("account.term-deposits.query", path=order)
    assert shown["result"]["deposit"]["accrued_to"] == "2026-03-13"


async def test_the_books_are_in_order_after_jumps_of_two_spaces_side_by_side(
    tester: SandboxApp, bank: LittleBank
) -> None:
    other = await a_tester(bank)
    await other.create()
    await _deposit(tester)
    await tester.advance(days=40)
    await _deposit(other)
    await tester.call(TRANSFER, _transfer(tester))
    await other.advance(days=3)
    await bank.account("1.00")
    await tester.call(TRANSFER, _transfer(tester))

    async with bank.pool.acquire() as db:
        proof = await verify(db)

    assert proof.fault is None, proof


async def test_a_date_s_postings_are_found_among_those_of_spaces_that_are_ahead(
    tester_alone: SandboxApp, bank_alone: LittleBank
) -> None:
    tester, bank = tester_alone, bank_alone
    shop, payer = await bank.merchant(), await bank.account("100.00")
    code = await bank.token(payer)

    async def pays(number: str) -> None:
        body = {"merchant": shop.id, "order_no": number, "amount": cny("1.00")}
        await bank.call("merchant.scan-payments.create", body | {"payer_token": code})

    await pays("before")
    await tester.advance(days=3)
    await tester.call("merchant.scan-payments.create", _asked(tester, "ahead"))
    await pays("between")
    bank.clock.advance(timedelta(days=3))
    await pays("after")

    async with bank.pool.acquire() as db, db.transaction():
        since, until = bounds(date(2026, 3, 5))
        found = [each async for each in ledger_records(db, bank.partner, since, until)]
    assert [(each.amount, each.on) for each in found] == [(100, date(2026, 3, 5))]


async def test_a_clock_never_goes_back(tester: SandboxApp) -> None:
    await tester.advance(days=5)

    for to in ("2026-03-07T02:00:00Z", "2026-03-02T02:00:00Z"):
        with pytest.raises(ClockBackwards):
            await tester.advance(to=to)
    assert (await tester.shown("platform.spaces.query"))["ahead_seconds"] == 5 * 86_400


@pytest.mark.parametrize(
    "by",
    [
        {},
        {"days": 0},
        {"days": -1},
        {"days": 3_661},
        {"seconds": 0},
        {"days": 1, "seconds": 1},
        {"to": "tomorrow"},
        {"to": "2026-04-01T00:00:00"},
        {"to": "2999-01-01T00:00:00Z"},
        {"hours": 1},
    ],
)
async def test_what_is_no_advance_is_refused_and_moves_nothing(
    tester: SandboxApp, by: dict[str, Any]
) -> None:
    with pytest.raises(InputInvalid):
        await tester.advance(**by)

    assert (await tester.shown("platform.spaces.query"))["ahead_seconds"] == 0


async def test_the_longest_advance_is_taken(tester: SandboxApp) -> None:
    told = await tester.advance(days=3_660)

    assert told["ahead_seconds"] == 3_660 * 86_400


async def test_a_repeated_advance_moves_the_clock_once(tester: SandboxApp) -> None:
    first = await tester.call(ADVANCE, {"days": 3}, key="three-days")
    again = await tester.call(ADVANCE, {"days": 3}, key="three-days")

    assert (again.hit, again.body) == (True, first.body)
    assert (await tester.shown("platform.spaces.query"))["ahead_seconds"] == 3 * 86_400


async def test_a_jump_that_was_cut_short_goes_on_where_it_stood(
    tester: SandboxApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await _deposit(tester)
    passed = iter(range(10_000))
    # A clock of steps: the jump has time for some of the days only.
    monkeypatch.setattr(routes, "JUMP_SECONDS", 7.0)
    monkeypatch.setattr(jump, "monotonic", lambda: next(passed) * 0.5)

    first = await tester.advance(days=30)
    monkeypatch.undo()
    last = await tester.advance(to=first["asked"])

    assert (first["reached"], last["reached"]) == (False, True)
    assert 0 < first["ahead_seconds"] < last["ahead_seconds"] == 30 * 86_400
    shown = await tester.shown("account.term-deposits.query", path=order)
    assert shown["result"]["deposit"]["accrued"] == cny("54.17")


async def test_an_order_that_cannot_be_woken_holds_up_nothing(
    tester: SandboxApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await _deposit(tester)
    held = await tester.shown("merchant.preauthorizations.create", _asked(tester, "H1"))
    async with transaction(tester.pool) as db:
        await db.execute(
            "update orders.orders set book = '{}' where partner_id = $1 and order_id = $2",
            tester.partner,
            order,
        )

    told = await tester.advance(days=8)

    hold = await tester.shown("merchant.preauthorizations.query", path=held["id"])
    assert (told["reached"], hold["status"]) == (True, "released")


def test_a_space_s_clock_is_never_behind() -> None:
    real = datetime(2026, 3, 2, tzinfo=UTC)

    class Real:
        def now(self) -> datetime:
            return real

    with pytest.raises(AssertionError):
        ShiftedClock(Real(), timedelta(seconds=-1))


def _asked(bank: SandboxApp, number: str) -> dict[str, Any]:
    return {
        "merchant": bank.merchant_of(),
        "order_no": number,
        "amount": cny("100.00"),
        "payer_token": bank.code_of(),
    }


def _transfer(bank: SandboxApp) -> dict[str, Any]:
    return {
        "payer_account": bank.account_of("lin-current"),
        "payee_account": bank.account_of("chen-current"),
        "amount": cny("1.00"),
    }
