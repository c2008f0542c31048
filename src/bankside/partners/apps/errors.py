"""Refusals of the apps slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class AppUnknown(NotFound):
    """There is no such app of this partner."""

    code = "app.not_found"


class AppExists(Refused):
    """An app with this id is already registered."""

    code = "app.exists"


class RateInvalid(Invalid):
    """The rate or burst is not one this platform grants."""

    code = "app.rate_invalid"


class ReturnAddressInvalid(Invalid):
    """The address is none that payers could be sent back to."""

    code = "app.return_address_invalid"


class ReturnAddressUnknown(NotFound):
    """The app did not register this address."""

    code = "app.return_address_not_found"


class ProductInvalid(Invalid):
    """The text is no product id."""

    code = "app.product_invalid"
