"""The facts this slice publishes: one on every change of a consent.

Always true: ``object_seq`` is the consent's version, so a consumer sees the changes in their order.
"""

from typing import Any

from bankside.identity.consents.model import Consent
from bankside.kernel import outbox
from bankside.kernel.clock import Clock, rfc3339
from bankside.kernel.db import Connection, Write, write_all
from bankside.kernel.events import Event
from bankside.kernel.ids import new_id

CONSENT_REQUESTED = "identity.consent.requested"
CONSENT_AUTHORISED = "identity.consent.authorised"
CONSENT_REJECTED = "identity.consent.rejected"
CONSENT_REVOKED = "identity.consent.revoked"
CONSENT_CONSUMED = "identity.consent.consumed"
CONSENT_TERMINATED = "identity.consent.terminated"
CONSENT_EXPIRED = "identity.consent.expired"


async def publish(db: Connection, clock: Clock, fact: str, consent: Consent) -> None:
    """The fact commits with the change; ``consent`` is what the change left."""
    await write_all(db, [told(clock, fact, consent)])


def told(clock: Clock, fact: str, consent: Consent) -> Write:
    """The row that tells the fact, for whoever owns the transaction of the change."""
    event = Event(
        id=new_id("event", clock),
        type=fact,
        partner=consent.partner,
        object_id=consent.id,
        object_seq=consent.version,
        body=_body(consent),
    )
    return outbox.publish(event)


def _body(consent: Consent) -> dict[str, Any]:
    payment, recurring = consent.payment, consent.recurring
    return {
        "consent": consent.id,
        "client": consent.client,
        "kind": consent.kind,
        "status": consent.status,
        "customer": consent.customer,
        "grant": consent.grant,
        "purpose": consent.purpose,
        "valid_until": rfc3339(consent.valid_until),
        "accounts": {
            account: sorted(permissions) for account, permissions in consent.accounts.items()
        },
        "amr": list(consent.amr),
        "payment": payment
        and {
            "amount": str(payment.amount),
            "currency": payment.amount.currency,
            "creditor_account": payment.creditor_account,
            "end_to_end_id": payment.end_to_end_id,
        },
        "recurring": recurring
        and {
            "currency": recurring.per_payment.currency,
            "per_payment": str(recurring.per_payment),
            "limits": [
                {"period": each.period, "alignment": each.alignment, "amount": str(each.amount)}
                for each in recurring.limits
            ],
            "creditor_account": recurring.creditor_account,
        },
    }
