"""Instruments: who holds a claim, what the bank pays for it, and who is paid at maturity."""

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.orders.little_bank import LittleBank, cny
from tests.orders.test_order_engine import order as an_order

from bankside.bank.accounts import Account, House, house_account
from bankside.kernel.errors import BanksideError
from bankside.orders.primitives import instrument as primitive

VOUCHERS, DRAFTS = "supplychain.credit-vouchers", "bill.commercial-drafts"
FACTORINGS, LETTERS = "supplychain.factorings", "bill.domestic-letters-of-credit"
GUARANTEES = "bill.bank-guarantees"
MATURITY = "2026-06-01"


async def _issued(
    bank: LittleBank, product: str, drawer: Account, holder: Account, **more: Any
) -> str:
    asked = {
        "drawer_account": drawer.id,
        "holder": holder.customer,
        "holder_account": holder.id,
        "amount": cny("90.00"),
        "maturity": MATURITY,
        **more,
    }
    return str((await bank.shown(f"{product}.create", asked))["id"])


async def _at_maturity(bank: LittleBank) -> None:
    bank.clock.advance(datetime(2026, 6, 1, 2, tzinfo=UTC) - bank.clock.now())
    await bank.orders.expire()
    await bank.orders.expire()


async def test_a_split_voucher_pays_every_holder_its_part_at_maturity(bank: LittleBank) -> None:
    drawer, first, second = await bank.account("100.00"), await bank.account(), await bank.account()
    voucher = await _issued(bank, VOUCHERS, drawer, first)
    await bank.call(f"{VOUCHERS}.confirmations", {}, path=voucher)
    part = {"to_account": second.id, "amount": cny("30.00"), "endorsement_no": "E1"}
    endorsed = await bank.shown(f"{VOUCHERS}.endorsements", part, path=voucher)
    holders = endorsed["result"]["instrument"]["holders"]
    assert {each["account"]: each["amount"] for each in holders} == {
        first.id: cny("60.00"),
        second.id: cny("30.00"),
    }

    await _at_maturity(bank)

    assert [await bank.balance(each) for each in (drawer, first, second)] == [
        "10.00",
        "60.00",
        "30.00",
    ]
    shown = await bank.shown(f"{VOUCHERS}.query", path=voucher)
    assert (shown["state"], shown["status"]) == ("completed", "settled")


async def test_nobody_passes_on_more_than_it_holds(bank: LittleBank) -> None:
    drawer, holder, other = await bank.account("100.00"), await bank.account(), await bank.account()
    voucher = await _issued(bank, VOUCHERS, drawer, holder)
    await bank.call(f"{VOUCHERS}.confirmations", {}, path=voucher)

    for part in (
        {"to_account": other.id, "amount": cny("90.01")},
        {"from_account": other.id, "to_account": holder.id, "amount": cny("0.01")},
    ):
        with pytest.raises(BanksideError) as refused:
            await bank.call(f"{VOUCHERS}.endorsements", part, path=voucher)
        assert refused.value.code == "instrument.not_holder"


async def test_a_drawer_without_cover_owes_on_and_pays_late(bank: LittleBank) -> None:
    drawer, holder, helper = (
        await bank.account("10.00"),
        await bank.account(),
        await bank.account("100.00"),
    )
    voucher = await _issued(bank, VOUCHERS, drawer, holder)
    await bank.call(f"{VOUCHERS}.confirmations", {}, path=voucher)
    await _at_maturity(bank)
    shown = await bank.shown(f"{VOUCHERS}.query", path=voucher)
    assert (shown["status"], await bank.balance(holder)) == ("dishonoured", "0.00")
    gift = {"payer_account": helper.id, "payee_account": drawer.id, "amount": cny("80.00")}
    await bank.call("payment.internal-transfers.create", gift)

    paid = await bank.shown(f"{VOUCHERS}.settlements", {}, path=voucher)

    assert (paid["status"], await bank.balance(holder)) == ("settled", "90.00")


