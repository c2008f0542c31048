"""Who may become a customer: check characters and the papers of each kind.

Sources: GB 11643-1999 (resident identity number; check by ISO 7064 MOD 11-2), GB 32100-2015
(unified social credit code; check by ISO 7064 MOD 31-3 over 31 characters without I, O, S, V, Z).
A right check character proves that a number was not mistyped, not that it was ever issued.
"""

from datetime import date

from bankside.bank.customers.errors import (
    BirthDateMismatch,
    CreditCodeInvalid,
    CustomerNameInvalid,
    CustomerPapersMismatch,
    ResidentIdInvalid,
)
from bankside.bank.customers.model import CustomerKind, Registration

NAME_LENGTH_MAX = 200
BIRTH_YEAR_MIN = 1880

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
# First two digits of GB/T 2260 codes in use, and 9x for foreign permanent residents.
_PROVINCES = frozenset(
    (
        *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46),
        *(50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, *range(91, 100)),
    )
)
_CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
# Registering department: 1 staffing, 5 civil affairs, 9 market regulation ... (table 1 of the
# standard, with the departments added since).
_CREDIT_DEPARTMENTS = "123456789ANY"


def resident_check_character(seventeen: str) -> str:
    """The 18th character that belongs to 17 digits."""
    total = sum(
        int(each) * weight for each, weight in zip(seventeen, _RESIDENT_WEIGHTS, strict=True)
    )
    return _RESIDENT_CHECKS[total % 11]


def credit_check_character(seventeen: str) -> str:
    """The 18th character that belongs to 17 characters of a credit code."""
    pairs = zip(seventeen, _CREDIT_WEIGHTS, strict=True)
    total = sum(_CREDIT_CHARACTERS.index(each) * weight for each, weight in pairs)
    return _CREDIT_CHARACTERS[-total % 31]


def checked_resident_id(text: str, *, today: date) -> tuple[str, date]:
    """The number in its canonical form and the birth date in it, or ResidentIdInvalid."""
    number = text.strip().upper()
    body = number[:17]
    if len(number) != 18 or not (body.isascii() and body.isdigit()):
        raise ResidentIdInvalid("a resident id has 17 digits and a check character")
    if int(body[:2]) not in _PROVINCES:
        raise ResidentIdInvalid("a resident id begins with the code of a province")
    try:
        born = date(int(body[6:10]), int(body[10:12]), int(body[12:14]))
    except ValueError:
        raise ResidentIdInvalid("digits 7 to 14 of a resident id are a date") from None
    if born.year < BIRTH_YEAR_MIN or born > today:
        raise ResidentIdInvalid("the birth date in the resident id is not possible")
    if number[17] != resident_check_character(body):
        raise ResidentIdInvalid("the check character of the resident id is wrong")
    return number, born


def checked_credit_code(text: str) -> str:
    """The code in its canonical form, or CreditCodeInvalid."""
    code = text.strip().upper()
    if len(code) != 18 or any(each not in _CREDIT_CHARACTERS for each in code):
        raise CreditCodeInvalid(
            "a credit code has 18 digits and letters, none of them I, O, S, V, Z"
        )
    if code[0] not in _CREDIT_DEPARTMENTS or not code[2:8].isdigit():
        raise CreditCodeInvalid(
            "a credit code has its department in place 1 and six digits of region in places 3 to 8"
        )
    if code[17] != credit_check_character(code[:17]):
        raise CreditCodeInvalid("the check character of the credit code is wrong")
    return code


def admitted(asked: Registration, *, today: date) -> Registration:
    """The registration with canonical numbers and its birth date filled in, or a refusal."""
    for name in (asked.name_zh, asked.name_en):
        if not 1 <= len(name.strip()) <= NAME_LENGTH_MAX or not name.isprintable():
            raise CustomerNameInvalid
    if asked.kind is CustomerKind.CORPORATE:
        if asked.resident_id is not None or asked.birth_date is not None:
            raise CustomerPapersMismatch
        code = checked_credit_code(asked.credit_code) if asked.credit_code is not None else None
        return _filled(asked, None, code, None)
    if asked.credit_code is not None:
        raise CustomerPapersMismatch
    number, born = None, asked.birth_date
    if asked.resident_id is not None:
        number, born = checked_resident_id(asked.resident_id, today=today)
    if (asked.birth_date or born) != born or (born is not None and born > today):
        raise BirthDateMismatch
    return _filled(asked, number, None, born)


def masked_resident_id(number: str) -> str:
    """Province and check character, the rest hidden: ``11**************6``."""
    return f"{number[:2]}{'*' * (len(number) - 3)}{number[-1:]}"


def _filled(
    asked: Registration, resident_id: str | None, credit_code: str | None, born: date | None
) -> Registration:
    return Registration(
        kind=asked.kind,
        name_zh=asked.name_zh.strip(),
        name_en=asked.name_en.strip(),
        resident_id=resident_id,
        credit_code=credit_code,
        birth_date=born,
        branch=asked.branch,
        id=asked.id,
        facts=asked.facts,
    )
