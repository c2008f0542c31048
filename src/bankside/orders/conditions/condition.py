"""The shape of a condition, and how one names the field it is about."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from bankside.bank.accounts import Account
from bankside.kernel.errors import BanksideError
from bankside.orders.inputs import fault

Form = Mapping[str, Any]
Condition = Callable[[Form, date], None]
# What has to be true of the accounts a request names, by field.
Among = Callable[[Mapping[str, Account]], None]


def refusing(error: type[BanksideError], field: str, detail: str) -> BanksideError:
    """The refusal, with a pointer to the field that led to it."""
    return error(detail, errors=[fault(f"/{field}", error.code, detail)])
