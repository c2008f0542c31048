"""The product's limits: one transaction, and one day of one payer or merchant.

The day is the bank's date. What counts is what was moved, refunds do not free it again. A limit
that was read as free may be used up by a racing call: the day's row then violates its check, and
the commit raises LimitPerDay.
"""

from datetime import datetime

from bankside.catalog import Product
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection
from bankside.kernel.money import Money
from bankside.orders import rules, store_keys
from bankside.orders.errors import LimitPerDay
from bankside.orders.store_keys import Spending


async def admitted(
    db: Connection, product: Product, *, partner: str, subject: str, amount: Money, at: datetime
) -> Spending | None:
    """What to add to the day's use (None: the product has no limits).

    ``subject`` is the ledger account whose day it is. Raises LimitPerTransaction, LimitPerDay.
    """
    if product.limits is None:
        return None
    rules.within_transaction_limit(amount, product.limits.per_transaction_minor)
    return await admitted_today(db, product, partner=partner, subject=subject, amount=amount, at=at)


async def admitted_today(
    db: Connection, product: Product, *, partner: str, subject: str, amount: Money, at: datetime
) -> Spending | None:
    """The day's half of ``admitted``: for sums whose single payments were checked already."""
    if product.limits is None:
        return None
    ceiling = rules.in_currency(product.limits.per_day_minor, amount.currency)
    spending = Spending(
        partner=partner,
        product=product.id,
        subject=subject,
        currency=amount.currency,
        day=at.astimezone(BANK_ZONE).date(),
        minor=amount.minor,
        ceiling=ceiling,
    )
    if await store_keys.spent_today(db, spending) + amount.minor > ceiling:
        most = Money(ceiling, amount.currency)
        raise LimitPerDay(
            f"at most {most} {amount.currency} in one day", extra={"limit": most.to_json()}
        )
    return spending
