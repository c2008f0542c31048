"""The realms and the space of the bank's own staff."""

from enum import StrEnum

# Partner ids begin with prt_, so no partner is ever called this.
BANK = "bank"


class Realm(StrEnum):
    """Customers of the bank, its staff, and the people who work for a partner."""

    CUSTOMER = "customer"
    STAFF = "staff"
    PARTNER = "partner"
