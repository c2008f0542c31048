"""What a person may exchange between yuan and other currencies in a year without a paper.

Source: Implementation Rules of the Measures for Foreign Exchange of Individuals (SAFE notice
2007-1), article 2: buying and selling count apart, 50,000 US dollars each for every person and
year; articles 10 to 12: what a paper proves is exchanged beside it. The year is the bank's. Other
currencies count at what the bank pays in dollars for them now. An exchange counts once it is
quoted, and no longer when it is undone.
"""

from datetime import date, datetime
from typing import Final

from bankside.bank.customers import CustomerKind, customer
from bankside.bank.markets import Market
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.db import Connection, Write
from bankside.kernel.money import Money
from bankside.orders import store_keys
from bankside.orders.errors_core import ExchangeQuotaExceeded
from bankside.orders.model import Order
from bankside.orders.store_keys import Spending

QUOTA: Final = Money(5_000_000, "USD")
# The product by which a person exchanges on its own word; others ask for a document in any case.
PRODUCT: Final = "forex.spot-exchanges"
_OWN: Final = "CNY"


def is_counted(order: Order, sold: Money, bought: Money) -> bool:
    """Whether this is an exchange of yuan that no paper stands behind."""
    yuan = _OWN in (sold.currency, bought.currency)
    return order.product == PRODUCT and yuan and "evidence_no" not in order.input


def in_dollars(money: Money, market: Market, at: datetime) -> Money:
    """The same in US dollars, rounded down."""
    if money.currency == QUOTA.currency:
        return money
    rate = market.rate(money.currency, QUOTA.currency, at)
    return Money(rate.bought(money.minor), QUOTA.currency)


async def used(
    db: Connection, partner: str, owner: str, dollars: Money, *, buys: bool, at: datetime
) -> tuple[Write, ...]:
    """The row that counts ``dollars`` for the year, to commit with the quote; none for a company.

    It stands on the year's last day. Raises ExchangeQuotaExceeded.
    """
    if (await customer(db, partner, owner)).kind is not CustomerKind.RETAIL:
        return ()
    spending = Spending(
        partner=partner,
        product=f"forex.individual.{'buy' if buys else 'sell'}",
        subject=owner,
        currency=QUOTA.currency,
        day=date(at.astimezone(BANK_ZONE).year, 12, 31),
        minor=dollars.minor,
        ceiling=QUOTA.minor,
    )
    left = QUOTA.minor - await store_keys.spent_today(db, spending)
    if dollars.minor > left:
        shown = Money(max(left, 0), QUOTA.currency)
        raise ExchangeQuotaExceeded(
            f"{shown} {shown.currency} are left of this year; more needs its evidence_no",
            extra={"left": shown.to_json()},
        )
    return (store_keys.spent(spending),)
