"""Refusals of the merchants slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class MerchantNotFound(NotFound):
    """There is no such merchant in this data space."""

    code = "merchant.not_found"


class MerchantExists(Refused):
    """A merchant with this id is registered already."""

    code = "merchant.exists"


class MerchantTermsInvalid(Invalid):
    """The fee rate is 0 to 1000 basis points, the split share 0 to 10000."""

    code = "merchant.terms_invalid"


class ReceiverIsMerchant(Refused):
    """A merchant's own settlement account is no receiver of its splits."""

    code = "merchant.receiver_is_merchant"


class ReceiverCurrencyMismatch(Refused):
    """A receiver's account keeps another currency than the merchant."""

    code = "merchant.receiver_currency_mismatch"


class ReceiversTooMany(Refused):
    """A merchant shares with at most the number of receivers the bank admits."""

    code = "merchant.receivers_too_many"
