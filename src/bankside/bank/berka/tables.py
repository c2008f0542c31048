"""How each file looks: its columns, what each may hold, and which class a row becomes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from bankside.bank.berka.model import (
    CURRENCY,
    BankAccount,
    Card,
    Client,
    Disp,
    District,
    Loan,
    PermanentOrder,
)
from bankside.kernel.errors import Invalid
from bankside.kernel.money import Money

# Ids go into account numbers, which have eleven digits to spare for them.
ID_MAX = 10**11 - 1


class Unreadable(Exception):
    """A field does not hold what its column holds."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column: ``read`` gives the value or raises Unreadable; ``expected`` says it in words."""

    name: str
    read: Callable[[str], object]
    expected: str


@dataclass(frozen=True, slots=True)
class Table:
    """A file: ``make`` builds a row's value from ``line`` and the columns by name."""

    name: str
    columns: tuple[Column, ...]
    make: Callable[..., Any]

    @property
    def id(self) -> str:
        """The name of the identifying column: the first one."""
        return self.columns[0].name


_WHOLE = re.compile(r"0|[1-9][0-9]{0,17}")
_DECIMAL = re.compile(r"[0-9]{0,12}\.[0-9]{1,6}|[0-9]{1,12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def identifier(name: str) -> Column:
    """An id of this table or of another."""

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text) or not 1 <= int(text) <= ID_MAX:
            raise Unreadable
        return int(text)

    return Column(name, read, f"a whole number from 1 to {ID_MAX}")


def count(name: str, *, least: int = 0, may_be_empty: bool = False) -> Column:
    """A number of things."""

    def read(text: str) -> int | None:
        if may_be_empty and not text:
            return None
        if not _WHOLE.fullmatch(text) or int(text) < least:
            raise Unreadable
        return int(text)

    return Column(name, read, f"a whole number from {least}" + (" or nothing" * may_be_empty))


def ratio(name: str) -> Column:
    """A rate or an average, kept as exact text; may be empty, which means unknown."""

    def read(text: str) -> str | None:
        if not text:
            return None
        if not _DECIMAL.fullmatch(text):
            raise Unreadable
        return str(Decimal(text))

    return Column(name, read, "a decimal number such as 46.7 or nothing")


def amount(name: str) -> Column:
    """An amount in CZK above zero, as minor units."""

    def read(text: str) -> int:
        try:
            # The source writes amounts below one crown without the leading zero: ".80".
            minor = Money.parse(f"0{text}" if text[:1] == "." else text, CURRENCY).minor
        except Invalid:
            raise Unreadable from None
        if minor == 0:
            raise Unreadable
        return minor

    return Column(name, read, f"an amount in {CURRENCY} above zero such as 245.20")


def day(name: str) -> Column:
    """A calendar date."""

    def read(text: str) -> date:
        if not _DATE.fullmatch(text):
            raise Unreadable
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise Unreadable from None

    return Column(name, read, "a date such as 2015-03-24")


def word(name: str, *allowed: str) -> Column:
    """One of some codes; the source pads with blanks."""

    def read(text: str) -> str:
        code = text.strip(" ")
        if code not in allowed:
            raise Unreadable
        return code

    shown = [each or "nothing" for each in allowed]
    return Column(name, read, "one of " + ", ".join(shown))


def text(name: str, *, longest: int = 100) -> Column:
    """Printable text."""

    def read(value: str) -> str:
        if not 1 <= len(value) <= longest or not value.isprintable():
            raise Unreadable
        return value

    return Column(name, read, f"1 to {longest} printable characters")


def _district(
    line: int, district_id: int, district_name: str, region: str, **facts: str | int | None
) -> District:
    return District(line, district_id, district_name, region, facts)


TABLES: Mapping[str, Table] = {
    table.name: table
    for table in (
        Table(
            "district",
            (
                identifier("district_id"),
                text("district_name"),
                text("region"),
                count("num_inhabitants"),
                count("num_municipalities_gt499"),
                count("num_municipalities_500to1999"),
                count("num_municipalities_2000to9999"),
                count("num_municipalities_gt10000"),
                count("num_cities"),
                ratio("ratio_urban"),
                ratio("average_salary"),
                ratio("unemployment_rate95"),
                ratio("unemployment_rate96"),
                count("num_entrep_per1000", may_be_empty=True),
                count("num_crimes95", may_be_empty=True),
                count("num_crimes96", may_be_empty=True),
            ),
            _district,
        ),
        Table(
            "client",
            (
                identifier("client_id"),
                day("birth_date"),
                word("gender", "M", "F"),
                identifier("district_id"),
            ),
            Client,
        ),
        Table(
            "account",
            (
                identifier("account_id"),
                identifier("district_id"),
                day("create_date"),
                word("frequency", "M", "W", "T"),
            ),
            BankAccount,
        ),
        Table(
            "disp",
            (
                identifier("disp_id"),
                identifier("client_id"),
                identifier("account_id"),
                word("disp_type", "O", "D"),
            ),
            Disp,
        ),
        Table(
            "order",
            (
                identifier("order_id"),
                identifier("account_id"),
                text("bank_to", longest=11),
                text("account_to", longest=34),
                amount("amount"),
                word("category", "HH", "IN", "LO", "LE", ""),
            ),
            PermanentOrder,
        ),
        Table(
            "loan",
            (
                identifier("loan_id"),
                identifier("account_id"),
                day("granted_date"),
                amount("amount"),
                count("duration", least=1),
                amount("payments"),
                word("status", "A", "B", "C", "D"),
            ),
            Loan,
        ),
        Table(
            "card",
            (
                identifier("card_id"),
                identifier("disp_id"),
                word("card_type", "J", "C", "G"),
                day("issued_date"),
            ),
            Card,
        ),
    )
}
