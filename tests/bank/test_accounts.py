"""Accounts: numbers, status, what holders read, payment codes, isolation of data spaces."""

import asyncio
from datetime import UTC, date, datetime, timedelta

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bankside.bank import ledger
from bankside.bank.accounts import (
    SPENT_ONCE,
    Account,
    AccountClosed,
    AccountExists,
    AccountFrozen,
    AccountNotEmpty,
    AccountNotFound,
    AccountNumberInvalid,
    AccountStatus,
    AccountTransitionRefused,
    DispositionRole,
    House,
    Opening,
    PayerTokenExpired,
    PayerTokenReusable,
    PayerTokenTaken,
    PayerTokenUnknown,
    PayerTokenUsed,
    PeriodInvalid,
    ProductClass,
    StatementTooLong,
    account,
    account_number,
    accounts_by_reference,
    accounts_of,
    admit_disponent,
    balance,
    close,
    dispositions,
    ensure_house_accounts,
    freeze,
    house_account,
    issue_payer_token,
    masked_number,
    open_account,
    payer_of_token,
    put_sandbox_token,
    spent,
    statement,
    statements,
    transactions,
    unfreeze,
)
from bankside.bank.accounts.model import moved
from bankside.bank.accounts.rules import SERIAL_MAX, checked_number
from bankside.bank.customers import CustomerKind, CustomerNotFound, Registration, register
from bankside.bank.ledger import Capture, Group, Hold, Leg, Release, group_id
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction, write_all
from bankside.kernel.ids import AccountId, CustomerId
from bankside.kernel.money import CurrencyUnknown, Money

A, B = "prt_a", "prt_b"


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


class Bank:
    """Opens accounts and moves money in one test's transaction."""

    def __init__(self, db: Connection, clock: FixedClock) -> None:
        self.db, self.clock, self.count = db, clock, 0

    async def account(
        self, balance: str = "0.00", *, partner: str = A, name: str = "Lin Xiaoyu"
    ) -> Account:
        person = Registration(kind=CustomerKind.RETAIL, name_zh="林晓雨", name_en=name)
        owner = await register(self.db, self.clock, partner, person)
        opening = Opening(customer=owner.id, product_class=ProductClass.CURRENT, currency="CNY")
        opened = await open_account(self.db, self.clock, partner, opening)
        if balance != "0.00":
            house = await ensure_house_accounts(self.db, "CNY")
            await self.post(house[House.OPENING], opened.ledger_account, balance)
        return opened

    async def post(self, debit: str, credit: str, amount: str, **group: object) -> ledger.Verdict:
        self.count += 1
        made = Group(
            id=group_id("test", str(id(self)), str(self.count)),
            legs=(Leg(debit, credit, cny(amount)),),
            **group,  # type: ignore[arg-type]
        )
        (verdict,) = await ledger.post(self.db, [made], at=self.clock.now())
        return verdict


@pytest.fixture
def bank(db: Connection, clock: FixedClock) -> Bank:
    return Bank(db, clock)


@given(st.sampled_from(ProductClass), st.integers(1, SERIAL_MAX), st.integers(0, 18))
def test_one_mistyped_digit_of_an_account_number_is_always_found(
    product_class: ProductClass, serial: int, place: int
) -> None:
    number = account_number(product_class, serial)
    assert checked_number(number) == number

    wrong = number[:place] + str((int(number[place]) + 1) % 10) + number[place + 1 :]

    with pytest.raises(AccountNumberInvalid):
        checked_number(wrong)


@pytest.mark.parametrize(
    "text", ["", "1" * 18, "1" * 20, "９001010000000000013", "90010100000000000x3"]
)
def test_text_of_another_form_is_no_account_number(text: str) -> None:
    with pytest.raises(AccountNumberInvalid):
        checked_number(text)


def test_a_serial_that_does_not_fit_is_refused() -> None:
    for serial in (0, -1, SERIAL_MAX + 1):
        with pytest.raises(AccountNumberInvalid):
            account_number(ProductClass.CURRENT, serial)


