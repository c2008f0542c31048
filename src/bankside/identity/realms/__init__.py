"""Realms: whose pages somebody logs in to. One login code, nothing shared between realms.

Always true: a person belongs to one realm and one space; a customer's and a partner user's space is
the partner, the bank's own staff share the space ``bank``, which no partner can be called.

Public: Realm, BANK.
"""

from bankside.identity.realms.model import BANK, Realm

__all__ = ["BANK", "Realm"]
