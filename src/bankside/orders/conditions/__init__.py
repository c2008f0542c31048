"""What a product asks of a request beyond the shape of its fields: pure rules, source named.

Always true: a condition reads a request that its schema took and the bank's date, or the accounts
it names, and raises or returns; nothing is written, nothing is looked up. It runs first.

Public: asked, looked_up, among, AMONG, CONDITIONS.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from bankside.bank.accounts import Account
from bankside.kernel.clock import BANK_ZONE
from bankside.orders.conditions import accounts, collecting, currency, papers, payments, savings
from bankside.orders.conditions.condition import Among, Condition
from bankside.orders.desk import Ticket
from bankside.orders.inputs import read_body, read_query

# By the id of the operation that is asked.
CONDITIONS: Mapping[str, Condition] = {
    **accounts.CONDITIONS,
    **collecting.CONDITIONS,
    **currency.CONDITIONS,
    **papers.CONDITIONS,
    **payments.CONDITIONS,
    **savings.CONDITIONS,
}
# The same, of the accounts that the request names.
AMONG: Mapping[str, Among] = {**accounts.AMONG, **payments.AMONG}


def asked(ticket: Ticket, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body of a call, typed, once its operation's condition holds. Raises what that refuses."""
    form = read_body(ticket.operation.inputs, ticket.call.body if body is None else body)
    _hold(ticket, form)
    return form


def looked_up(ticket: Ticket) -> dict[str, Any]:
    """The query of a call, typed, once its operation's condition holds."""
    form = read_query(ticket.operation.inputs, ticket.call.query)
    _hold(ticket, form)
    return form


def among(ticket: Ticket, named: Mapping[str, Account]) -> None:
    """Raises what the operation refuses of the accounts that its request names."""
    rule = AMONG.get(ticket.operation.id)
    if rule is not None:
        rule(named)


def _hold(ticket: Ticket, form: Mapping[str, Any]) -> None:
    condition = CONDITIONS.get(ticket.operation.id)
    if condition is not None:
        condition(form, _bank_date(ticket))


def _bank_date(ticket: Ticket) -> date:
    return ticket.at.astimezone(BANK_ZONE).date()
