"""Reads a request by the fields its definition declares, and names every fault at once.

Always true: what comes out is typed (``Money``, ``date``, ``str`` ...) and safe to store; a field
that is not declared is refused, never ignored. Pointers are JSON Pointers (RFC 6901) into the
body, or ``?name`` for a query parameter.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from bankside.catalog import Input
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import is_reference
from bankside.kernel.money import Money
from bankside.orders.errors import InputInvalid

# A remark that fits the remittance information of ISO 20022 (140) with room for Chinese payers.
TEXT_MAX = 256
TOKEN_MAX = 512
LIST_MAX = 2_000
MAP_MAX = 50
INTEGER_MAX = 2**31 - 1
# Faults beyond these are not listed; the caller fixes these first.
FAULTS_MAX = 50
# C0 and C1 controls and lone surrogates: none belongs in a text and PostgreSQL refuses NUL.
_UNSAFE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
# Dates outside are typing mistakes, and the ends of the calendar have no day before or after.
DATE_MIN, DATE_MAX = date(1900, 1, 1), date(2999, 12, 31)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_WHOLE = re.compile(r"-?[0-9]{1,10}")

Faults = list[dict[str, str]]


class _Fault(Exception):
    """One field cannot be read: a code and what was expected."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail


def read_body(fields: Sequence[Input], body: Mapping[str, Any]) -> dict[str, Any]:
    """The declared fields of a JSON body, typed; absent optional ones are not in the result.

    Raises InputInvalid with one entry per faulty field.
    """
    faults: Faults = []
    values = _object(fields, body, "", faults)
    refuse(faults)
    return values


def read_query(fields: Sequence[Input], query: Mapping[str, str]) -> dict[str, Any]:
    """The declared fields of a query string, typed. Raises InputInvalid."""
    faults: Faults = []
    declared = {each.name: each for each in fields}
    values: dict[str, Any] = {}
    for name, text in query.items():
        field = declared.get(name)
        if field is None:
            faults.append(
                fault(f"?{_shown(name)}", "field.unknown", "not a parameter of this list")
            )
            continue
        try:
            value: Any = int(text) if field.type == "int" and _WHOLE.fullmatch(text) else text
            values[name] = _value(field, value, f"?{name}", faults)
        except _Fault as found:
            faults.append(fault(f"?{name}", found.code, found.detail))
    for field in fields:
        if field.required and field.name not in query:
            faults.append(fault(f"?{field.name}", "field.missing", "this parameter is required"))
    _alternatives(fields, query, "?", faults)
    refuse(faults)
    return values


def is_number(text: str) -> bool:
    """Whether a text could be a partner's own number of anything: look-ups answer NotFound else."""
    return 1 <= len(text) <= TEXT_MAX and not _UNSAFE.search(text)


def ranged(form: Mapping[str, Any], name: str, low: int, high: int) -> None:
    """Raise InputInvalid when a whole-number field is given and lies outside ``low..high``."""
    value = form.get(name)
    if value is not None and not low <= value <= high:
        refuse([fault(f"/{name}", "field.range", f"expected a number from {low} to {high}")])


def fault(pointer: str, code: str, detail: str) -> dict[str, str]:
    """One entry of ``errors`` in a refusal."""
    return {"pointer": pointer, "code": code, "detail": detail}


def refuse(faults: Faults) -> None:
    """Raise InputInvalid when there are faults; its detail tells of the first."""
    if faults:
        first = faults[0]
        raise InputInvalid(
            f"{first['pointer'] or 'the body'}: {first['detail']}", errors=faults[:FAULTS_MAX]
        )


def _object(
    fields: Sequence[Input], body: Mapping[str, Any], at: str, faults: Faults
) -> dict[str, Any]:
    declared = {each.name: each for each in fields}
    for name in body:
        if name not in declared:
            faults.append(
                fault(f"{at}/{_shown(name)}", "field.unknown", "not a field of this request")
            )
    values: dict[str, Any] = {}
    for name, field in declared.items():
        given = body.get(name)
        if given is None:
            if field.required:
                faults.append(fault(f"{at}/{name}", "field.missing", "this field is required"))
            continue
        try:
            values[name] = _value(field, given, f"{at}/{name}", faults)
        except _Fault as found:
            faults.append(fault(f"{at}/{name}", found.code, found.detail))
    _alternatives(fields, body, f"{at}/", faults)
    return values


def _alternatives(
    fields: Sequence[Input], body: Mapping[str, Any], at: str, faults: Faults
) -> None:
    """Of a field and the one it stands ``instead_of``, one has to be there."""
    for field in fields:
        other = field.instead_of
        if other and body.get(field.name) is None and body.get(other) is None:
            faults.append(
                fault(f"{at}{field.name}", "field.missing", f"give {field.name} or {other}")
            )


