"""Requests of an operation: a valid one from its declared fields, and ones that are just bad.

The people and accounts are those of the ground; numbers and lengths come from one seed, so that a
run can be made again. What a product asks beyond its fields (an order that stands, a product code)
nobody can guess here: such a request is refused by a rule, and counts as a refusal.
"""

import copy
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from bankside.catalog import Input, ProductOperation
from bankside.catalog.apis import LIST_MAX, TEXT_MAX, TOKEN_MAX, example_of

# Roles of accounts by the names that definitions use: who pays; all others are paid.
_PAYS: Final = frozenset(
    {"payer_account", "drawer_account", "account", "subject", "master_account"}
)
# What the sandbox's own one-time code is called when nobody was sent one.
_CODE = "123456"
_NOBODY: Final = {
    "account": "acc_00000000000000000000000000",
    "party": "cus_00000000000000000000000000",
    "merchant": "mch_00000000000000000000000000",
    "consent": "cns_00000000000000000000000000",
}
# Every date is so far ahead, but those that begin something.
_LATER, _BEGINS = 304, frozenset({"from_on", "incident_on"})


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays in requests: accounts, people, a merchant and a payment code of the ground."""

    payer: str
    payee: str
    holder: str
    document_no: str
    company: str
    merchant: str
    payer_token: str
    today: date

    @classmethod
    def of(cls, people: Mapping[str, Any], today: date) -> "Cast":
        """Out of what a space tells of its people."""
        retail = [each for each in people["people"] if each["payer_token"]]
        first, second = retail[0], retail[1]
        company = next(each for each in people["people"] if not each["payer_token"])
        merchant = next(each for each in people["merchants"] if not each["of_tenant"])
        return cls(
            payer=first["accounts"][0]["account"],
            payee=second["accounts"][0]["account"],
            holder=first["customer"],
            document_no=first["document_no"],
            company=company["customer"],
            merchant=merchant["merchant"],
            payer_token=first["payer_token"],
            today=today,
        )


@dataclass(frozen=True, slots=True)
class Bad:
    """A request with one thing wrong; ``how`` says what, for people."""

    how: str
    body: Any


class Maker:
    """Makes requests of one version; the same seed makes the same ones."""

    def __init__(self, cast: Cast, seed: int) -> None:
        self._cast = cast
        self._random = random.Random(seed)

    def number(self) -> str:
        """A number of the caller's own, used for nothing yet."""
        return f"P{self._random.getrandbits(64):016x}"

    def valid(self, operation: ProductOperation) -> dict[str, Any]:
        """What is needed, each optional field by a toss, of two that stand for each other one."""
        stood_for = {each.instead_of for each in operation.inputs if each.instead_of}
        body = {}
        for each in operation.inputs:
            needed = each.required or each.name in stood_for
            if needed and not each.instead_of:
                body[each.name] = self.value(each)
        return body

    def whole(self, operation: ProductOperation) -> dict[str, Any]:
        """Every declared field, filled."""
        return {each.name: self.value(each) for each in operation.inputs if each.type != "consent"}

    def query(self, operation: ProductOperation, *, bad: bool = False) -> dict[str, str]:
        """The query of a read: what is required; with ``bad`` something that no list takes."""
        asked = {
            each.name: str(self.value(each))
            for each in operation.inputs
            if each.required and each.type not in {"list", "map", "money"}
        }
        if bad:
            asked |= self._random.choice(
                ({"limit": "0"}, {"limit": "many"}, {"cursor": "\x00é"}, {"no_such": "1"})
            )
        return asked

    def value(self, given: Input) -> Any:
        """A value that the field takes, of the ground's own people where it names somebody."""
        cast = self._cast
        match given.type:
            case "account":
                return cast.payer if given.name in _PAYS else cast.payee
            case "party":
                return cast.holder
            case "merchant":
                return cast.merchant
            case "money":
                return {
                    "amount": f"{self._random.randint(100, 2_000) / 100:.2f}",
                    "currency": "CNY",
                }
            case "date":
                ahead = 0 if given.name in _BEGINS else _LATER
                return (cast.today + timedelta(days=ahead)).isoformat()
            case "token" | "secret":
                return self._secret(given)
            case "list" if given.fields:
                return [{each.name: self.value(each) for each in given.fields if each.required}]
            case "text" if not given.choices and not given.pattern:
                return self.number()[: given.max or TEXT_MAX]
        return example_of(given)

    def bad(self, operation: ProductOperation) -> Iterator[Bad]:
        """Requests with one thing wrong each: the body's form, then every field."""
        valid = self.valid(operation)
        yield Bad("an unknown field", {**valid, "no_such_field": 1})
        for how, body in _NO_BODIES:
            yield Bad(how, body)
        for each in operation.inputs:
            if each.required:
                yield Bad(f"without {each.name}", _without(valid, each.name))
            full = {**valid, each.name: self.value(each)}
            for how, value in self._wrong(each):
                yield Bad(f"{each.name} {how}", {**full, each.name: value})
        if operation.inputs:
            yield self._twice_wrong(operation, valid)

    def spoiled(self, printed: Any) -> Iterator[Bad]:
        """Requests like a printed one, where no fields are declared: its schema says who is bad."""
        for how, body in _NO_BODIES:
            yield Bad(how, body)
        if isinstance(printed, dict):
            for name in printed:
                yield Bad(f"without {name}", _without(printed, name))
                for value in (None, [1], {"a": 1}, "x" * (TOKEN_MAX + 1), -1):
                    yield Bad(f"{name} of another kind", {**printed, name: value})

    def _twice_wrong(self, operation: ProductOperation, valid: Mapping[str, Any]) -> Bad:
        """Several fields at once, as the seed has it."""
        body, hows = copy.deepcopy(dict(valid)), []
        size = min(3, len(operation.inputs))
        for each in self._random.sample(list(operation.inputs), size):
            how, value = self._random.choice(list(self._wrong(each)))
            body[each.name] = value
            hows.append(f"{each.name} {how}")
        return Bad("; ".join(hows), body)

    def _wrong(self, given: Input) -> Iterator[tuple[str, Any]]:
        """Values that the field does not take, or that lie just beyond what it takes."""
        yield "of another type", _OTHER_TYPES[given.type]
        if given.type in _NOBODY:
            yield "of nobody", _NOBODY[given.type]
        if given.type in _BAD:
            yield from _BAD[given.type]
        if given.type == "text":
            yield from self._wrong_texts(given)
        if given.type in {"token", "secret"}:
            yield "too long", "9" * (TOKEN_MAX + 1)
        if given.type == "list":
            yield "too long", [self._entry(given)] * ((given.max or LIST_MAX) + 1)
            for each in given.fields:
                how, value = self._random.choice(list(self._wrong(each)))
                yield (
                    f"with an entry whose {each.name} is {how}",
                    [{**self._entry(given), each.name: value}],
                )

    def _wrong_texts(self, given: Input) -> Iterator[tuple[str, Any]]:
        most = given.max or TEXT_MAX
        yield "too long", "x" * (most + 1)
        yield "with a control character", "a\x00b"
        yield "of half a character", "a\ud800"
        if given.choices:
            yield "no choice", f"{given.choices[0]}-{self.number()}"[:most]
        if given.pattern:
            yield "against its pattern", "?" * min(most, 12)

    def _entry(self, given: Input) -> Any:
        if not given.fields:
            return 1
        return {each.name: self.value(each) for each in given.fields if each.required}

    def _secret(self, given: Input) -> str:
        known = {"payer_token": self._cast.payer_token, "code": _CODE}
        return known.get(given.name, self._cast.document_no)


