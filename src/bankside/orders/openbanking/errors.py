"""Refusals of the access to customers' accounts; ``uk_code`` is what they are called there."""

from bankside.kernel.errors import Forbidden, Invalid, NotFound, Refused


class FieldsInvalid(Invalid):
    """Members of the body or query are missing, unexpected or malformed; each is named."""

    code = "open_banking.fields_invalid"
    uk_code = "UK.OBIE.Field.Invalid"


class AccountIdentifierUnsupported(Invalid):
    """The account is not named by a scheme of this bank, or this bank does not keep it."""

    code = "open_banking.account_unsupported"
    uk_code = "UK.OBIE.Unsupported.AccountIdentifier"


class InstrumentUnsupported(Invalid):
    """Every payment here is a transfer within the bank; no other instrument is offered."""

    code = "open_banking.instrument_unsupported"
    uk_code = "UK.OBIE.Unsupported.LocalInstrument"


class CurrencyUnsupported(Invalid):
    """The amount is not in the currency of the accounts involved."""

    code = "open_banking.currency_unsupported"
    uk_code = "UK.OBIE.Unsupported.Currency"


class PermissionMissing(Forbidden):
    """The customer's consent does not allow this to be read."""

    code = "open_banking.permission_missing"
    uk_code = "UK.OBIE.Resource.ConsentMismatch"


class ResourceUnknown(NotFound):
    """There is no such resource, or the caller may not see it."""

    code = "open_banking.resource_unknown"
    uk_code = "UK.OBIE.Resource.NotFound"


class ConsentMismatch(Refused):
    """The request is not what the customer agreed to."""

    code = "open_banking.consent_mismatch"
    uk_code = "UK.OBIE.Resource.ConsentMismatch"
