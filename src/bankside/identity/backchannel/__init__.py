"""Backchannel authentication: a client asks a customer who is elsewhere (OpenID CIBA, poll mode).

Always true: only a client registered for it asks, and only customers of its own data space; the
customer sees the binding message on its own page and answers there; the value a client polls with
is its own alone, good for tokens once. FAPI-CIBA: no push, no ping, no user codes.

Public: ask_approval, redeem (for the token endpoint); for the customer's pages waiting_approvals,
waiting_approval, approve, deny, Waiting, ApprovalUnknown, ApprovalFinished; GRANT_TYPE.
"""

from bankside.identity.backchannel.errors import ApprovalFinished, ApprovalUnknown
from bankside.identity.backchannel.model import GRANT_TYPE, Waiting
from bankside.identity.backchannel.service import (
    approve,
    ask_approval,
    deny,
    redeem,
    waiting_approval,
    waiting_approvals,
)

__all__ = [
    "GRANT_TYPE",
    "ApprovalFinished",
    "ApprovalUnknown",
    "Waiting",
    "approve",
    "ask_approval",
    "deny",
    "redeem",
    "waiting_approval",
    "waiting_approvals",
]
