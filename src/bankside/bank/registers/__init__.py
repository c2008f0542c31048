"""Registers: what the bank knows of numbers, listed parties, and whom it asks for the rest.

Always true: a right check digit proves that a number was not mistyped, not that it was ever issued;
a party is listed when its number, or its name with case and spaces set aside, stands on the bank's
list; what an outside authority would have to say comes from ``Authority``, and the sandbox's
adapter says of every answer that it is simulated.

Public: is_luhn, is_iban; Listing, listed, list_party, listing_key,
listed_keys; COVERS, CoverTerms, premium,
unearned; Authority, Finding, Question, SandboxAuthority, AuthoritySilent.
"""

from bankside.bank.registers.authorities import (
    Authority,
    AuthoritySilent,
    Finding,
    Question,
    SandboxAuthority,
)
from bankside.bank.registers.covers import COVERS, CoverTerms, premium, unearned
from bankside.bank.registers.model import Listing
from bankside.bank.registers.rules import is_iban, is_luhn, listing_key
from bankside.bank.registers.store import list_party, listed, listed_keys

__all__ = [
    "COVERS",
    "Authority",
    "AuthoritySilent",
    "CoverTerms",
    "Finding",
    "Listing",
    "Question",
    "SandboxAuthority",
    "is_iban",
    "is_luhn",
    "list_party",
    "listed",
    "listed_keys",
    "listing_key",
    "premium",
    "unearned",
]
