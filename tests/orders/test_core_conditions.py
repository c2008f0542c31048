"""What inputs of core products do after they were taken: papers, milestones, charges, sweeps."""

from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny
from tests.orders.requests import World, stand_up, valid
from tests.orders.requests.money import MONEY, usd

from bankside.bank.accounts import House, house_account
from bankside.catalog import load
from bankside.kernel.errors import BanksideError


@pytest.fixture
async def world(bank: LittleBank) -> World:
    """People and accounts that nobody used yet."""
    return await stand_up(bank)


async def _refused(bank: LittleBank, operation: str, body: Any, **more: Any) -> str:
    with pytest.raises(BanksideError) as refused:
        await bank.call(operation, body, **more)
    return refused.value.code


def _asked(product_id: str, word: str, world: World, **more: Any) -> dict[str, Any]:
    product = load().products[product_id]
    operation = load().operations[f"{product_id}.{word}"]
    return {**valid(product, operation, world), **more}


async def test_escrow_is_paid_out_for_a_condition_with_its_proof(
    bank: LittleBank, world: World
) -> None:
    body = _asked("merchant.escrow-payments", "create", world, conditions=[{"name": "收货"}])
    order = (await bank.shown("merchant.escrow-payments.create", body))["id"]
    captures, part = "merchant.escrow-payments.captures", {"amount": cny("4.00")}

    for more in ({}, {"condition": "验收", "evidence_no": "E-1"}, {"condition": "收货"}):
        assert await _refused(bank, captures, part | more, path=order) == "escrow.condition_unmet"
    kept = {"condition": "收货", "evidence_no": "E-1"}
    paid = await bank.shown(captures, part | kept, path=order)

    assert paid["captured"] == cny("4.00")
    assert paid["request"]["conditions"] == [{"name": "收货"}]


async def test_supervised_money_is_paid_out_up_to_the_share_of_a_milestone(
    bank: LittleBank, world: World
) -> None:
    shares = [{"name": "封顶", "share_bp": 6_000}, {"name": "交付", "share_bp": 4_000}]
    body = _asked("treasury.supervised-funds", "create", world, milestones=shares)
    order = (await bank.shown("treasury.supervised-funds.create", body))["id"]
    captures = "treasury.supervised-funds.captures"
    first = {"milestone": "封顶", "amount": cny("6.00")}

    over = await _refused(bank, captures, first | {"amount": cny("6.01")}, path=order)
    await bank.call(captures, first, path=order)
    again = await _refused(bank, captures, first | {"amount": cny("0.01")}, path=order)
    nameless = await _refused(bank, captures, {"amount": cny("0.01")}, path=order)
    last = await bank.shown(captures, {"milestone": "交付", "amount": cny("4.00")}, path=order)

    assert {over, again, nameless} == {"supervision.milestone_exceeded"}
    assert last["paid"] == cny("10.00")
    assert last["result"]["milestones"] == {"封顶": cny("6.00"), "交付": cny("4.00")}


async def test_what_a_court_froze_is_freed_by_its_paper(bank: LittleBank, world: World) -> None:
    body = _asked("account.account-controls", "create", world, ground="court", order_no="A-1")
    order = (await bank.shown("account.account-controls.create", body))["id"]
    lifts = "account.account-controls.closures"

    without = await _refused(bank, lifts, {}, path=order)
    freed = await bank.shown(lifts, {"order_no": "A-2"}, path=order)

    assert without == "account.paper_missing"
    assert freed["result"]["account"]["status"] == "open"


@pytest.mark.parametrize(
    ("charges", "amount", "fee"),
    [
        (None, "100.00", "7.00"),
        ("SHA", "20000.00", "20.00"),
        ("SHA", "90000.00", "36.00"),
        ("OUR", "100.00", "32.00"),
        ("OUR", "90000.00", "61.00"),
        ("BEN", "100.00", "0.00"),
    ],
)
async def test_a_remittance_costs_what_its_charges_option_says(
    bank: LittleBank, world: World, charges: str | None, amount: str, fee: str
) -> None:
    await bank.account("100000.00", currency="USD")
    body = MONEY["forex.outward-remittances.create"](world) | {
        "payer_account": bank.accounts[-1].id,
        "amount": usd(amount),
        **({"charges": charges} if charges else {}),
    }

    shown = await bank.shown("forex.outward-remittances.create", body)

    assert shown["fee"] == usd(fee)
    assert (await bank.money(house_account(House.FEE_INCOME, "USD")))[0] >= 0


async def test_a_sweep_leaves_a_surplus_that_is_not_worth_it(
    bank: LittleBank, world: World
) -> None:
    body = MONEY["treasury.cash-sweeps.create"](world)  # 990.00 are above what is kept.
    small = await bank.shown("treasury.cash-sweeps.create", body | {"at_least": cny("990.01")})
    worth = await bank.shown("treasury.cash-sweeps.create", body | {"at_least": cny("990.00")})

    assert (small["paid"], worth["paid"]) == (cny("0.00"), cny("990.00"))


async def test_a_company_has_one_basic_account(bank: LittleBank, world: World) -> None:
    operation, body = "account.business-accounts.create", MONEY["account.business-accounts.create"]
    opened = await bank.shown(operation, body(world))

    second = await _refused(bank, operation, body(world))
    general = {"account_kind": "general", "basic_permit_no": "J1000000123456"}
    beside = await bank.shown(operation, body(world) | general)

    assert second == "account.class_full"
    assert opened["result"]["account"]["account_class"] == "basic"
    assert beside["result"]["account"]["account_class"] == "general"
    assert "legal_representative_no" not in opened["request"]