async def test_an_instrument_nobody_accepted_lapses(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    voucher = await _issued(bank, VOUCHERS, drawer, holder)

    await _at_maturity(bank)

    shown = await bank.shown(f"{VOUCHERS}.query", path=voucher)
    assert (shown["state"], await bank.balance(drawer)) == ("compensated", "100.00")


async def test_the_bank_buys_a_receivable_and_is_paid_by_its_drawer(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    books = [house_account(kind, "CNY") for kind in (House.DISCOUNTED_BILLS, House.INTEREST_INCOME)]
    before = await bank.money(*books)
    factoring = await _issued(bank, FACTORINGS, drawer, holder, document_no="CONTRACT-77")
    await bank.call(f"{FACTORINGS}.confirmations", {}, path=factoring)

    sold = await bank.shown(f"{FACTORINGS}.discounts", {"rate_bp": 360}, path=factoring)

    # 90.00 x 3.60 % x 91 days / 360 = 0.819, half-even 0.82.
    assert sold["result"]["instrument"]["discount"] == cny("0.82")
    assert await bank.balance(holder) == "89.18"
    await _at_maturity(bank)
    assert await bank.balance(drawer) == "10.00"
    after = await bank.money(*books)
    assert [a - b for a, b in zip(after, before, strict=True)] == [0, 82]


async def test_a_letter_of_credit_frees_its_margin_and_pays_on_one_day(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    more = {"contract_no": "C-9", "document_no": "BILL-OF-LADING-3"}
    letter = await _issued(bank, LETTERS, drawer, holder, **more)
    assert await bank.balance(drawer) == "10.00"
    await bank.call(f"{LETTERS}.confirmations", {}, path=letter)

    await _at_maturity(bank)
    await bank.orders.expire()

    shown = await bank.shown(f"{LETTERS}.query", path=letter)
    assert shown["status"] == "settled"
    assert await bank.balance(holder) == "90.00"


async def test_a_guarantee_s_margin_returns_when_it_is_given_back(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    more = {"contract_no": "C-9", "guarantee": "performance"}
    guarantee = await _issued(bank, GUARANTEES, drawer, holder, **more)
    held = await bank.balance(drawer)

    back = await bank.shown(f"{GUARANTEES}.settlements", {}, path=guarantee)

    assert (held, await bank.balance(drawer)) == ("10.00", "100.00")
    assert (back["state"], back["status"]) == ("completed", "released")


async def test_a_draft_is_accepted_once_and_settled_on_request(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    draft = await _issued(bank, DRAFTS, drawer, holder)
    with pytest.raises(BanksideError) as early:
        await bank.call(f"{DRAFTS}.settlements", {}, path=draft)
    await bank.call(f"{DRAFTS}.confirmations", {}, path=draft)
    with pytest.raises(BanksideError) as twice:
        await bank.call(f"{DRAFTS}.confirmations", {}, path=draft)

    with pytest.raises(BanksideError) as before_maturity:
        await bank.call(f"{DRAFTS}.settlements", {}, path=draft)
    assert before_maturity.value.detail == f"it matures on {MATURITY}"
    await _at_maturity(bank)
    await bank.call(f"{DRAFTS}.settlements", {}, path=draft)

    assert (early.value.code, twice.value.code) == ("instrument.state_refused",) * 2
    assert await bank.balance(holder) == "90.00"


@pytest.mark.parametrize("maturity", ["2026-03-02", "2027-03-04"])
async def test_a_draft_matures_tomorrow_at_the_earliest_and_within_a_year(
    bank: LittleBank, maturity: str
) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()

    with pytest.raises(BanksideError) as refused:
        await _issued(bank, DRAFTS, drawer, holder, maturity=maturity)

    assert refused.value.code == "instrument.maturity_invalid"


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(1, 9_000)), max_size=30)
)
def test_what_all_holders_hold_is_always_the_amount(
    moves: list[tuple[int, int, int]],
) -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    start = replace(an_order(VOUCHERS), roles={"drawer_account": "drawer"})
    step = start.plan[0]
    asked = {
        "holder": "acc0",
        "ledger": "led0",
        "party": "cus",
        "maturity": date(2026, 3, 2) + timedelta(days=90),
    }
    now = primitive.issue(start, step, {"instrument": asked}, at).order
    now = primitive.accept(now, step, {}, at).order
    for giver, taker, minor in moves:
        ask = {"from": f"acc{giver}", "to": f"acc{taker}", "to_ledger": f"led{taker}"}
        with suppress(BanksideError):
            now = primitive.endorse(now, step, {"instrument": {**ask, "amount": minor}}, at).order
        assert sum(now.shares.values()) == now.amount and min(now.shares.values()) > 0

    paid = primitive.settle(now, step, {}, at + timedelta(days=90))

    assert sum(leg.amount.minor for leg in paid.legs) == now.amount


@given(st.integers(1, 10**12), st.integers(1, 10_000), st.integers(1, 10_000))
def test_a_discount_is_exact_to_half_a_cent_and_grows_with_time(
    minor: int, rate_bp: int, days: int
) -> None:
    found = primitive.discount_on(minor, rate_bp, days)

    assert abs(found * 3_600_000 - minor * rate_bp * days) * 2 <= 3_600_000
    assert found <= primitive.discount_on(minor, rate_bp, days + 1)


async def test_a_pledged_draft_becomes_a_limit_once_it_is_accepted(bank: LittleBank) -> None:
    for product in ("bill.draft-pledges", "bill.draft-pools"):
        drawer, holder = await bank.account("100.00"), await bank.account()
        draft = await _issued(bank, product, drawer, holder)
        shown = await bank.shown(f"{product}.query", path=draft)
        if shown["waits_for"] == "instrument.accept":
            shown = await bank.shown(f"{product}.confirmations", {}, path=draft)

        assert shown["result"]["instrument"]["instrument_status"] == "accepted"
        assert "loan" in shown["result"], product


async def test_a_receivable_needs_an_invoice_that_stands_and_covers_it(bank: LittleBank) -> None:
    drawer, holder = await bank.account("100.00"), await bank.account()
    numbers = {}
    for total in ("90.00", "89.99"):
        line = {"name": "货款", "amount": cny(total), "tax_rate_bp": 0}
        asked = {"seller": bank.customer, "lines": [line], "total": cny(total)}
        invoice = await bank.shown("bill.invoices.create", asked)
        numbers[total] = (invoice["id"], invoice["result"]["invoice"]["invoice_no"])

    good = await _issued(
        bank, "supplychain.receivables", drawer, holder, invoice_no=numbers["90.00"][1]
    )
    shown = await bank.shown("supplychain.receivables.query", path=good)
    assert shown["result"]["verify"]["document"]["source"] == "bank"
    await bank.call("bill.invoices.revoke", {}, path=numbers["90.00"][0])
    for total in numbers:
        with pytest.raises(BanksideError) as refused:
            await _issued(
                bank, "supplychain.receivables", drawer, holder, invoice_no=numbers[total][1]
            )
        assert refused.value.code == "verification.failed"
