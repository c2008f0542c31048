"""kill -9 at every commit of every kind of order, on either side of it; then the same calls again.

Each story is a list of calls with fixed keys. A child process tells it and is killed at its n-th
commit: before the database was asked to commit, or after it had and before anybody was answered.
Then the story is told again from its beginning by another process, with the same keys, as a partner
would. The accounts must end as if nothing had happened.
"""

from datetime import date, timedelta

import pytest
from tests.crash.stories import Facts, Story, survives, tell
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.ledger import AccountStatus, carry_out, set_status

pytestmark = pytest.mark.crash

TODAY = date(2026, 3, 2)
# A story that is told again relies on its keys, and those are kept for 7 days.
KEYS_LIVE = 6


async def transfer(bank: LittleBank, facts: Facts) -> None:
    body = {
        "payer_account": facts["payer"],
        "payee_account": facts["rider"],
        "amount": cny("30.00"),
    }
    await tell(bank, "1", "payment.internal-transfers.create", body)


async def collected(bank: LittleBank, facts: Facts) -> None:
    body = {"merchant": facts["merchant"], "order_no": "C", "amount": cny("50.00")}
    order = await tell(bank, "1", "merchant.collection-codes.create", body)
    payer = {"order": order, "payer_token": facts["token"]}
    await tell(bank, "2", "platform.payer-confirmations.create", payer)
    refund = {"order": order, "refund_no": "R1", "amount": cny("10.00")}
    await tell(bank, "3", "merchant.merchant-refunds.create", refund)
    await bank.orders.end_of_day(TODAY)
    refund = {"order": order, "refund_no": "R2", "amount": cny("5.00")}
    await tell(bank, "4", "merchant.merchant-refunds.create", refund)


async def split(bank: LittleBank, facts: Facts) -> None:
    body = {
        "merchant": facts["merchant"],
        "order_no": "S",
        "amount": cny("50.00"),
        "payer_token": facts["token"],
        "receivers": [{"account": facts["rider"]}],
    }
    order = await tell(bank, "1", "merchant.split-orders.create", body)
    share = {"receivers": [{"account": facts["rider"], "amount": cny("20.00")}]}
    await tell(bank, "2", "merchant.split-orders.splits", share, order)
    back = {"account": facts["rider"], "amount": cny("5.00")}
    await tell(bank, "3", "merchant.split-orders.returns", back, order)
    await tell(bank, "4", "merchant.split-orders.finishes", {}, order)


async def held(bank: LittleBank, facts: Facts) -> None:
    body = {
        "merchant": facts["merchant"],
        "order_no": "H",
        "amount": cny("50.00"),
        "payer_token": facts["token"],
    }
    order = await tell(bank, "1", "merchant.preauthorizations.create", body)
    await tell(bank, "2", "merchant.preauthorizations.captures", {"amount": cny("20.00")}, order)
    await tell(bank, "3", "merchant.preauthorizations.closures", {}, order)


async def timed_out(bank: LittleBank, facts: Facts) -> None:
    body = {
        "merchant": facts["merchant"],
        "order_no": "H",
        "amount": cny("50.00"),
        "payer_token": facts["token"],
        "expires_in_seconds": 60,
    }
    order = await tell(bank, "1", "merchant.preauthorizations.create", body)
    await tell(bank, "2", "merchant.preauthorizations.captures", {"amount": cny("20.00")}, order)
    bank.clock.advance(timedelta(minutes=2))
    await bank.orders.expire()


async def batch(bank: LittleBank, facts: Facts) -> None:
    payees = [facts["rider"], "acc_nowhere", facts["rider"]]
    body = {
        "payer_account": facts["payer"],
        "lines": [
            {"line_no": number, "payee_account": payee, "amount": cny("10.00")}
            for number, payee in enumerate(payees, start=1)
        ],
        "total": cny("30.00"),
        "count": 3,
    }
    order = await tell(bank, "1", "payment.bulk-transfers.create", body)
    await bank.orders.resume(order, partner=bank.partner)
    again = await tell(bank, "2", "payment.bulk-transfers.retries", {}, order)
    await bank.orders.resume(again, partner=bank.partner)


async def sent_back(bank: LittleBank, facts: Facts) -> None:
    body = {
        "merchant": facts["merchant"],
        "order_no": "B",
        "amount": cny("50.00"),
        "payer_token": facts["token"],
    }
    await tell(bank, "1", "merchant.scan-payments.create", body)
    async with bank.pool.acquire() as db:
        await carry_out(db, set_status(facts["settlement"], AccountStatus.CLOSED))
    await bank.orders.end_of_day(TODAY)


