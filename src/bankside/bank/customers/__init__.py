"""Customers of the bank: people (retail) and organisations (corporate).

Always true: inside a data space (``partner``) one resident id or unified social credit code belongs
to one customer, and a stored number has a right check character. Resident ids are C2 data: they
stay out of logs (left out of ``repr``) and are shown masked.

Public: Customer, CustomerKind, Registration, register, customer, customers, masked_resident_id,
and the refusals of ``errors``.
"""

from bankside.bank.customers.errors import (
    BirthDateMismatch,
    CreditCodeInvalid,
    CustomerExists,
    CustomerNameInvalid,
    CustomerNotFound,
    CustomerPapersMismatch,
    ResidentIdInvalid,
)
from bankside.bank.customers.model import Customer, CustomerKind, Registration
from bankside.bank.customers.rules import (
    checked_credit_code,
    checked_resident_id,
    masked_resident_id,
)
from bankside.bank.customers.service import customer, customers, register

__all__ = [
    "BirthDateMismatch",
    "CreditCodeInvalid",
    "Customer",
    "CustomerExists",
    "CustomerKind",
    "CustomerNameInvalid",
    "CustomerNotFound",
    "CustomerPapersMismatch",
    "Registration",
    "ResidentIdInvalid",
    "checked_credit_code",
    "checked_resident_id",
    "customer",
    "customers",
    "masked_resident_id",
    "register",
]
