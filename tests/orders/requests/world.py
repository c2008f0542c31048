"""The people and accounts that valid requests name: one fresh world a test.

A rich payer, a payee, accounts in dollars, a pension account, a company, a merchant with a
registered rider, and a payment code; all of one partner, none of them used before.
"""

import secrets
from datetime import timedelta
from typing import Any

from tests.orders.little_bank import LittleBank, a_person

from bankside.bank.accounts import Opening, ProductClass, open_account
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.customers import customer as find_customer
from bankside.kernel.clock import booking_date
from bankside.kernel.db import transaction
from bankside.kernel.money import Money

# ``bank`` and ids by name; ``day(n)`` is the bank's date in n days, as requests write it; ``no``
# is a number of the partner's own that it used for nothing yet.
World = dict[str, Any]


async def stand_up(bank: LittleBank) -> World:
    """Everything a request of the catalogue may name."""
    payer, payee = await bank.account("900000.00"), await bank.account("1000.00")
    dollars = await bank.account("5000.00", currency="USD")
    merchant = await bank.merchant(tenant=bank.tenant)
    # Refunds of what is settled, and claims on an insurer, are paid from here.
    await bank.pay_in(merchant.settlement_ledger_account, Money.parse("100.00", "CNY"))
    assert bank.customer is not None
    async with transaction(bank.pool) as db:
        person = await find_customer(db, bank.partner, bank.customer)
        pension = await open_account(
            db,
            bank.clock,
            bank.partner,
            Opening(customer=person.id, product_class=ProductClass.PENSION, currency="CNY"),
        )
        company = await register(db, bank.clock, bank.partner, _company())
        # Somebody without a pension account: a person has one.
        saver = await register(db, bank.clock, bank.partner, a_person())
    # Whoever meets the condition is paid out of it.
    await bank.pay_in(pension.ledger_account, Money.parse("100.00", "CNY"))
    today = booking_date(bank.clock)
    return {
        "bank": bank,
        "payer": payer.id,
        "payee": payee.id,
        "dollars": dollars.id,
        "pension": pension.id,
        "merchant": merchant.id,
        "rider": (await bank.receiver(merchant)).id,
        "token": await bank.token(payer),
        "holder": person.id,
        "number": person.resident_id,
        "card_no": payer.number,
        "saver": saver.id,
        "saver_number": saver.resident_id,
        "company": company.id,
        "credit_code": company.credit_code,
        "no": f"N{secrets.token_hex(5)}",
        "day": lambda days: (today + timedelta(days=days)).isoformat(),
    }


def _company() -> Registration:
    digits = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    base = "91110105" + "".join(secrets.choice("0123456789") for _ in range(9))
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(digits.index(each) * weight for each, weight in zip(base, weights, strict=True))
    return Registration(
        kind=CustomerKind.CORPORATE,
        name_zh="海棠科技有限公司",
        name_en="Begonia Tech Ltd",
        credit_code=base + digits[-total % 31],
    )
