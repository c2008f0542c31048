"""The price an order begins with: the product's, or what the merchant's contract fixes."""

from bankside.bank.merchants import Merchant
from bankside.catalog import AccountFee as Price
from bankside.catalog import Product
from bankside.orders import rules
from bankside.orders.model import AccountFee, Terms


def terms(product: Product, currency: str, merchant: Merchant | None = None) -> Terms:
    """The product's price, or the rate and maximum share the merchant's contract fixes."""
    fees = product.fees
    if fees is None:
        return Terms()
    rate_bp = fees.rate_bps
    if merchant is not None and merchant.fee_rate_bp is not None:
        rate_bp = merchant.fee_rate_bp
    return Terms(
        fee_rate_bp=rate_bp,
        fee_min=_bound(fees.min_minor, currency),
        fee_max=_bound(fees.max_minor, currency),
        split_share_max_bp=merchant.split_share_max_bp if merchant else 0,
        account=_account_fee(fees.account, currency),
    )


def _account_fee(fee: Price | None, currency: str) -> AccountFee | None:
    if fee is None:
        return None
    return AccountFee(
        minor=rules.in_currency(fee.cents, currency),
        months=fee.months,
        free_months=fee.free_months,
        waived_from=_bound(fee.waived_from_cents, currency),
    )


def _bound(minor: int | None, currency: str) -> int | None:
    return None if minor is None else rules.in_currency(minor, currency)
