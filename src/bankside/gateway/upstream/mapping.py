"""The declarative mapping of one object into another: pointer to pointer, unit, words, constant.

Always true: amounts are exact both ways; a rule whose source is missing does nothing, unless it has
a constant; what no rule names stays where it is. Source: catalogue guide section 8; RFC 6901.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from decimal import Decimal, InvalidOperation
from typing import Any

from bankside.gateway.upstream.errors import ForwardInvalid
from bankside.kernel.errors import Invalid
from bankside.kernel.money import Money, minor_digits
from bankside.kernel.snapshot import MapRule

_NOTHING = object()


class MappingFailed(Exception):
    """The value at a pointer is not what its rule needs."""

    def __init__(self, pointer: str, text: str) -> None:
        super().__init__(f"{pointer}: {text}")
        self.pointer = pointer


def to_upstream(rules: Iterable[MapRule], body: Mapping[str, Any]) -> dict[str, Any]:
    """A request of ours as the upstream wants it; raises ForwardInvalid naming our member."""
    try:
        return _mapped(rules, body, outwards=True)
    except MappingFailed as error:
        fault = {"pointer": error.pointer, "code": "field.invalid"}
        raise ForwardInvalid(str(error), errors=[fault]) from error


def from_upstream(rules: Iterable[MapRule], body: Mapping[str, Any]) -> dict[str, Any]:
    """An upstream's answer as ours; raises MappingFailed."""
    return _mapped(rules, body, outwards=False)


def at(value: Any, pointer: str) -> Any:
    """What stands at a JSON pointer; None when nothing does."""
    found = _reach(value, _parts(pointer))
    return None if found is _NOTHING else found


def _mapped(rules: Iterable[MapRule], body: Mapping[str, Any], *, outwards: bool) -> dict[str, Any]:
    listed = tuple(rules)
    if not listed:
        return dict(body)
    made: dict[str, Any] = deepcopy(dict(body))
    found = [(rule, _taken(made, rule, outwards=outwards)) for rule in listed]
    for rule, value in found:
        if value is _NOTHING:
            if rule.constant is not None:
                _put(made, rule.target, rule.constant)
            continue
        if rule.unit and outwards:
            amount, currency = _written(rule, value)
            _put(made, rule.target, amount)
            if rule.currency.startswith("/"):
                _put(made, rule.currency, currency)
        else:
            _put(made, rule.target, _worded(rule, value))
    return made


def _worded(rule: MapRule, value: Any) -> Any:
    return rule.words.get(value, value) if isinstance(value, str) else value


def _taken(made: dict[str, Any], rule: MapRule, *, outwards: bool) -> Any:
    """The value of a rule, taken out of the object (an amount with its currency)."""
    value = _take(made, rule.source) if rule.source else _NOTHING
    if value is _NOTHING or not rule.unit or outwards:
        return value
    currency = rule.currency
    if currency.startswith("/"):
        currency = at(made, currency)
    return _read(rule, value, currency)


def _written(rule: MapRule, value: Any) -> tuple[Any, str]:
    """An amount of ours in the upstream's writing, and its currency."""
    try:
        if not isinstance(value, Mapping) or set(value) != {"amount", "currency"}:
            raise MappingFailed(rule.source, "is an amount: {'amount': '12.34', 'currency': ..}")
        money = Money.parse(value["amount"], value["currency"])
    except Invalid as error:
        raise MappingFailed(rule.source, error.detail) from error
    if rule.currency and not rule.currency.startswith("/") and money.currency != rule.currency:
        raise MappingFailed(rule.source, f"only {rule.currency} is taken")
    if rule.unit == "minor":
        return money.minor, money.currency
    return (Decimal(str(money)) if rule.unit == "major" else str(money)), money.currency


def _read(rule: MapRule, value: Any, currency: Any) -> dict[str, str]:
    """The upstream's writing of an amount as ours; nothing is rounded."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
            raise MappingFailed(rule.source, "is no amount")
        digits = minor_digits(currency)
        exact = Decimal(value) if rule.unit != "minor" else Decimal(value).scaleb(-digits)
        minor = exact.scaleb(digits)
        if not exact.is_finite() or minor != minor.to_integral_value():
            raise MappingFailed(rule.source, "has more digits than its currency")
        return Money(int(minor), currency).to_json()
    except (Invalid, InvalidOperation, ValueError) as error:
        raise MappingFailed(rule.source, "is no amount in a currency of this bank") from error


def _parts(pointer: str) -> list[str]:
    return [each.replace("~1", "/").replace("~0", "~") for each in pointer.split("/")[1:]]


def _reach(value: Any, parts: list[str]) -> Any:
    for part in parts:
        if isinstance(value, Mapping) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part[:6]) < len(value):
            value = value[int(part[:6])]
        else:
            return _NOTHING
    return value


def _take(made: dict[str, Any], pointer: str) -> Any:
    """The value at a pointer, removed; objects that are empty then stay."""
    *path, last = _parts(pointer)
    owner = _reach(made, path)
    if isinstance(owner, dict) and last in owner:
        return owner.pop(last)
    return _NOTHING


def _put(made: dict[str, Any], pointer: str, value: Any) -> None:
    """Write a value, making the objects on the way; or MappingFailed where others stand."""
    *path, last = _parts(pointer)
    owner: Any = made
    for part in path:
        owner = owner.setdefault(part, {}) if isinstance(owner, dict) else None
    if not isinstance(owner, dict):
        raise MappingFailed(pointer, "cannot be written: something else stands there")
    owner[last] = value
