"""Random content for any operation of the catalogue: half of it plausible, half of it absurd."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bankside.catalog import Input

ODD: Sequence[Any] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 2**64 - 1, 1.5, 1e308, "", " ", "0", "-1",
    "1", "1.00", "1.005", "9" * 400, "x" * 3_000, "测试", "\u202e", "\U0001f4a5", "\ufeff", "a\nb",
    "a\tb", "a\x1fb", "\x7f", "';--", "%00", "%", "\\", '"', "../..",
    "ord_00000000000000000000000000",
    "acc_00000000000000000000000000", "2026-02-30", "2026-13-01", "0001-01-01", "9999-12-31",
    "2026-02", "9999-12", "0000-00", [], {}, [[]], [{}], {"": ""}, {"amount": "1.00"},
    {"amount": "1.00", "currency": "XXX"}, {"amount": "1.00", "currency": "JPY"},
    {"amount": 1, "currency": "CNY"}, {"amount": "1", "currency": ["CNY"]},
    {"amount": "1.00", "currency": "CNY", "x": 1}, {"amount": "9999999999999", "currency": "CNY"},
)  # fmt: skip

Plausible = Mapping[str, Any]


def odd_fields(fields: Sequence[Input], plausible: Plausible, chance: random.Random) -> Any:
    """A body: mostly an object with the declared fields, each plausible, odd or missing."""
    if chance.random() < 0.03:
        return chance.choice(ODD)
    body = {each.name: _value(each, plausible, chance) for each in fields}
    for name in list(body):
        if chance.random() < 0.04:
            del body[name]
    if chance.random() < 0.05:
        body[str(chance.choice(ODD))] = chance.choice(ODD)
    return body


def odd_text(plausible: Sequence[str], chance: random.Random) -> str:
    """An id in a path or a value in a query."""
    if chance.random() < 0.6:
        return chance.choice(plausible)
    return str(chance.choice([each for each in ODD if each]))[:2_000].strip("/") or "0"


def _value(field: Input, plausible: Plausible, chance: random.Random) -> Any:
    if chance.random() < 0.05:
        return chance.choice(ODD)
    if field.name in plausible:
        return plausible[field.name]
    if field.type == "list" and field.fields:
        rows = range(chance.choice([0, 1, 1, 2, 3]))
        return [odd_fields(field.fields, plausible, chance) for _ in rows]
    made = _BY_TYPE.get(field.type)
    return made(plausible, chance) if made is not None else chance.choice(ODD)


_BY_TYPE: Mapping[str, Callable[[Plausible, random.Random], Any]] = {
    "account": lambda known, chance: chance.choice(known["accounts"]),
    "merchant": lambda known, chance: chance.choice(known["merchants"]),
    "money": lambda known, chance: {
        "amount": f"{chance.randint(0, 3)}.0{chance.randint(0, 9)}",
        "currency": "CNY",
    },
    "token": lambda known, chance: chance.choice(known["tokens"]),
    "text": lambda known, chance: chance.choice([*known["orders"], "2026-01", "pdf", "csv", "n1"]),
    "int": lambda known, chance: chance.randint(-1, 5),
    "list": lambda known, chance: [chance.randint(-1, 3) for _ in range(chance.randint(0, 3))],
    "date": lambda known, chance: f"20{chance.randint(20, 30)}-0{chance.randint(1, 9)}-15",
    "bool": lambda known, chance: chance.random() < 0.5,
}
