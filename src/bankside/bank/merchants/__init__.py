"""Merchants: for whom money is collected, where it is settled, who may share in it.

Always true: a merchant has one currency, that of its settlement account, and a ledger account of
its own for what was collected and not settled yet; its split receivers are accounts of the same
data space (``partner``) and currency.

Public: Merchant, MerchantTerms, Receiver, register_merchant, merchant, merchants, only_merchant,
register_receiver, receivers, settled_to, tenant_customers, SPLIT_SHARE_MAX_BP_DEFAULT, and the
refusals of ``errors``.
"""

from bankside.bank.merchants.errors import (
    MerchantExists,
    MerchantNotFound,
    MerchantTermsInvalid,
    ReceiverCurrencyMismatch,
    ReceiverIsMerchant,
    ReceiversTooMany,
)
from bankside.bank.merchants.model import (
    SPLIT_SHARE_MAX_BP_DEFAULT,
    Merchant,
    MerchantTerms,
    Receiver,
)
from bankside.bank.merchants.service import (
    admitted,
    drafted_merchant,
    merchant,
    merchants,
    only_merchant,
    receivers,
    register_merchant,
    register_receiver,
    registered,
    tenant_customers,
)
from bankside.bank.merchants.store import settled_to

__all__ = [
    "SPLIT_SHARE_MAX_BP_DEFAULT",
    "Merchant",
    "MerchantExists",
    "MerchantNotFound",
    "MerchantTerms",
    "MerchantTermsInvalid",
    "Receiver",
    "ReceiverCurrencyMismatch",
    "ReceiverIsMerchant",
    "ReceiversTooMany",
    "admitted",
    "drafted_merchant",
    "merchant",
    "merchants",
    "only_merchant",
    "receivers",
    "register_merchant",
    "register_receiver",
    "registered",
    "settled_to",
    "tenant_customers",
]
