"""Authorisations: from a pushed request over the customer's answer to a grant with its code.

Always true: a request, an interaction and a code are each used once, decided by one statement; a
grant never holds more than was asked for; every address we send a browser to carries ``iss``.

Public: push_request; for the pages open_interaction, interaction, approve, deny, Interaction,
Approval, Detail, LinkUnusable, InteractionUnknown, InteractionFinished, ApprovalTooLarge; for
consents Grant, revoke_grant, read_grant. For the backchannel slice: Asked, asked_rights,
begin_grant, check_named. For the decisions slice: named_consent. For the tokens slice: find_code,
use_code, proves, asked_scopes, parsed_details, narrowed, DETAIL_TYPES.
"""

from bankside.identity.authorisations.details import TYPES as DETAIL_TYPES
from bankside.identity.authorisations.details import narrowed, parsed_details
from bankside.identity.authorisations.errors import (
    ApprovalTooLarge,
    InteractionFinished,
    InteractionUnknown,
    LinkUnusable,
)
from bankside.identity.authorisations.model import (
    INTERACTION_SECONDS,
    Approval,
    Asked,
    Code,
    Detail,
    Grant,
    Interaction,
)
from bankside.identity.authorisations.named import check_named, named_consent
from bankside.identity.authorisations.rules import asked_rights, asked_scopes, proves
from bankside.identity.authorisations.service import (
    approve,
    begin_grant,
    deny,
    interaction,
    open_interaction,
    push_request,
    revoke_grant,
)
from bankside.identity.authorisations.store import find_code, use_code
from bankside.identity.authorisations.store_grants import find as read_grant

__all__ = [
    "DETAIL_TYPES",
    "INTERACTION_SECONDS",
    "Approval",
    "ApprovalTooLarge",
    "Asked",
    "Code",
    "Detail",
    "Grant",
    "Interaction",
    "InteractionFinished",
    "InteractionUnknown",
    "LinkUnusable",
    "approve",
    "asked_rights",
    "asked_scopes",
    "begin_grant",
    "check_named",
    "deny",
    "find_code",
    "interaction",
    "named_consent",
    "narrowed",
    "open_interaction",
    "parsed_details",
    "proves",
    "push_request",
    "read_grant",
    "revoke_grant",
    "use_code",
]
