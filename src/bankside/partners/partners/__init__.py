"""Partners: who signed the contract. Always true: a blocked partner has no active app.

Public: Partner, PartnerExists, PartnerUnknown, TextInvalid, block_partner, checked_text,
create_partner, read_partner, list_partners, unblock_partner, Status.
"""

from bankside.partners.partners.errors import PartnerExists, PartnerUnknown, TextInvalid
from bankside.partners.partners.model import Partner, Status
from bankside.partners.partners.rules import checked_text
from bankside.partners.partners.service import (
    block_partner,
    create_partner,
    list_partners,
    read_partner,
    unblock_partner,
)

__all__ = [
    "Partner",
    "PartnerExists",
    "PartnerUnknown",
    "Status",
    "TextInvalid",
    "block_partner",
    "checked_text",
    "create_partner",
    "list_partners",
    "read_partner",
    "unblock_partner",
]
