"""Payees that a customer has kept for an account.

Always true: a beneficiary belongs to one account of one data space; the same payee with the same
reference is kept once an account. Keeping one moves no money and checks no name.

Public: Beneficiary, NewBeneficiary, keep_beneficiary, beneficiaries_of, BENEFICIARIES_MAX.
"""

from bankside.bank.beneficiaries.model import Beneficiary, NewBeneficiary
from bankside.bank.beneficiaries.service import (
    BENEFICIARIES_MAX,
    beneficiaries_of,
    keep_beneficiary,
)

__all__ = [
    "BENEFICIARIES_MAX",
    "Beneficiary",
    "NewBeneficiary",
    "beneficiaries_of",
    "keep_beneficiary",
]