def _without(body: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {each: value for each, value in body.items() if each != name}


_NO_BODIES: Final[Sequence[tuple[str, Any]]] = (
    ("no JSON", b'{"a":'),
    ("no object", b"[1]"),
    ("a null", b"null"),
    ("no UTF-8", b'{"a":"\xff"}'),
    ("a name twice", b'{"no_such":1,"no_such":2}'),
    ("nested deeply", b'{"a":' + b"[" * 200 + b"]" * 200 + b"}"),
)
_OTHER_TYPES: Final[Mapping[str, Any]] = {
    **{each: {"a": 1} for each in ("account", "party", "merchant", "consent", "token", "secret")},
    "text": ["a"],
    "date": ["a"],
    "money": "12.34",
    "int": "1",
    "bool": "yes",
    "list": {"0": 1},
    "map": [1],
}


def _money(amount: Any, currency: Any = "CNY") -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


_BAD: Final[Mapping[str, Sequence[tuple[str, Any]]]] = {
    "money": (
        ("of nothing", _money("0.00")),
        ("below nothing", _money("-1.00")),
        ("with half a cent", _money("1.005")),
        ("as a number", _money(1.5)),
        ("in no currency", _money("1.00", "XXQ")),
        ("in no letters", _money("1.00", 1)),
        ("beyond all limits", _money("9999999999999.99")),
        ("with more digits than fit", _money("9" * 40)),
        ("without a currency", {"amount": "1.00"}),
        ("that is infinite", _money("Infinity")),
    ),
    "date": (
        ("that no calendar has", "2026-02-30"),
        ("of another form", "02.03.2026"),
        ("long past", "0001-01-01"),
    ),
    "int": (
        ("too large", 2**31),
        ("that is a fraction", 1.5),
        ("that is a truth", True),
        ("below nothing", -1),
    ),
    "list": (("that is empty", []), ("of nulls", [None])),
    "map": (("of numbers", {"a": 1}), ("of too much", {f"k{n}": "x" for n in range(60)})),
    "account": (("with a blank", "acc 1"), ("that is empty", "")),
    "party": (("that is empty", ""),),
    "merchant": (("that is empty", ""),),
}
