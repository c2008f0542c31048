"""An example of every request: made from its declared fields, and one that its schema takes.

Ids in examples name nothing that exists; the demo's own values stand in ``var/demo.json``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bankside.catalog.model import Input

# What a field of a type may hold; patterns below, and choices of the definition, come first.
_BY_TYPE: Mapping[str, Any] = {
    "account": "acc_01kjp4c5800000000000000000",
    "party": "cus_01kjp4c5800000000000000000",
    "merchant": "mch_01kjp4c5800000000000000000",
    "consent": "cns_01kjp4c5800000000000000000",
    "token": "284012345678901234",
    "secret": "known-to-the-customer-only",
    "date": "2026-03-02",
    "int": 1,
    "bool": True,
    "map": {"name": "value"},
    "money": {"amount": "12.34", "currency": "CNY"},
    "text": "example",
}
# Fields whose form no declaration says; the number is the sample of GB 11643-1999.
_BY_NAME: Mapping[str, Any] = {"legal_representative_no": "11010519491231002X"}
# One value a pattern; a test keeps the table complete and right.
PATTERNS: Mapping[str, str] = {
    "^[0-9a-f]{64}$": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "[0-9a-f]{64}": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "[0-9]{4}-[0-9]{2}": "2026-03",
    "^[0-9]{4}-(0[1-9]|1[0-2])$": "2026-03",
    "^[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?$": "2026-03-02",
    "[0-9]{4}-[0-9]{2}(-[0-9]{2})?": "2026-03-02",
    "[0-9]{4}-[0-9]{4}": "2025-2026",
    "^[A-Z]{3}$": "CNY",
    "^[0-9A-Z]{6,34}$": "GB29NWBK60161331926819",
    "^[0-9]{12}$": "102100099996",
    "^[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?$": "ICBKCNBJ",
    "^[0-9]{16,19}$": "6222021234567890128",
    "^(ZL)?[0-9]{12,13}([.][0-9X])?$": "ZL2023101234567",
    "^[0-9A-Z]{8}$": "A0000001",
    "^[0-9]{4}$": "5812",
    "^[0-9]{6}$": "123456",
    "^[1-9][0-9]{5}$": "121010",
    "^J[0-9]{13}$": "J1000000123456",
    "[0-9]{6}": "123456",
    "[0-9]{18}": "284012345678901234",
}


def example(inputs: Iterable[Input]) -> dict[str, Any]:
    """The required fields, and those that stand in for a required one, with a value each."""
    declared = tuple(inputs)
    needed = {each.name for each in declared if each.required}
    needed |= {each.name for each in declared if each.instead_of}
    return {each.name: example_of(each) for each in declared if each.name in needed}


def example_of(field: Input) -> Any:
    """A value that the field takes."""
    if field.choices:
        return field.choices[0]
    if field.pattern is not None and field.pattern in PATTERNS:
        return PATTERNS[field.pattern]
    if field.type == "list":
        return [example(field.fields) if field.fields else 1]
    if field.type == "int" and field.least is not None:
        return field.least
    value = _BY_NAME.get(field.name, _BY_TYPE[field.type])
    return value[: field.max] if isinstance(value, str) and field.max else value
