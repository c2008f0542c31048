"""Requests read: bodies by the catalogue's schemas, instants, amounts and accounts by their rules.

Always true: what comes out is typed and safe to store; every fault is named by its path in UK Open
Banking's form (``Data.Initiation.InstructedAmount.Amount``) and error code.
Source: UK Open Banking Read/Write API 3.1, standard error codes and data types.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from bankside.catalog import Catalogue
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.errors import BanksideError
from bankside.kernel.money import Money, minor_digits
from bankside.orders.desk import Desk, Ticket
from bankside.orders.inputs import FAULTS_MAX
from bankside.orders.openbanking.errors import (
    AccountIdentifierUnsupported,
    FieldsInvalid,
    InstrumentUnsupported,
)

Body = Mapping[str, Any]

# How this bank names its own accounts: 19 digits, as they stand on a statement.
SCHEME = "BANKSIDE.AccountNumber"
MISSING, UNEXPECTED = "UK.OBIE.Field.Missing", "UK.OBIE.Field.Unexpected"
INVALID, INVALID_DATE = "UK.OBIE.Field.Invalid", "UK.OBIE.Field.InvalidDate"
_MISSED = re.compile(r"'([^']+)' is a required property")
_SAID_TOO_MUCH = re.compile(r"'([^']+)' (?:was|is)")
# C0 and C1 controls and lone surrogates: none belongs in a text, and PostgreSQL refuses NUL.
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?"
)
_DEPTH_MAX = 12


def read_body(desk: Desk, ticket: Ticket) -> Body:
    """The body, in the shape its operation names. Raises FieldsInvalid with every fault."""
    name, body = ticket.operation.body, ticket.call.body
    assert name is not None, "an operation without a schema takes no body"
    faults = [_fault(each) for each in _validator(desk.catalogue, name).iter_errors(body)]
    faults += [
        {"pointer": path, "code": INVALID, "detail": "control characters are not taken"}
        for path in _unsafe(body, "", _DEPTH_MAX)
    ]
    refuse(faults)
    return body


def read_query(ticket: Ticket) -> Mapping[str, str]:
    """The query, of declared parameters only. Raises FieldsInvalid."""
    declared = {each.name: each for each in ticket.operation.inputs}
    faults = []
    for name, text in ticket.call.query.items():
        if name not in declared:
            detail = f"{name[:40]!r} is no parameter here"
            faults.append({"pointer": name[:40], "code": UNEXPECTED, "detail": detail})
        elif len(text) > (declared[name].max or 0) or _UNSAFE.search(text):
            faults.append({"pointer": name, "code": INVALID, "detail": "not a value of this kind"})
    refuse(faults)
    return ticket.call.query


def instant(text: str, path: str) -> datetime:
    """An ISO 8601 date and time; without a zone it is the bank's. Raises FieldsInvalid."""
    if _INSTANT.fullmatch(text):
        try:
            at = datetime.fromisoformat(text)
            return at if at.tzinfo else at.replace(tzinfo=BANK_ZONE)
        except ValueError:
            pass  # A month or hour that does not exist: refused below like any other text.
    detail = "expected a date and time such as 2026-03-02T09:30:00+08:00"
    raise _field(path, INVALID_DATE, detail)


def optional_instant(node: Body, name: str, path: str) -> datetime | None:
    """``instant`` of a member, None when it is not there."""
    return instant(node[name], f"{path}.{name}") if name in node else None


def amount(node: Body, path: str) -> Money:
    """``{"Amount": "10.50", "Currency": "CNY"}``, exactly: zeros at its end mean nothing.

    Raises FieldsInvalid for more decimals than the currency has, for zero, for what is too large.
    """
    whole, _, fraction = node["Amount"].partition(".")
    try:
        digits = minor_digits(node["Currency"])
        exact = fraction[:digits] + fraction[digits:].rstrip("0")
        money = Money.parse(f"{int(whole)}.{exact}" if exact else str(int(whole)), node["Currency"])
    except BanksideError as error:
        raise _field(path, INVALID, error.detail) from error
    if money.minor == 0:
        raise _field(path, INVALID, "an amount is above zero")
    return money


