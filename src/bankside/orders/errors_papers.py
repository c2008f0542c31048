"""The refusals of papers: mandates, contracts, bills, invoices, tickets, instruments, checks.

Codes are stable for ever: partners switch on them. ``iso_reason`` is an ISO 20022 external status
reason code (ExternalStatusReason1Code) where one fits.
"""

from bankside.kernel.errors import Invalid, NotFound, Refused, Unavailable


class PartyUnknown(Invalid):
    """The customer does not exist in the caller's data space."""

    code = "party.not_found"


class VerificationFailed(Refused):
    """What was presented does not agree with what is known; the order was not begun."""

    code = "verification.failed"


class VerificationUnavailable(Unavailable):
    """The authority that has to answer did not; repeat with the same key."""

    code = "verification.unavailable"
    outcome_unknown = False


class CodeWrong(Refused):
    """The one-time code is wrong, used, or out of time."""

    code = "verification.code_wrong"


class PartyListed(Refused):
    """The party stands on a list of the bank."""

    code = "verification.listed"
    iso_reason = "RR04"


class MandateEnded(Refused):
    """The mandate was revoked, has run out of time, or is used up."""

    code = "mandate.not_active"
    iso_reason = "MD01"


class MandateLimitExceeded(Refused):
    """The debit is above what the mandate allows for one debit, one day or in all."""

    code = "mandate.limit_exceeded"
    iso_reason = "AM14"


class MandateTermsInvalid(Invalid):
    """The terms of the mandate contradict each other."""

    code = "mandate.terms_invalid"


class MandateNotFound(NotFound):
    """The caller has no such mandate."""

    code = "mandate.not_found"


class ContractEnded(Refused):
    """The contract was terminated."""

    code = "contract.not_active"


class SignatureInvalid(Invalid):
    """The signature is not one of these terms by that key."""

    code = "contract.signature_invalid"


class BillPaid(Refused):
    """The bill has been paid; it can be refunded, not withdrawn or paid again."""

    code = "bill.already_paid"


class BillClosed(Refused):
    """The bill was withdrawn."""

    code = "bill.closed"


class InvoiceTotalMismatch(Invalid):
    """Net amounts and taxes of the lines do not add up to the stated total."""

    code = "invoice.total_mismatch"


class InvoiceCredited(Refused):
    """A red-letter invoice has already cancelled this one."""

    code = "invoice.already_credited"


class TicketUsed(Refused):
    """The right has been used, refunded, or has run out of time."""

    code = "ticket.not_valid"


class TicketCodeWrong(Refused):
    """The code is not the one of this ticket."""

    code = "ticket.code_wrong"


class InstrumentStateRefused(Refused):
    """The instrument is not in a state in which this can be done."""

    code = "instrument.state_refused"


class NotTheHolder(Refused):
    """The account does not hold that much of the instrument."""

    code = "instrument.not_holder"


class HoldersTooMany(Refused):
    """An instrument is split among at most 100 holders."""

    code = "instrument.holders_exceeded"


class MaturityInvalid(Invalid):
    """The instrument matures after its date of issue, within its longest term."""

    code = "instrument.maturity_invalid"


class ConsentMissing(Refused):
    """No consent of the subject covers this purpose."""

    code = "data.consent_missing"


class PremiumMismatch(Invalid):
    """The amount is not the premium that was quoted for this cover."""

    code = "policy.premium_mismatch"


class CoverRefused(Refused):
    """The insurance product does not cover this."""

    code = "policy.cover_refused"


class ClaimExceedsCover(Refused):
    """All claims of a policy together never exceed the sum insured."""

    code = "policy.claim_exceeds_cover"


class AudienceInvalid(Invalid):
    """The audience or the template of a message cannot be used."""

    code = "message.invalid"