@pytest.mark.parametrize("kind", ["general", "special"])
async def test_a_further_company_account_needs_its_paper(
    bank: LittleBank, world: World, kind: str
) -> None:
    body = MONEY["account.business-accounts.create"](world) | {"account_kind": kind}

    assert await _refused(bank, "account.business-accounts.create", body) == "account.paper_missing"


async def test_a_representative_has_a_number_with_a_right_check_digit(
    bank: LittleBank, world: World
) -> None:
    number = world["number"]
    wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
    body = MONEY["account.business-accounts.create"](world) | {"legal_representative_no": wrong}

    assert await _refused(bank, "account.business-accounts.create", body) == "request.invalid"


async def test_a_card_that_is_virtual_is_not_sent(bank: LittleBank, world: World) -> None:
    body = MONEY["card.debit-cards.create"](world) | {
        "form": "virtual",
        "delivery": "post",
        "delivery_address": "北京市东城区1号",
    }

    assert await _refused(bank, "card.debit-cards.create", body) == "card.address_missing"


async def test_a_checkout_goes_back_to_where_its_partner_said(
    bank: LittleBank, world: World
) -> None:
    body = _asked(
        "merchant.checkout-payments",
        "create",
        world,
        items=[{"name": "茶", "quantity": 2, "unit_price": cny("5.00")}],
        payer_token=None,
    )

    shown = await bank.shown("merchant.checkout-payments.create", body)

    assert shown["status"] == "waiting"
    assert shown["request"]["items"][0]["unit_price"] == cny("5.00")


async def test_records_are_chosen_by_product_and_by_status(bank: LittleBank, world: World) -> None:
    await bank.call(
        "wealth.fund-subscriptions.create", MONEY["wealth.fund-subscriptions.create"](world)
    )
    await bank.call(
        "metalbond.gold-purchases.create", MONEY["metalbond.gold-purchases.create"](world)
    )
    subject = {"subject": world["payer"]}

    gold = await bank.shown(
        "wealth.holdings.list", query=subject | {"product": "metalbond.gold-purchases"}
    )
    none = await bank.shown("loan.loan-schedules.list", query=subject | {"status": "overdue"})

    assert [each["product"] for each in gold["items"]] == ["metalbond.gold-purchases"]
    assert none["items"] == []


async def _exchanged(bank: LittleBank, world: World, amount: Any, **more: Any) -> Any:
    """Yuan of the payer for dollars, or, with ``back``, dollars for yuan."""
    ends = (world["dollars"], world["payer"]) if more.pop("back", False) else None
    payer, payee = ends or (world["payer"], world["dollars"])
    body = {"payer_account": payer, "payee_account": payee, "amount": amount, **more}
    return await bank.call("forex.spot-exchanges.create", body)


async def test_a_person_buys_fifty_thousand_dollars_a_year_on_its_own_word(
    bank: LittleBank, world: World
) -> None:
    await _exchanged(bank, world, usd("49999.99"))

    with pytest.raises(BanksideError) as over:
        await _exchanged(bank, world, usd("0.02"))
    await _exchanged(bank, world, usd("0.01"))
    await _exchanged(bank, world, usd("20000.00"), evidence_no="OFFER-2026-1")
    await _exchanged(bank, world, usd("50000.00"), back=True)  # Selling counts apart.
    with pytest.raises(BanksideError) as sold:
        await _exchanged(bank, world, usd("0.01"), back=True)

    assert over.value.code == sold.value.code == "fx.quota_exceeded"
    assert over.value.extra["left"] == usd("0.01")


async def test_the_quota_of_a_person_is_new_every_year(bank: LittleBank, world: World) -> None:
    await _exchanged(bank, world, usd("50000.00"))
    bank.clock.advance(timedelta(days=304))  # 31 December 2026, at ten in the morning.

    with pytest.raises(BanksideError) as same_year:
        await _exchanged(bank, world, usd("0.01"))
    bank.clock.advance(timedelta(hours=14))
    await _exchanged(bank, world, usd("0.01"))

    assert same_year.value.code == "fx.quota_exceeded"


async def test_a_quote_that_runs_out_leaves_the_quota_as_it_was(
    bank: LittleBank, world: World
) -> None:
    await _exchanged(bank, world, usd("50000.00"), quote_only=True)
    with pytest.raises(BanksideError) as quoted:
        await _exchanged(bank, world, usd("0.01"))
    bank.clock.advance(timedelta(seconds=121))
    await bank.orders.expire()

    await _exchanged(bank, world, usd("50000.00"))

    assert quoted.value.code == "fx.quota_exceeded"


async def test_other_currencies_count_at_what_they_are_worth_in_dollars(
    bank: LittleBank, world: World
) -> None:
    euros = await bank.account("0.00", currency="EUR")
    more = {"payee_account": euros.id}

    with pytest.raises(BanksideError) as over:
        await _exchanged(bank, world, {"amount": "46200.00", "currency": "EUR"}, **more)
    await _exchanged(bank, world, {"amount": "46100.00", "currency": "EUR"}, **more)

    assert over.value.code == "fx.quota_exceeded"


async def test_a_company_exchanges_without_a_quota(bank: LittleBank, world: World) -> None:
    own, bank.customer = bank.customer, world["company"]
    payer, dollars = await bank.account("600000.00"), await bank.account(currency="USD")
    bank.customer = own
    ends = {"payer_account": payer.id, "payee_account": dollars.id}

    answer = await _exchanged(bank, world, usd("50000.01"), **ends)

    assert answer.status == 201
