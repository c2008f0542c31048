"""Refusals of the consents slice."""

from bankside.kernel.errors import Forbidden, Invalid, NotFound, Refused


class ConsentUnknown(NotFound):
    """There is no such consent, or the caller may not see it."""

    code = "consent.unknown"
    uk_code = "UK.OBIE.Resource.NotFound"


class ConsentInvalid(Invalid):
    """The consent asks for something that no consent can give."""

    code = "consent.invalid"
    uk_code = "UK.OBIE.Field.Invalid"


class ConsentExists(Refused):
    """This request has asked for a consent before."""

    code = "consent.exists"


class ConsentTransitionRefused(Refused):
    """A consent in this state does not become what was asked for."""

    code = "consent.transition_refused"
    uk_code = "UK.OBIE.Resource.InvalidConsentStatus"


class ConsentChanged(Refused):
    """What the customer saw is not what would be agreed to now."""

    code = "consent.changed"


class ConsentAccountsInvalid(Refused):
    """The accounts chosen are not the customer's own, or none or too many were chosen."""

    code = "consent.accounts_invalid"


class ConsentNotActive(Forbidden):
    """The consent is not authorised now: awaiting, used up, rejected, revoked or expired."""

    code = "consent.not_active"
    uk_code = "UK.OBIE.Resource.InvalidConsentStatus"


class ConsentNotEnough(Forbidden):
    """The consent does not cover this account or this permission."""

    code = "consent.not_enough"
    uk_code = "UK.OBIE.Resource.ConsentMismatch"


class PaymentDiffers(Refused):
    """The payment is not the one that the customer agreed to."""

    code = "consent.payment_differs"
    uk_code = "UK.OBIE.Resource.ConsentMismatch"


class LimitOfConsentExceeded(Refused):
    """The payment is above what the customer allowed for one payment or for this period."""

    code = "consent.limit_exceeded"
    uk_code = "UK.OBIE.Rules.FailsControlParameters"
    iso_reason = "AM14"