async def deposited(bank: LittleBank, facts: Facts) -> None:
    body = {"account": facts["payer"], "product_code": "TD-3M", "amount": cny("60.00")}
    order = await tell(bank, "1", "account.term-deposits.create", body)
    bank.clock.advance(timedelta(days=KEYS_LIVE))
    await bank.orders.expire()
    await tell(bank, "2", "account.term-deposits.cancellations", {}, order)


async def opened(bank: LittleBank, facts: Facts) -> None:
    body = {"master_account": facts["payer"], "name": "sub", "amount": cny("40.00")}
    order = await tell(bank, "1", "account.sub-accounts.create", body)
    body = {"sweep_to": facts["rider"]}
    await tell(bank, "2", "account.sub-accounts.closures", body, order)


async def sent_out(bank: LittleBank, facts: Facts) -> None:
    for number, account in enumerate(("622200000000", "622200009002", "622200009102"), start=1):
        body = {
            "payer_account": facts["payer"],
            "payee_account_no": account,
            "payee_name": "Wang",
            "payee_bank": "102100099996",
            "amount": cny("20.00"),
        }
        await tell(bank, str(number), "payment.interbank-transfers.create", body)
    await bank.orders.expire()
    bank.clock.advance(timedelta(minutes=2))
    await bank.orders.expire()


async def lent(bank: LittleBank, facts: Facts) -> None:
    body = {
        "borrower": facts["customer"],
        "account": facts["payer"],
        "amount": cny("1200.00"),
        "term_months": 12,
    }
    order = await tell(bank, "1", "loan.personal-loans.applications-create", body)
    await tell(bank, "2", "loan.personal-loans.drawdowns", {}, order)
    bank.clock.advance(timedelta(days=KEYS_LIVE))
    await bank.orders.expire()
    await tell(bank, "3", "loan.personal-loans.repayments", {}, order)


async def invested(bank: LittleBank, facts: Facts) -> None:
    body = {
        "account": facts["payer"],
        "product_code": "WM-CASH",
        "amount": cny("50.00"),
        "risk_grade": "C3",
    }
    order = await tell(bank, "1", "wealth.wealth-subscriptions.create", body)
    bank.clock.advance(timedelta(days=KEYS_LIVE))
    await bank.orders.expire()
    part = {"holding": order, "units": "20.0000"}
    await tell(bank, "2", "wealth.wealth-redemptions.create", part)
    await tell(bank, "3", "wealth.wealth-redemptions.create", {"holding": order})


async def exchanged(bank: LittleBank, facts: Facts) -> None:
    body = {
        "payer_account": facts["payer"],
        "payee_account": facts["dollars"],
        "amount": cny("71.20"),
        "quote_only": True,
    }
    order = await tell(bank, "1", "forex.spot-exchanges.create", body)
    await tell(bank, "2", "forex.spot-exchanges.confirmations", {}, order)


# What payer, rider, settlement account and pending account hold when the story was told whole.
STORIES: list[tuple[Story, list[int]]] = [
    (transfer, [7_000, 3_000, 0, 0]),
    (collected, [6_500, 0, 3_460, 0]),
    (split, [5_000, 1_500, 3_450, 0]),
    (held, [8_000, 0, 1_980, 0]),
    (timed_out, [8_000, 0, 1_980, 0]),
    (batch, [7_999, 2_000, 0, 0]),
    (sent_back, [10_000, 0, 0, 0]),
    # 60.00 at 0.05 % for 6 days: less than half a cent.
    (deposited, [10_000, 0, 0, 0]),
    (opened, [6_000, 4_000, 0, 0]),
    # One of three arrives.
    (sent_out, [8_000, 0, 0, 0]),
    # 4.35 interest for the month, 6 days of 31.
    (lent, [9_916, 0, 0, 0]),
    # 0.08 of fee, 0.03 of gain.
    (invested, [9_995, 0, 0, 0]),
    (exchanged, [2_880, 0, 0, 0]),
]


@pytest.mark.parametrize(
    ("story", "expected"), STORIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_killed_story_told_again_ends_with_the_same_books(
    fresh_url: str, story: Story, expected: list[int]
) -> None:
    survives(fresh_url, story, expected)
