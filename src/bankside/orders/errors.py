"""The refusals of orders. Codes are stable for ever: partners switch on them.

``iso_reason`` is an ISO 20022 external status reason code (ExternalStatusReason1Code) where one
fits. A refusal that the ledger decided is stored with the caller's key and raised again from there.
"""

from bankside.kernel.errors import (
    BanksideError,
    Forbidden,
    Invalid,
    NotFound,
    Refused,
    Unavailable,
)


class InputInvalid(Invalid):
    """Fields of the request are missing, unknown or malformed; each is named with its reason."""

    code = "request.invalid"


class TransactionNotFound(NotFound):
    """The account has no such entry, or the caller no such account."""

    code = "transaction.not_found"


class OrderNotFound(NotFound):
    """The caller has no such order."""

    code = "order.not_found"


class KeyMissing(Invalid):
    """An operation that moves money needs a key of 1 to 128 visible ASCII characters."""

    code = "idempotency.key_missing"
    status = 400


class KeyReused(Invalid):
    """The idempotency key was used before, with another request."""

    code = "idempotency.key_reused"


class KeyInProgress(Refused):
    """The first request with this idempotency key is still running."""

    code = "idempotency.in_progress"


class OrderBusy(Unavailable):
    """Others kept changing the order; nothing was done, repeat with the same key."""

    code = "order.busy"
    outcome_unknown = False


class NumberReused(Refused):
    """The partner's own number already names something else."""

    code = "order.number_reused"


class OrderNotPaid(Refused):
    """Nobody has paid the order yet."""

    code = "order.not_paid"


class OrderAlreadyPaid(Refused):
    """The order is paid; it can be refunded, not closed or paid again."""

    code = "order.already_paid"


class OrderClosed(Refused):
    """The order was closed or has run out of time."""

    code = "order.closed"


class OrderSettled(Refused):
    """The order's money has already gone to the merchant."""

    code = "order.already_settled"


class OrderStateRefused(Refused):
    """The order is not in a state in which this can be done."""

    code = "order.state_refused"


class RefundExceedsPaid(Refused):
    """All refunds of an order together never exceed what was paid."""

    code = "refund.exceeds_paid"
    iso_reason = "AM09"


class RefundFundsInsufficient(Refused):
    """The merchant's settlement account cannot fund the refund."""

    code = "refund.funds_insufficient"
    iso_reason = "AM04"


class RefundNeedsSplitReturn(Refused):
    """The money was split out; receivers return their shares before it can be refunded."""

    code = "refund.split_return_first"


class RefundPosted(Refused):
    """A refund is posted at once and cannot be cancelled."""

    code = "refund.already_posted"


class TransferPosted(Refused):
    """A transfer is posted at once; the payee sends the money back by a transfer of its own."""

    code = "transfer.already_posted"


class SplitCapExceeded(Refused):
    """The shares together exceed what may be split out of this order."""

    code = "split.cap_exceeded"


class SplitReceiverUnknown(Refused):
    """The receiver is neither declared with the order nor registered by the merchant."""

    code = "split.receiver_unknown"


class SplitReturnExceeded(Refused):
    """A receiver returns at most what it received from this order."""

    code = "split.return_exceeds_share"


class SplitRequestsExceeded(Refused):
    """An order takes at most 50 split requests."""

    code = "split.requests_exceeded"


class CaptureExceedsHeld(Refused):
    """Captures together never exceed the amount that is still held."""

    code = "hold.exceeds_held"


class HoldExpired(Refused):
    """The hold has run out of time."""

    code = "hold.expired"


class PayoutTotalMismatch(Invalid):
    """The lines do not add up to the stated total."""

    code = "payout.total_mismatch"


class PayoutCountMismatch(Invalid):
    """The number of lines is not the stated count."""

    code = "payout.count_mismatch"


class NothingToRetry(Refused):
    """No line of the order has failed."""

    code = "payout.nothing_to_retry"


class AccountUnknown(Invalid):
    """The account does not exist in the caller's data space."""

    code = "account.not_found"
    iso_reason = "AC01"


class MerchantUnknown(Invalid):
    """The merchant does not exist in the caller's data space."""

    code = "merchant.not_found"


class CurrencyRefused(Invalid):
    """The amount is not in the currency of the accounts involved."""

    code = "payment.currency_mismatch"
    iso_reason = "AM03"


class SameAccount(Invalid):
    """Payer and payee are the same account."""

    code = "payment.same_account"
    iso_reason = "AC01"


class FundsInsufficient(Refused):
    """The payer's account cannot cover the amount."""

    code = "payment.funds_insufficient"
    iso_reason = "AM04"


class AccountBlocked(Refused):
    """The account to be debited is frozen."""

    code = "payment.account_blocked"
    iso_reason = "AC06"


class AccountClosed(Refused):
    """An account of this payment is closed."""

    code = "payment.account_closed"
    iso_reason = "AC04"


class PaymentRefused(Refused):
    """The ledger refused the payment."""

    code = "payment.refused"
    iso_reason = "MS03"


class LimitPerTransaction(Refused):
    """The amount is above the product's limit for one transaction."""

    code = "limit.per_transaction_exceeded"
    iso_reason = "AM14"


class LimitPerDay(Refused):
    """The amount would exceed the product's limit for this day."""

    code = "limit.per_day_exceeded"
    iso_reason = "AM21"


class AlreadyPosted(Refused):
    """The order is carried out; what it posted is undone by an order of its own."""

    code = "order.already_posted"


class HolderUnknown(Invalid):
    """The person or company does not exist in the caller's data space."""

    code = "customer.not_found"


class SweepTargetMissing(Invalid):
    """Money is left on the account to be closed, and no account is named that it goes to."""

    code = "account.sweep_target_missing"


class PeriodRefused(Invalid):
    """The period is not one that can be reported."""

    code = "report.period_invalid"


class ReportTooLong(Refused):
    """The report would have more rows than one file takes; ask for a shorter period."""

    code = "report.too_long"


class SandboxOnly(Forbidden):
    """This operation exists in the sandbox only."""

    code = "platform.sandbox_only"


# What the ledger's verdicts are called towards a caller.
BY_VERDICT: dict[str, type[BanksideError]] = {
    "account_unknown": PaymentRefused,
    "account_closed": AccountClosed,
    "account_blocked": AccountBlocked,
    "currency_mismatch": CurrencyRefused,
    "funds_insufficient": FundsInsufficient,
    "hold_closed": HoldExpired,
    "hold_expired": HoldExpired,
    "hold_exceeded": CaptureExceedsHeld,
}


def by_code(code: str) -> type[BanksideError]:
    """The class of a stored refusal's code; PaymentRefused for one that no longer exists."""
    return _BY_CODE.get(code, PaymentRefused)


_BY_CODE: dict[str, type[BanksideError]] = {
    each.code: each
    for each in list(globals().values())
    if isinstance(each, type) and issubclass(each, BanksideError)
}
