"""The payees and standing orders of the demo's customers, all within one data space."""

from datetime import date

from bankside.app.demo.spec import CustomerSpec, PartnerSpec, demo_id
from bankside.bank.accounts import account
from bankside.bank.beneficiaries import NewBeneficiary, keep_beneficiary
from bankside.bank.customers import customer
from bankside.bank.standing_orders import NewStandingOrder, set_up
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.money import Money

# Standing orders of the demo begin here: before any demo was ever seeded.
FIRST_ON = date(2026, 1, 5)


async def seed_payees(db: Connection, clock: Clock, spec: PartnerSpec) -> None:
    """Every customer of the data space has the payees and standing orders that its spec names."""
    for each in spec.customers:
        await _payees(db, clock, spec.key, each)


async def _payees(db: Connection, clock: Clock, space: str, spec: CustomerSpec) -> None:
    partner = demo_id("partner", space)
    for each in spec.payees:
        payer = await account(db, partner, demo_id("account", space, each.account))
        payee = await account(db, partner, demo_id("account", space, each.payee))
        owner = await customer(db, partner, payee.customer)
        kept = NewBeneficiary(
            account=payer.id,
            name=owner.name_zh,
            creditor_account=payee.number,
            reference=each.reference,
            trusted=each.trusted,
        )
        await keep_beneficiary(db, clock, partner, kept)
        if each.monthly is not None:
            order = NewStandingOrder(
                id=demo_id("standing_order", space, each.account, each.payee),
                account=payer.id,
                payee_account=payee.number,
                payee_name=owner.name_zh,
                amount=Money.parse(each.monthly, payer.currency),
                frequency="IntrvlMnthDay:01:05",
                first_on=FIRST_ON,
                reference=each.reference,
            )
            await set_up(db, clock, partner, order)
