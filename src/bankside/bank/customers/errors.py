"""Refusals of the customers slice."""

from bankside.kernel.errors import Invalid, NotFound, Refused


class CustomerNotFound(NotFound):
    """There is no such customer in this data space."""

    code = "customer.not_found"


class CustomerExists(Refused):
    """A customer with this id, resident id or credit code is registered already."""

    code = "customer.exists"


class CustomerNameInvalid(Invalid):
    """A customer has a Chinese and an English name of 1 to 200 characters."""

    code = "customer.name_invalid"


class CustomerPapersMismatch(Invalid):
    """A person has no credit code; an organisation has no resident id and no birth date."""

    code = "customer.papers_mismatch"


class ResidentIdInvalid(Invalid):
    """The text is no resident identity number (GB 11643-1999)."""

    code = "customer.resident_id_invalid"


class CreditCodeInvalid(Invalid):
    """The text is no unified social credit code (GB 32100-2015)."""

    code = "customer.credit_code_invalid"


class BirthDateMismatch(Invalid):
    """The birth date is not the one in the resident id, or lies ahead."""

    code = "customer.birth_date_mismatch"
