"""Revocations: what ended before its time, numbered, and how far each edge knows.

Always true: number order is commit order without gaps (the database numbers at commit, whoever
wrote the row: `migrations/0070`, `0095`), so who knows a number has missed nothing before it. A
revocation is acknowledged only after every edge with a live lease has applied it; an edge whose
lease ran out answers nothing that such a call could be about.
Source: the platform's security rules, "at once, on every worker".

Public: Revocation, Kind, CHANNEL, LEASE; for edges renew_lease, revocations_since,
last_revocation, end_lease; for whoever revokes applied_everywhere, RevocationUnconfirmed; for the
worker forget_revocations.
"""

from bankside.identity.revocations.errors import RevocationUnconfirmed
from bankside.identity.revocations.model import CHANNEL, LEASE, Kind, Revocation
from bankside.identity.revocations.service import (
    applied_everywhere,
    end_lease,
    forget_revocations,
    last_revocation,
    renew_lease,
    revocations_since,
)

__all__ = [
    "CHANNEL",
    "LEASE",
    "Kind",
    "Revocation",
    "RevocationUnconfirmed",
    "applied_everywhere",
    "end_lease",
    "forget_revocations",
    "last_revocation",
    "renew_lease",
    "revocations_since",
]
