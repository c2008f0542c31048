"""Realms: whose pages somebody logs in to. One login code, nothing shared between realms.

Always true: a person belongs to one realm and one space; a customer's and a partner user's space is
the partner, the bank's own staff share the space ``bank``, which no partner can be called.
"""

from enum import StrEnum

# Partner ids begin with prt_, so no partner is ever called this.
BANK = "bank"


class Realm(StrEnum):
    """Customers of the bank, its staff, and the people who work for a partner."""

    CUSTOMER = "customer"
    STAFF = "staff"
    PARTNER = "partner"
