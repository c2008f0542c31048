"""The crash stories of papers: mandates, bills, tickets, instruments, policies, withheld taxes.

Like ``test_orders_survive_kill``: a child is killed at each of its commits, on either side of it,
the story is told again with the same keys, and the accounts end as if nothing had happened.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from tests.crash.stories import Facts, Story, survives, tell
from tests.orders.little_bank import LittleBank, cny

pytestmark = pytest.mark.crash

TODAY = date(2026, 3, 2)


async def debited(bank: LittleBank, facts: Facts) -> None:
    mandate = await _mandate(bank, facts)
    asked = {"mandate": mandate, "amount": cny("20.00"), "reference": "D1"}
    await tell(bank, "2", "payment.direct-debits.create", asked)
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()
    await tell(bank, "3", "payment.direct-debits.mandates-revoke", {}, mandate)


async def _mandate(bank: LittleBank, facts: Facts) -> str:
    terms = {
        "payer_account": facts["payer"],
        "payee_account": facts["rider"],
        "limit": cny("40.00"),
        "amount": cny("30.00"),
        "period": "monthly",
        "first_on": "2026-03-03",
    }
    return await tell(bank, "1", "payment.direct-debits.mandates-create", terms)


async def billed(bank: LittleBank, facts: Facts) -> None:
    asked = {
        "merchant": facts["merchant"],
        "order_no": "B1",
        "amount": cny("50.00"),
        "payer_no": "7",
    }
    bill = await tell(bank, "1", "payment.bill-payments.create", asked)
    pay = {"payer_token": facts["token"]}
    await tell(bank, "2", "payment.bill-payments.payments", pay, bill)
    back = {"amount": cny("10.00"), "refund_no": "R1"}
    await tell(bank, "3", "payment.bill-payments.refunds", back, bill)


async def couponed(bank: LittleBank, facts: Facts) -> None:
    asked = {
        "holder": await _holder(bank, facts),
        "account": facts["payer"],
        "amount": cny("20.00"),
        "code": "CODE-1",
    }
    used = await tell(bank, "1", "engage.coupons.create", asked)
    redeem = {"code": "CODE-1", "payee_account": facts["rider"]}
    await tell(bank, "2", "engage.coupons.redemptions", redeem, used)
    await tell(bank, "3", "engage.coupons.create", {**asked, "valid_until": "2026-03-02"})
    bank.clock.advance(timedelta(days=1))
    await bank.orders.expire()


async def sold(bank: LittleBank, facts: Facts) -> None:
    asked = {
        "merchant": facts["merchant"],
        "holder": await _holder(bank, facts),
        "account": facts["payer"],
        "amount": cny("30.00"),
        "code": "CODE-2",
        "benefit": "会员",
    }
    right = await tell(bank, "1", "engage.membership-benefits.create", asked)
    await tell(bank, "2", "engage.membership-benefits.redemptions", {"code": "CODE-2"}, right)
    await bank.orders.end_of_day(TODAY)


async def vouched(bank: LittleBank, facts: Facts) -> None:
    product = "supplychain.credit-vouchers"
    voucher = await _issued(bank, facts, product)
    await tell(bank, "2", f"{product}.confirmations", {}, voucher)
    part = {"to_account": facts["settlement"], "amount": cny("10.00"), "endorsement_no": "E1"}
    await tell(bank, "3", f"{product}.endorsements", part, voucher)
    bank.clock.advance(timedelta(days=5))
    await bank.orders.expire()


async def credited(bank: LittleBank, facts: Facts) -> None:
    product = "bill.domestic-letters-of-credit"
    papers = {"contract_no": "C1", "document_no": "LADING-1"}
    letter = await _issued(bank, facts, product, **papers)
    await tell(bank, "2", f"{product}.confirmations", {}, letter)
    bank.clock.advance(timedelta(days=5))
    for _ in range(3):
        await bank.orders.expire()


async def _issued(bank: LittleBank, facts: Facts, product: str, **more: Any) -> str:
    asked: Mapping[str, Any] = {
        "drawer_account": facts["payer"],
        "holder": await _holder(bank, facts),
        "holder_account": facts["rider"],
        "amount": cny("60.00"),
        "maturity": "2026-03-06",
        **more,
    }
    return await tell(bank, "1", f"{product}.create", asked)


async def insured(bank: LittleBank, facts: Facts) -> None:
    asked = {
        "insured": await _holder(bank, facts),
        "merchant": facts["merchant"],
        "account": facts["payer"],
        "amount": cny("30.00"),
        "product_code": "ACCIDENT-1",
        "cover": cny("10000.00"),
        "from_on": "2026-03-02",
        "to_on": "2027-03-01",
    }
    policy = await tell(bank, "1", "insurance.insurance-policies.create", asked)
    await bank.orders.end_of_day(TODAY)
    claim = {
        "policy": policy,
        "amount": cny("20.00"),
        "incident_on": "2026-03-02",
        "document_no": "REPORT-1",
        "account": facts["rider"],
    }
    paid = await tell(bank, "2", "insurance.insurance-claims.create", claim)
    await bank.orders.resume(paid, partner=bank.partner)


async def withheld(bank: LittleBank, facts: Facts) -> None:
    asked = {
        "payer_account": facts["payer"],
        "lines": [
            {"line_no": 1, "payee_account": facts["rider"], "amount": cny("50.00")},
            {"line_no": 2, "payee_account": "acc_nowhere", "amount": cny("40.00")},
        ],
        "total": cny("90.00"),
        "count": 2,
        "platform": "跑跑",
        "period": "2026-02",
    }
    order = await tell(bank, "1", "payroll.gig-settlements.create", asked)
    await bank.orders.resume(order, partner=bank.partner)


async def _holder(bank: LittleBank, facts: Facts) -> str:
    async with bank.pool.acquire() as db:
        found = await db.fetchval(
            "select customer_id from bank.accounts where partner_id = $1 and account_id = $2",
            bank.partner,
            facts["rider"],
        )
    return str(found)


# What payer, rider, settlement account and pending account hold when the story was told whole.
STORIES: list[tuple[Story, list[int]]] = [
    (debited, [4_995, 5_000, 0, 0]),
    (billed, [6_000, 0, 3_950, 0]),
    (couponed, [8_000, 2_000, 0, 0]),
    (sold, [7_000, 0, 2_970, 0]),
    (vouched, [4_000, 5_000, 1_000, 0]),
    (credited, [4_000, 6_000, 0, 0]),
    (insured, [7_000, 2_000, 970, 0]),
    (withheld, [4_900, 5_000, 0, 0]),
]


@pytest.mark.parametrize(
    ("story", "expected"), STORIES, ids=lambda each: getattr(each, "__name__", "")
)
def test_a_killed_story_of_papers_told_again_ends_with_the_same_books(
    fresh_url: str, story: Story, expected: list[int]
) -> None:
    survives(fresh_url, story, expected)