def test_a_number_is_shown_with_six_and_four_digits() -> None:
    number = account_number(ProductClass.SAVINGS, 42)

    assert masked_number(number) == f"900102*********{number[-4:]}"


@given(st.lists(st.sampled_from(AccountStatus), max_size=12))
def test_a_closed_account_never_changes_again(walk: list[AccountStatus]) -> None:
    status = AccountStatus.OPEN
    for to in walk:
        try:
            status = moved(status, to)
        except AccountTransitionRefused:
            continue
        assert status is to
    if status is AccountStatus.CLOSED:
        for to in AccountStatus:
            with pytest.raises(AccountTransitionRefused):
                moved(status, to)


async def test_an_opened_account_is_found_by_id_and_by_number_in_its_data_space_only(
    db: Connection, bank: Bank
) -> None:
    opened = await bank.account()

    assert await account(db, A, opened.id) == await account(db, A, opened.number) == opened
    assert opened.status is AccountStatus.OPEN
    assert (await balance(db, opened)).booked == cny("0.00")
    for reference in (opened.id, opened.number):
        with pytest.raises(AccountNotFound):
            await account(db, B, reference)


@pytest.mark.parametrize("reference", ["", "\0", "x" * 500, "acc'; --", "\ud800", "acc_none"])
async def test_a_strange_reference_is_no_account(db: Connection, reference: str) -> None:
    with pytest.raises(AccountNotFound):
        await account(db, A, reference)


async def test_many_references_are_answered_at_once_and_unknown_ones_left_out(
    db: Connection, bank: Bank
) -> None:
    one, two, foreign = [await bank.account(partner=p) for p in (A, A, B)]

    found = await accounts_by_reference(
        db, A, [one.id, one.number, two.number, foreign.id, "acc_none", "\0"]
    )

    assert found == {one.id: one, one.number: one, two.number: two}
    assert await accounts_by_reference(db, A, []) == {}


