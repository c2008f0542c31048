"""The refusals of money products: deposits, exchange, networks, loans, investments, pensions.

Codes are stable for ever: partners switch on them. ``iso_reason`` is an ISO 20022 external status
reason code (ExternalStatusReason1Code) where one fits.
"""

from bankside.kernel.errors import Invalid, Refused, Unavailable


class ProductCodeUnknown(Invalid):
    """The product sells nothing under this code."""

    code = "product.code_unknown"


class AmountBelowMinimum(Refused):
    """The amount is below the smallest one that is taken."""

    code = "amount.below_minimum"
    status = 422
    iso_reason = "AM06"


class DepositRedeemed(Refused):
    """The deposit was paid out."""

    code = "deposit.redeemed"


class QuoteExpired(Refused):
    """The quoted rate is no longer good; ask for a new one."""

    code = "fx.quote_expired"


class NetworkRefused(Refused):
    """The payment network refused the payment; the money is back on the payer's account."""

    code = "payment.network_refused"


class NetworkUnavailable(Unavailable):
    """No payment network can be asked; nothing was sent."""

    code = "payment.network_unavailable"
    outcome_unknown = False


class CreditDeclined(Refused):
    """The bank does not lend on this application."""

    code = "loan.declined"
    status = 422


class CreditDeskUnavailable(Unavailable):
    """Nobody can decide on credit now; nothing was applied for."""

    code = "loan.desk_unavailable"
    outcome_unknown = False


class LoanLimitExceeded(Refused):
    """Drawings together never exceed what was granted."""

    code = "loan.limit_exceeded"


class LoanNotDrawn(Refused):
    """Nothing was drawn, so nothing is owed."""

    code = "loan.not_drawn"


class LoanOverpaid(Refused):
    """A repayment is never more than what ends the loan."""

    code = "loan.overpaid"


class LoanMethodUnknown(Invalid):
    """The loan is not repaid in this way."""

    code = "loan.method_unknown"


class AboveRiskGrade(Refused):
    """The product is riskier than what suits this investor."""

    code = "invest.above_risk_grade"
    status = 422


class NothingHeld(Refused):
    """Nothing is held that could be redeemed."""

    code = "invest.nothing_held"


class UnitsExceeded(Refused):
    """More units are to be redeemed than are held."""

    code = "invest.units_exceeded"


class NotAPensionAccount(Invalid):
    """The account is not a personal pension account."""

    code = "pension.account_wrong"


class AccountFeeOwed(Refused):
    """What keeping the account cost is still owed, and the account does not cover it."""

    code = "account.fee_owed"


class PensionAccountExists(Refused):
    """The person has a personal pension account already; there is one for each person."""

    code = "pension.account_exists"


class PensionCapExceeded(Refused):
    """More would be paid in than a calendar year allows."""

    code = "pension.cap_exceeded"
    iso_reason = "AM21"


class PensionConditionUnmet(Refused):
    """No condition for paying out the pension is met."""

    code = "pension.condition_unmet"
