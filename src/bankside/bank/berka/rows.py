"""The rows of our tables that the files become: pure, in the column order of ``store.COLUMNS``."""

from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

import msgspec

from bankside.bank.accounts import CHOSEN_SERIAL_MIN, ProductClass, account_number
from bankside.bank.berka.model import CURRENCY, Files
from bankside.bank.berka.store import SOURCE
from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.ids import derived_id

_ROLES = {"O": "owner", "D": "disponent"}
_LOAN_STATES = {"A": "repaid", "B": "unpaid", "C": "running", "D": "in_debt"}
_CARD_CLASSES = {"J": "junior", "C": "classic", "G": "gold"}
# Above the serials that seeds choose, so that a data space may hold a demo and this bank.
_SERIAL_FROM = CHOSEN_SERIAL_MIN + 4 * 10**11


def account_id(partner: str, number: int) -> str:
    """Our id of an account of the files, the same in every load of the data space."""
    return derived_id("account", partner, SOURCE, str(number))


def rows(partner: str, files: Files, at: datetime) -> Mapping[str, Iterable[tuple[Any, ...]]]:
    """Rows by table, in an order in which every row finds what it refers to."""
    return {
        "branches": _branches(partner, files),
        "customers": _customers(partner, files, at),
        "accounts": _accounts(partner, files),
        "dispositions": _dispositions(partner, files),
        "standing_orders": _standing_orders(partner, files),
        "loan_contracts": _loan_contracts(partner, files),
        "cards": _cards(partner, files),
    }


def _branch(partner: str, district: int) -> str:
    return derived_id("branch", partner, SOURCE, str(district))


def _customer(partner: str, client: int) -> str:
    return derived_id("customer", partner, SOURCE, str(client))


def _json(facts: Mapping[str, Any]) -> str:
    return msgspec.json.encode(facts).decode()


def _branches(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    for each in files.districts:
        yield (
            partner,
            _branch(partner, each.district_id),
            f"CZ-{each.district_id:03d}",
            each.district_name,
            each.district_name,
            each.region,
            _json({"source": SOURCE, **each.facts}),
        )


def _customers(partner: str, files: Files, at: datetime) -> Iterable[tuple[Any, ...]]:
    for each in files.clients:
        yield (
            partner,
            _customer(partner, each.client_id),
            "retail",
            # The files are anonymous: the number is all the name there is.
            f"客户 {each.client_id}",
            f"Client {each.client_id}",
            each.birth_date,
            _branch(partner, each.district_id),
            _json({"source": SOURCE, "client_id": str(each.client_id), "gender": each.gender}),
            at,
        )


def _accounts(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    owners = {each.account_id: each.client_id for each in files.disps if each.disp_type == "O"}
    for each in files.accounts:
        ours = account_id(partner, each.account_id)
        yield (
            partner,
            ours,
            account_number(ProductClass.CURRENT, _SERIAL_FROM + each.account_id),
            _customer(partner, owners[each.account_id]),
            ProductClass.CURRENT.value,
            CURRENCY,
            "open",
            ours,
            _branch(partner, each.district_id),
            datetime.combine(each.create_date, time(), BANK_ZONE),
        )


def _dispositions(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    opened = {each.account_id: each.create_date for each in files.accounts}
    for each in files.disps:
        yield (
            partner,
            account_id(partner, each.account_id),
            _customer(partner, each.client_id),
            _ROLES[each.disp_type],
            opened[each.account_id],
        )


def _standing_orders(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    for each in files.orders:
        yield (
            partner,
            f"{SOURCE}-{each.order_id}",
            account_id(partner, each.account_id),
            each.bank_to,
            each.account_to,
            each.amount,
            CURRENCY,
            each.category,
            SOURCE,
        )


def _loan_contracts(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    for each in files.loans:
        yield (
            partner,
            f"{SOURCE}-{each.loan_id}",
            account_id(partner, each.account_id),
            each.granted_date,
            each.amount,
            each.payments,
            CURRENCY,
            each.duration,
            _LOAN_STATES[each.status],
            SOURCE,
        )


def _cards(partner: str, files: Files) -> Iterable[tuple[Any, ...]]:
    disps = {each.disp_id: each for each in files.disps}
    for each in files.cards:
        disp = disps[each.disp_id]
        yield (
            partner,
            f"{SOURCE}-{each.card_id}",
            account_id(partner, disp.account_id),
            _customer(partner, disp.client_id),
            _CARD_CLASSES[each.card_type],
            each.issued_date,
            SOURCE,
        )