async def test_an_account_is_not_opened_for_a_stranger_or_in_an_unknown_currency_or_twice(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    foreign = await bank.account(partner=B)
    mine = await bank.account()

    def opening(**changes: object) -> Opening:
        facts = {
            "customer": mine.customer,
            "product_class": ProductClass.SAVINGS,
            "currency": "CNY",
        }
        return Opening(**(facts | changes))  # type: ignore[arg-type]

    for refusal, asked in (
        (CustomerNotFound, opening(customer=foreign.customer)),
        (CustomerNotFound, opening(customer=CustomerId("cus_none"))),
        (CurrencyUnknown, opening(currency="XXX")),
        (AccountNumberInvalid, opening(serial=SERIAL_MAX + 1)),
        (AccountExists, opening(id=AccountId(mine.id))),
    ):
        with pytest.raises(refusal):
            await open_account(db, clock, A, asked)
    assert (await accounts_of(db, A)).items == (mine,)


async def test_a_disponent_finds_the_account_among_its_own_and_the_owner_stays_first(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine, other = await bank.account(), await bank.account(name="Chen Zhiyuan")
    for _ in range(2):
        await admit_disponent(db, clock, A, mine.id, other.customer)
    await admit_disponent(db, clock, A, mine.id, mine.customer)

    assert [(d.customer, d.role) for d in await dispositions(db, A, mine.id)] == [
        (mine.customer, DispositionRole.OWNER),
        (other.customer, DispositionRole.DISPONENT),
    ]
    held = (await accounts_of(db, A, customer=other.customer)).items
    assert {each.id for each in held} == {mine.id, other.id}
    with pytest.raises(CustomerNotFound):
        await accounts_of(db, B, customer=other.customer)


async def test_pages_of_accounts_show_each_one_once(db: Connection, bank: Bank) -> None:
    made = {(await bank.account()).id for _ in range(5)}

    seen: list[str] = []
    cursor = None
    while True:
        page = await accounts_of(db, A, cursor=cursor, limit=2)
        seen += [each.id for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break

    assert sorted(seen) == sorted(made)


async def test_a_frozen_account_receives_but_does_not_pay_until_it_is_unfrozen(
    db: Connection, bank: Bank
) -> None:
    mine, other = await bank.account("100.00"), await bank.account("50.00")
    frozen = await freeze(db, A, mine.number, reason="court order 2026-17")

    assert (frozen.status, frozen.status_reason) == (AccountStatus.FROZEN, "court order 2026-17")
    out = await bank.post(mine.ledger_account, other.ledger_account, "1.00")
    assert out.reason == "account_blocked"
    assert (await bank.post(other.ledger_account, mine.ledger_account, "1.00")).accepted
    for move in (
        lambda: freeze(db, A, mine.id, reason="again"),
        lambda: close(db, bank.clock, A, mine.id),
    ):
        with pytest.raises(AccountTransitionRefused):
            await move()

    await unfreeze(db, A, mine.id, reason="lifted")
    assert (await bank.post(mine.ledger_account, other.ledger_account, "101.00")).accepted


async def test_an_account_is_closed_only_when_empty_or_swept_and_stays_closed(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine, other = await bank.account("100.00"), await bank.account()
    with pytest.raises(AccountNotEmpty):
        await close(db, clock, A, mine.id)

    closed = await close(db, clock, A, mine.id, sweep_to=other.number)

    assert (closed.status, closed.closed_at) == (AccountStatus.CLOSED, clock.now())
    assert (await balance(db, other)).booked == cny("100.00")
    assert (await bank.post(other.ledger_account, mine.ledger_account, "1.00")).reason == (
        "account_closed"
    )
    for move in (freeze, unfreeze):
        with pytest.raises(AccountTransitionRefused):
            await move(db, A, mine.id, reason="x")
    third = await bank.account("1.00")
    with pytest.raises(AccountClosed):
        await close(db, clock, A, third.id, sweep_to=mine.id)
    with pytest.raises(AccountNotFound):
        await freeze(db, B, third.id, reason="x")


async def test_an_account_with_money_on_hold_is_not_closed(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine, other = await bank.account("100.00"), await bank.account()
    hold = Hold(clock.now() + timedelta(days=1))
    await bank.post(mine.ledger_account, house_account(House.HOLD, "CNY"), "40.00", hold=hold)

    with pytest.raises(AccountNotEmpty):
        await close(db, clock, A, mine.id, sweep_to=other.id)


async def test_balances_show_booked_held_and_available_money(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine, shop = await bank.account("100.00"), await bank.account()
    held = house_account(House.HOLD, "CNY")
    await bank.post(
        mine.ledger_account, held, "40.00", kind="hold", hold=Hold(clock.now() + timedelta(days=1))
    )
    now = await balance(db, mine)
    assert (now.booked, now.held, now.available) == (cny("100.00"), cny("40.00"), cny("60.00"))

    hold_id = group_id("test", str(id(bank)), str(bank.count))
    await bank.post(held, shop.ledger_account, "15.00", kind="capture", hold=Capture(hold_id))
    await bank.post(held, mine.ledger_account, "25.00", kind="release", hold=Release(hold_id))

    now = await balance(db, mine)
    assert (now.booked, now.held, now.available) == (cny("85.00"), cny("0.00"), cny("85.00"))


async def test_transactions_are_newest_first_signed_and_name_the_other_side(
    db: Connection, bank: Bank
) -> None:
    mine, shop = await bank.account("100.00"), await bank.account(name="Begonia Catering")
    await bank.post(mine.ledger_account, shop.ledger_account, "12.34", narrative="午餐")

    paid, opening = (await transactions(db, mine)).items

    assert (paid.amount, paid.credit_debit) == (Money(-1234, "CNY"), "DBIT")
    assert (paid.balance_after, paid.narrative, paid.kind) == (cny("87.66"), "午餐", "transfer")
    assert (paid.counterparty.account, paid.counterparty.name_en) == (
        shop.number,
        "Begonia Catering",
    )
    assert (opening.amount, opening.credit_debit) == (cny("100.00"), "CRDT")
    assert opening.counterparty.name_zh == "期初余额"
    assert paid.booking_date == paid.value_date == date(2026, 3, 2)
    assert (paid.sequence, opening.sequence) == (2, 1)


async def test_an_account_of_another_data_space_is_not_named(db: Connection, bank: Bank) -> None:
    mine, foreign = await bank.account("1.00"), await bank.account("5.00", partner=B)
    await bank.post(foreign.ledger_account, mine.ledger_account, "5.00")

    other = (await transactions(db, mine)).items[0].counterparty

    assert (other.account, other.name_en) == ("", "Another account")


async def test_a_period_takes_both_its_days_in_the_banks_own_zone(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    # 02:00 UTC on 2 March is 10:00 in Beijing; 15:59 UTC is 23:59 there, 16:00 UTC the next day.
    mine = await bank.account("100.00")
    clock.advance(datetime(2026, 3, 2, 15, 59, 59, tzinfo=UTC) - clock.now())
    await bank.post(mine.ledger_account, house_account(House.CLEARING, "CNY"), "1.00")
    clock.advance(timedelta(seconds=1))
    await bank.post(mine.ledger_account, house_account(House.CLEARING, "CNY"), "2.00")

    first, second = date(2026, 3, 2), date(2026, 3, 3)
    by_day = [
        [str(each.amount) for each in (await transactions(db, mine, from_date=a, to_date=b)).items]
        for a, b in (
            (first, first),
            (second, second),
            (first, second),
            (None, first),
            (second, None),
        )
    ]

    assert by_day == [
        ["-1.00", "100.00"],
        ["-2.00"],
        ["-2.00", "-1.00", "100.00"],
        ["-1.00", "100.00"],
        ["-2.00"],
    ]
    with pytest.raises(PeriodInvalid):
        await transactions(db, mine, from_date=second, to_date=first)


async def test_a_cursor_shows_each_entry_once_while_new_ones_arrive(
    db: Connection, bank: Bank
) -> None:
    mine = await bank.account("100.00")
    clearing = house_account(House.CLEARING, "CNY")
    for _ in range(4):
        await bank.post(mine.ledger_account, clearing, "1.00")

    seen, cursor = [], None
    while True:
        page = await transactions(db, mine, cursor=cursor, limit=2)
        seen += [each.sequence for each in page.items]
        await bank.post(mine.ledger_account, clearing, "1.00")
        cursor = page.next_cursor
        if cursor is None:
            break

    assert seen == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("count", [0, 1, 3, 201])
async def test_a_statement_reconciles_with_what_was_before_and_after(
    db: Connection, clock: FixedClock, bank: Bank, count: int
) -> None:
    mine = await bank.account("500.00")
    clearing = house_account(House.CLEARING, "CNY")
    clock.advance(timedelta(days=1))
    groups = [
        Group(group_id("s", str(n)), (Leg(mine.ledger_account, clearing, cny(f"1.{n % 100:02d}")),))
        for n in range(count)
    ]
    await ledger.post(db, groups, at=clock.now())
    clock.advance(timedelta(days=1))
    await bank.post(mine.ledger_account, clearing, "9.00")

    day = date(2026, 3, 3)
    made = await statement(db, mine, from_date=day, to_date=day)

    assert made.opening == cny("500.00")
    assert made.closing.minor == 50_000 - sum(100 + n % 100 for n in range(count))
    assert [row.sequence for row in made.rows] == list(range(2, 2 + count))


async def test_a_statement_of_too_many_rows_is_refused(
    db: Connection, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = await bank.account("5.00")
    await bank.post(mine.ledger_account, house_account(House.CLEARING, "CNY"), "1.00")
    day = date(2026, 3, 2)
    monkeypatch.setattr(statements, "STATEMENT_ROWS_MAX", 2)
    assert len((await statement(db, mine, from_date=day, to_date=day)).rows) == 2

    monkeypatch.setattr(statements, "STATEMENT_ROWS_MAX", 1)

    with pytest.raises(StatementTooLong):
        await statement(db, mine, from_date=day, to_date=day)


async def test_a_payment_code_pays_once_within_a_minute(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine = await bank.account("5.00")
    code = await issue_payer_token(db, clock, A, mine.id)
    payer, token = await payer_of_token(db, clock, A, code, environment="live")
    assert payer == mine
    assert code.startswith("28") and len(code) == 18

    await write_all(db, list(spent(clock, A, token, used_for="ord_1")))

    with pytest.raises(PayerTokenUsed):
        await payer_of_token(db, clock, A, code, environment="live")
    late = await issue_payer_token(db, clock, A, mine.id)
    clock.advance(timedelta(seconds=60))
    with pytest.raises(PayerTokenExpired):
        await payer_of_token(db, clock, A, late, environment="live")


@pytest.mark.parametrize("code", ["", "280000000000000009", "\0", "\ud800", "2" * 5000])
async def test_a_strange_payment_code_is_unknown(
    db: Connection, clock: FixedClock, code: str
) -> None:
    with pytest.raises(PayerTokenUnknown):
        await payer_of_token(db, clock, A, code, environment="live")


async def test_a_payment_code_means_nothing_in_another_data_space_and_is_stored_as_a_hash(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    code = await issue_payer_token(db, clock, A, (await bank.account("5.00")).id)

    with pytest.raises(PayerTokenUnknown):
        await payer_of_token(db, clock, B, code, environment="live")
    assert code not in await db.fetchval("select string_agg(t::text, '') from bank.payer_tokens t")


async def test_the_code_of_a_frozen_account_does_not_pay(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine = await bank.account("5.00")
    code = await issue_payer_token(db, clock, A, mine.id)
    await freeze(db, A, mine.id, reason="x")

    with pytest.raises(AccountFrozen):
        await payer_of_token(db, clock, A, code, environment="live")
    with pytest.raises(AccountFrozen):
        await issue_payer_token(db, clock, A, mine.id)


async def test_a_sandbox_code_pays_again_and_again_but_never_in_a_live_environment(
    db: Connection, clock: FixedClock, bank: Bank
) -> None:
    mine, other = await bank.account("5.00"), await bank.account("5.00")
    until = clock.now() + timedelta(days=365)
    for _ in range(2):
        await put_sandbox_token(db, clock, A, mine.id, code="280000000000000001", until=until)

    _, token = await payer_of_token(db, clock, A, "280000000000000001", environment="sandbox")

    assert spent(clock, A, token, used_for="ord_1") == ()
    with pytest.raises(PayerTokenReusable):
        await payer_of_token(db, clock, A, "280000000000000001", environment="live")
    with pytest.raises(PayerTokenTaken):
        await put_sandbox_token(db, clock, A, other.id, code="280000000000000001", until=until)


async def test_of_two_payments_that_race_with_one_code_one_wins(
    fresh_pool: Pool, clock: FixedClock
) -> None:
    async with transaction(fresh_pool) as db:
        mine = await Bank(db, clock).account("5.00")
        code = await issue_payer_token(db, clock, A, mine.id)

    async def pay(order: str) -> str | None:
        async with transaction(fresh_pool) as db:
            _, token = await payer_of_token(db, clock, A, code, environment="live")
            await asyncio.sleep(0.05)
            try:
                await write_all(db, list(spent(clock, A, token, used_for=order)))
            except asyncpg.UniqueViolationError as error:
                return error.constraint_name
            return "paid"

    outcomes = await asyncio.gather(pay("ord_1"), pay("ord_2"))

    assert sorted(outcomes) == sorted(["paid", SPENT_ONCE])


async def test_house_accounts_are_opened_once_a_currency(db: Connection) -> None:
    first = await ensure_house_accounts(db, "CNY")

    assert await ensure_house_accounts(db, "CNY") == first
    assert (
        first[House.FEE_INCOME] == house_account(House.FEE_INCOME, "CNY") == "house.fee-income.CNY"
    )
    with pytest.raises(CurrencyUnknown):
        house_account(House.FEE_INCOME, "XXX")
