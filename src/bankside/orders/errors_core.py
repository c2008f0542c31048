"""What core products refuse by rules of their own. Codes are stable for ever.

The rule behind each stands where it is checked (``orders.conditions``), with its source.
"""

from bankside.kernel.errors import Invalid, Refused


class AccountPaperMissing(Invalid):
    """This kind of account or measure needs a paper whose number the request does not give."""

    code = "account.paper_missing"


class AccountTermTooLong(Invalid):
    """A temporary account is kept for two years at most."""

    code = "account.term_too_long"


class CapitalInvalid(Invalid):
    """The registered capital of a company is stated in the currency of its register."""

    code = "account.capital_invalid"


class AccountsOfClassFull(Refused):
    """The customer has as many accounts of this class as one may have with a bank."""

    code = "account.class_full"


class BoundAccountRefused(Invalid):
    """A class II or III account is bound to another account of its holder, of no limited class."""

    code = "account.bound_refused"


class ClassLimitExceeded(Refused):
    """More than an account of its class may move in a day or a year, or hold."""

    code = "account.class_limit_exceeded"
    iso_reason = "AM14"


class SubAccountOfSub(Refused):
    """A sub-account is opened below a master account, never below another sub-account."""

    code = "account.sub_of_sub"
    status = 422


class OtherHolder(Refused):
    """The two accounts belong to different customers; this moves money between one's own."""

    code = "account.other_holder"
    status = 422


class PeriodTooLong(Invalid):
    """One request covers a year of days at most, and ends no earlier than it begins."""

    code = "period.too_long"


class DeliveryAddressMissing(Invalid):
    """A card that is sent needs an address, and only a card of plastic is sent."""

    code = "card.address_missing"


class LimitAboveIncome(Refused):
    """The limit asked for is above what the stated income carries."""

    code = "card.limit_above_income"
    status = 422


class PayeeNameDiffers(Refused):
    """The account belongs to somebody of another name than the payee's."""

    code = "transfer.payee_name_differs"
    status = 422
    iso_reason = "BE01"


class DueDatePassed(Invalid):
    """A bill falls due today or later."""

    code = "bill.due_date_passed"


class SchoolYearInvalid(Invalid):
    """A school year is two years that follow each other, such as 2025-2026."""

    code = "education.school_year_invalid"


class CategoryRefused(Refused):
    """Merchants of this trade are not taken on."""

    code = "merchant.category_refused"
    status = 422


class StaticCodeLimit(Refused):
    """A static code takes small amounts only, and is paid by whoever scans it."""

    code = "code.static_limit_exceeded"
    status = 422


class ItemsMismatch(Invalid):
    """The items do not add up to the amount of the order."""

    code = "order.items_mismatch"


class ReceiverTwice(Invalid):
    """Each receiver is named once."""

    code = "split.receiver_twice"


class ConditionUnmet(Refused):
    """Money in escrow is released for a condition of its order, with the paper that proves it."""

    code = "escrow.condition_unmet"
    status = 422


class AuthenticationTooWeak(Refused):
    """The amount is above what a payment with so little authentication may be."""

    code = "wallet.authentication_too_weak"
    status = 422


class PayPeriodRefused(Invalid):
    """Wages are paid for a month that has begun."""

    code = "payroll.period_refused"


class TaxGradeRefused(Refused):
    """Firms with the lowest tax credit grades are not lent to on their taxes."""

    code = "loan.tax_grade_refused"
    status = 422


class AboveTurnover(Refused):
    """A loan for working capital is above what the stated turnover needs."""

    code = "loan.above_turnover"
    status = 422


class GuaranteeShareExceeded(Refused):
    """The guarantee is above the share of the contract that the law allows for its kind."""

    code = "guarantee.share_exceeded"
    status = 422


class TaxYearRefused(Invalid):
    """Contributions count for the calendar year in which they are paid."""

    code = "pension.tax_year_refused"


class ExchangeEvidenceMissing(Invalid):
    """A capital item is exchanged on a paper whose number the request does not give."""

    code = "fx.evidence_missing"


class ExchangeQuotaExceeded(Refused):
    """More than a person may exchange in a year without a paper that proves what it is for."""

    code = "fx.quota_exceeded"
    iso_reason = "AM14"


class PriceAboveMaximum(Refused):
    """A gram costs more now than the request agrees to."""

    code = "gold.price_above_maximum"


class MilestonesMismatch(Invalid):
    """The shares of all milestones together are the whole."""

    code = "supervision.milestones_mismatch"


class MilestoneExceeded(Refused):
    """Supervised money is paid out for a milestone, up to its share of the whole."""

    code = "supervision.milestone_exceeded"
    status = 422


class ConsentTooLong(Invalid):
    """A consent ends within a year, and not before it begins."""

    code = "consent.too_long"


class CouponTermRefused(Invalid):
    """A coupon can be used today at least, and for three years at most."""

    code = "coupon.term_refused"