def shown_amount(money: Money) -> dict[str, str]:
    """An amount as answers write it: the absolute value with all digits of its currency."""
    text = str(money if money.minor >= 0 else Money(-money.minor, money.currency))
    return {"Amount": text, "Currency": money.currency}


def own_account(node: Body, path: str) -> str:
    """The number in an account name of this bank's scheme. Raises AccountIdentifierUnsupported."""
    if node["SchemeName"] != SCHEME or "SecondaryIdentification" in node:
        detail = f"accounts are named by {SCHEME} and a number"
        entry = {
            "pointer": f"{path}.SchemeName",
            "code": AccountIdentifierUnsupported.uk_code or INVALID,
            "detail": detail,
        }
        raise AccountIdentifierUnsupported(detail, errors=[entry])
    number: str = node["Identification"]
    if not (number.isascii() and number.isdigit() and len(number) <= 34):
        raise _field(f"{path}.Identification", INVALID, "an account number has digits only")
    return number


def book_transfer(node: Body, path: str) -> None:
    """InstrumentUnsupported when a payment asks for any instrument."""
    if "LocalInstrument" in node:
        entry = {
            "pointer": f"{path}.LocalInstrument",
            "code": InstrumentUnsupported.uk_code or INVALID,
            "detail": InstrumentUnsupported.headline(),
        }
        raise InstrumentUnsupported(errors=[entry])


def refuse(faults: Iterable[Mapping[str, str]]) -> None:
    """FieldsInvalid when there are faults; its detail tells of the first."""
    named = list(faults)[:FAULTS_MAX]
    if named:
        first = named[0]
        raise FieldsInvalid(f"{first['pointer'] or 'the body'}: {first['detail']}", errors=named)


def _field(path: str, code: str, detail: str) -> FieldsInvalid:
    entry = {"pointer": path, "code": code, "detail": detail}
    return FieldsInvalid(f"{path}: {detail}", errors=[entry])


def _fault(error: ValidationError) -> dict[str, str]:
    """One violation in the words of UK Open Banking."""
    path = ".".join(str(part) for part in error.absolute_path)
    if error.validator == "required" and (found := _MISSED.match(error.message)):
        return _named(path, found[1], MISSING, "this member is required")
    if error.validator == "additionalProperties" and (
        found := _SAID_TOO_MUCH.search(error.message)
    ):
        return _named(path, found[1], UNEXPECTED, "there is no such member here")
    # The message may repeat the whole value; the rule that failed says enough.
    detail = f"breaks {error.validator}: {str(error.validator_value)[:120]}"
    return {"pointer": path[:200], "code": INVALID, "detail": detail}


def _named(path: str, name: str, code: str, detail: str) -> dict[str, str]:
    return {"pointer": f"{path}.{name}".lstrip(".")[:200], "code": code, "detail": detail}


def _unsafe(value: Any, path: str, depth: int) -> Iterable[str]:
    """Paths of texts that cannot be shown or stored. Schemas bound the depth of what has one."""
    if isinstance(value, str):
        if _UNSAFE.search(value):
            yield path[:200]
    elif depth and isinstance(value, Mapping):
        for name, each in value.items():
            if _UNSAFE.search(name):
                yield path[:200]
            else:
                yield from _unsafe(each, f"{path}.{name}".lstrip("."), depth - 1)
    elif depth and isinstance(value, list):
        for index, each in enumerate(value):
            yield from _unsafe(each, f"{path}.{index}", depth - 1)


# Keyed by the catalogue's identity: a process has one, tests may have a few.
_VALIDATORS: dict[tuple[int, str], Draft202012Validator] = {}


def _validator(catalogue: Catalogue, name: str) -> Draft202012Validator:
    key = (id(catalogue), name)
    if key not in _VALIDATORS:
        _VALIDATORS[key] = Draft202012Validator(
            {
                "$ref": f"#/components/schemas/{name}",
                "components": {"schemas": dict(catalogue.schemas)},
            }
        )
    return _VALIDATORS[key]
