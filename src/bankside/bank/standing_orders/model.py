"""A standing order as a value, and what is needed to set one up."""

from dataclasses import dataclass
from datetime import date

from bankside.kernel.ids import AccountId
from bankside.kernel.money import Money


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingOrder:
    """``frequency`` is a code of UK Open Banking: ``IntrvlMnthDay:01:05`` is monthly on the 5th.

    ``payee_name`` is "" and the dates are None where a loaded bank did not tell them. ``pay_on`` is
    when it is tried next if that is not its date, ``tries`` how often this date was tried.
    """

    id: str
    partner: str
    account: AccountId
    payee_account: str
    payee_name: str
    amount: Money
    reference: str
    frequency: str
    first_on: date | None
    next_on: date | None
    final_on: date | None
    is_active: bool
    pay_on: date | None = None
    tries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStandingOrder:
    """What its holder wants paid, how often, from when and (None: without end) until when."""

    account: str
    payee_account: str
    payee_name: str
    amount: Money
    frequency: str
    first_on: date
    final_on: date | None = None
    reference: str = ""
    id: str | None = None
