"""The refusals of hosted payment pages. Codes are stable for ever: partners switch on them."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class PaymentPageUnknown(NotFound):
    """There is no payment page at this address."""

    code = "payment_page.unknown"


class PaymentTermsChanged(Refused):
    """The amount or the payee is not what the page had shown; look at it again."""

    code = "payment_page.terms_changed"


class ReturnAddressForeign(Refused):
    """The address for the payer's way back (``return_url``) is not registered for the app."""

    code = "payment_page.return_address_not_registered"
    status = 422


class ReturnAddressRefused(Invalid):
    """The address for the payer's way back (``return_url``) is not https, nor this machine's."""

    code = "payment_page.return_address_refused"
    status = 400