def _value(field: Input, given: Any, at: str, faults: Faults) -> Any:
    reader = _READERS.get(field.type)
    if reader is not None:
        return reader(field, given)
    if field.type == "list":
        return _list(field, given, at, faults)
    raise _Fault("field.type", f"fields of type {field.type} are not taken here")


def _list(field: Input, given: Any, at: str, faults: Faults) -> tuple[Any, ...]:
    if not isinstance(given, list):
        raise _Fault("field.type", "expected a list")
    most = field.max or LIST_MAX
    if not 1 <= len(given) <= most:
        raise _Fault("field.length", f"expected 1 to {most} entries, found {len(given)}")
    rows: list[Any] = []
    for index, each in enumerate(given):
        if len(faults) >= FAULTS_MAX:
            break
        try:
            if not field.fields:
                rows.append(_integer(field, each))
            elif isinstance(each, Mapping):
                rows.append(_object(field.fields, each, f"{at}/{index}", faults))
            else:
                raise _Fault("field.type", "expected an object")
        except _Fault as found:
            faults.append(fault(f"{at}/{index}", found.code, found.detail))
    return tuple(rows)


def _text(field: Input, given: Any) -> str:
    if not isinstance(given, str):
        raise _Fault("field.type", "expected a text")
    most = field.max or TEXT_MAX
    if not 1 <= len(given) <= most:
        raise _Fault("field.length", f"expected 1 to {most} characters, found {len(given)}")
    if _UNSAFE.search(given):
        raise _Fault("field.characters", "control characters are not taken")
    if field.pattern and not re.fullmatch(field.pattern, given, re.ASCII):
        raise _Fault("field.pattern", f"expected the form {field.pattern}")
    if field.choices and given not in field.choices:
        raise _Fault("field.choice", f"expected one of {', '.join(field.choices)}")
    return given


def _reference(field: Input, given: Any) -> str:
    if not isinstance(given, str) or not is_reference(given):
        raise _Fault("field.reference", f"expected the id of an {field.type}")
    return given


def _token(_field: Input, given: Any) -> str:
    if not isinstance(given, str) or not 1 <= len(given) <= TOKEN_MAX:
        raise _Fault("field.type", f"expected a token of 1 to {TOKEN_MAX} characters")
    if not (given.isascii() and given.isprintable()):
        raise _Fault("field.characters", "expected visible ASCII characters")
    return given


def _money(_field: Input, given: Any) -> Money:
    if not isinstance(given, Mapping) or set(given) != {"amount", "currency"}:
        raise _Fault("amount.invalid", 'expected {"amount": "12.34", "currency": "CNY"}')
    try:
        money = Money.parse(given["amount"], given["currency"])
    except BanksideError as error:
        raise _Fault(error.code, error.detail) from error
    if money.minor == 0:
        raise _Fault("amount.not_positive", "the amount has to be above zero")
    return money


def _date(_field: Input, given: Any) -> date:
    # date.fromisoformat also takes 20260302 and 2026-W10-1; the contract is one form.
    if isinstance(given, str) and _DATE.fullmatch(given):
        with suppress(ValueError):
            day = date.fromisoformat(given)
            if DATE_MIN <= day <= DATE_MAX:
                return day
    raise _Fault("field.date", "expected a date such as 2026-03-02")


def _integer(field: Input, given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int):
        raise _Fault("field.type", "expected a whole number")
    least = -INTEGER_MAX if field.least is None else field.least
    most = INTEGER_MAX if field.most is None else field.most
    if not least <= given <= most:
        raise _Fault("field.range", f"expected a number from {least} to {most}")
    return given


def _boolean(_field: Input, given: Any) -> bool:
    if not isinstance(given, bool):
        raise _Fault("field.type", "expected true or false")
    return given


def _map(_field: Input, given: Any) -> dict[str, str]:
    """Short texts by name; what templates are filled in with."""
    if not isinstance(given, Mapping) or len(given) > MAP_MAX:
        raise _Fault("field.type", f"expected an object of at most {MAP_MAX} texts")
    for name, value in given.items():
        if not _NAME.fullmatch(name) or not isinstance(value, str) or len(value) > TEXT_MAX:
            raise _Fault("field.type", "expected texts by names such as pay_date")
        if _UNSAFE.search(value):
            raise _Fault("field.characters", "control characters are not taken")
    return dict(given)


_READERS: Mapping[str, Callable[[Input, Any], Any]] = {
    "account": _reference,
    "party": _reference,
    "merchant": _reference,
    "consent": _reference,
    "token": _token,
    "secret": _token,
    "money": _money,
    "date": _date,
    "int": _integer,
    "bool": _boolean,
    "text": _text,
    "map": _map,
}


def _shown(name: object) -> str:
    """A field name as a pointer segment that any encoder can write."""
    text = str(name)[:64].encode("utf-8", "replace").decode()
    return text.replace("~", "~0").replace("/", "~1")
