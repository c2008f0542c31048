"""Whether what a link brings fits the field it is brought to.

Pure: kinds and fields in, what is wrong out (a code and words), or nothing.
"""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from bankside.catalog.apis.schemas import MONEY, field_schema
from bankside.catalog.model import Input
from bankside.catalog.solutions.answers import Kind

Wrong = tuple[str, str]

TYPE, ROLE, EMPTY = "link.type_mismatch", "link.role_mismatch", "link.may_be_empty"
FORM = "link.form_unknown"
# An id of ours is 30 characters; words of answers are shorter.
_ANSWER_MAX = 40
# What else a field of a type takes, besides its own.
_TAKES: Mapping[str, frozenset[str]] = {
    "text": frozenset({"date", "account", "party", "merchant", "consent", "order"}),
    "consent": frozenset({"order"}),
}
# Credentials come from credentials and go nowhere else: everything else is kept and shown.
_SECRET = frozenset({"secret", "token"})
# Fields that name an order of another product, by the families whose orders they take.
_NAMES: Mapping[str, frozenset[str]] = {
    "policy": frozenset({"insurance"}),
    "loan": frozenset(
        {"loan", "loan_consumer", "loan_merchant", "loan_pledge", "loan_warrant", "wage_advance"}
    ),
    "holding": frozenset({"invest", "invest_plan", "custody", "pension_invest"}),
    "consent_id": frozenset({"consent"}),
    "mandate": frozenset({"mandate_debit", "mandate_bulk", "pension_auto"}),
}
_PENSION = "pension"


def misfit(field: Input, kind: Kind, archetype: str | None) -> Wrong | None:
    """Why a value of ``kind`` cannot stand in ``field``; ``archetype`` is that of the order named.

    Never None for a credential that would be kept, an account of the wrong class, or another type.
    """
    if field.required and kind.optional:
        return EMPTY, "it may be empty, and the field is required"
    if (field.type in _SECRET) != (kind.type in _SECRET):
        return TYPE, f"a {kind.type} does not go into a {field.type}"
    if field.type != kind.type and not (
        field.type in _SECRET or kind.type in _TAKES.get(field.type, ())
    ):
        return TYPE, f"a {kind.type} does not go into a field of type {field.type}"
    if field.type == "consent" and kind.type == "order" and archetype != "consent":
        return ROLE, "the order it names is no consent"
    if field.name in _NAMES and kind.type == "order" and archetype not in _NAMES[field.name]:
        return ROLE, f"the order it names is no {field.name}"
    return _account(field, kind) or _entries(field, kind)


def formless(field: Input, kind: Kind) -> Wrong | None:
    """Why nobody can say that what another step answers has the field's form."""
    if field.type != "text" or kind.type == "date":
        return None
    if field.pattern or field.choices:
        return FORM, "the field takes a form of its own, and an answer may have another"
    if field.max is not None and field.max < _ANSWER_MAX:
        return FORM, f"the field takes {field.max} characters, and an answer may have more"
    return None


def constant_misfit(field: Input, value: Any) -> Wrong | None:
    """Why a constant cannot stand in ``field``."""
    if field.type in _SECRET:
        return TYPE, "a credential is never written into a definition"
    schema = {**field_schema(field, money_ref="#/$defs/money"), "$defs": {"money": MONEY}}
    error = next(iter(Draft202012Validator(schema).iter_errors(value)), None)
    return (TYPE, error.message[:160]) if error else None


def _account(field: Input, kind: Kind) -> Wrong | None:
    if field.type != "account" or kind.account is None:
        return None
    wants = _PENSION if field.name == "pension_account" else None
    if wants and kind.account != wants:
        return ROLE, f"a {kind.account} account stands where a pension account has to"
    if kind.account == _PENSION and not wants:
        return ROLE, "a pension account pays and receives by the pension products alone"
    return None


def _entries(field: Input, kind: Kind) -> Wrong | None:
    """Whether the entries of a list have the fields of the other's."""
    if field.type != "list" or not (field.fields or kind.fields):
        return None
    given = {each.name: each for each in kind.fields}
    wanted = {each.name: each for each in field.fields}
    for name in given.keys() - wanted.keys():
        return TYPE, f"its entries have {name}, which is no field here"
    for name, each in wanted.items():
        if name not in given:
            if each.required:
                return TYPE, f"its entries lack {name}"
            continue
        if given[name].type != each.type or (each.required and not given[name].required):
            return TYPE, f"{name} of its entries does not fit"
    return None
