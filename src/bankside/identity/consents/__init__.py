"""Consents: what a customer allows a third party, on which accounts, what for, until when.

Always true: a consent moves only along the table of ``model``; what it is worth now is told by one
function (``effective_status``: stored status and clock), used by page, interface and edge; every
change commits with its event; a payment consent is good for exactly the payment that was shown,
once. Every question takes the data space, and another's consent is unknown.

Public: ConsentRequest, PaymentTerms, Agreement, Consent, ConsentKind, ConsentStatus, Permission,
PAYMENT_PERMISSIONS, READ_PERMISSIONS; request_consent, authorise_consent, reject_consent,
revoke_consent, consume_consent, consent, consents_of, consents_of_grant,
active_consent, eligible_accounts, record_use,
record_expiries; effective_status, status_of, allows, settled, terms_digest; the refusals of
``errors``.
"""

from bankside.identity.consents.errors import (
    ConsentAccountsInvalid,
    ConsentChanged,
    ConsentExists,
    ConsentInvalid,
    ConsentNotActive,
    ConsentNotEnough,
    ConsentTransitionRefused,
    ConsentUnknown,
    PaymentDiffers,
)
from bankside.identity.consents.model import (
    PAYMENT_PERMISSIONS,
    READ_PERMISSIONS,
    Agreement,
    Consent,
    ConsentKind,
    ConsentRequest,
    ConsentStatus,
    PaymentTerms,
    Permission,
)
from bankside.identity.consents.rules import (
    allows,
    effective_status,
    settled,
    status_of,
    terms_digest,
)
from bankside.identity.consents.service import (
    active_consent,
    authorise_consent,
    consent,
    consents_of,
    consents_of_grant,
    consume_consent,
    eligible_accounts,
    record_expiries,
    record_use,
    reject_consent,
    request_consent,
    revoke_consent,
)

__all__ = [
    "PAYMENT_PERMISSIONS",
    "READ_PERMISSIONS",
    "Agreement",
    "Consent",
    "ConsentAccountsInvalid",
    "ConsentChanged",
    "ConsentExists",
    "ConsentInvalid",
    "ConsentKind",
    "ConsentNotActive",
    "ConsentNotEnough",
    "ConsentRequest",
    "ConsentStatus",
    "ConsentTransitionRefused",
    "ConsentUnknown",
    "PaymentDiffers",
    "PaymentTerms",
    "Permission",
    "active_consent",
    "allows",
    "authorise_consent",
    "consent",
    "consents_of",
    "consents_of_grant",
    "consume_consent",
    "effective_status",
    "eligible_accounts",
    "record_expiries",
    "record_use",
    "reject_consent",
    "request_consent",
    "revoke_consent",
    "settled",
    "status_of",
    "terms_digest",
]
