"""Authorization details (RFC 9396): closed types, checked and otherwise left as they came.

``account_information`` and ``payment_initiation`` carry the member names of RFC 9396 section 2.2.
An entry of any type may name a consent made beforehand instead (``consent_id``), and then nothing
else: the customer decides about the consent as it was made.
Amounts are decimal strings with the currency's digits; a number, a sign or an exponent is refused.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jsonschema import Draft202012Validator

from bankside.identity.authorisations.model import Detail
from bankside.identity.errors import DetailsInvalid
from bankside.kernel.errors import Invalid
from bankside.kernel.money import Money

DETAILS_MAX = 5
DETAILS_BYTES_MAX = 8192

_TEXT = {"type": "string", "minLength": 1, "maxLength": 140, "pattern": r"\S"}
_REFERENCE = {"type": "string", "pattern": r"^[A-Za-z0-9][A-Za-z0-9_.:/-]{0,127}$"}
_ACCOUNT = {
    "type": "object",
    "minProperties": 1,
    "properties": {
        "id": _REFERENCE,
        "iban": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{2}[A-Z0-9]{10,30}$"},
        "number": {"type": "string", "pattern": "^[0-9]{6,32}$"},
        "bank": _REFERENCE,
    },
    "additionalProperties": False,
}
_COMMON: Mapping[str, Any] = {
    "type": {"type": "string"},
    "locations": {
        "type": "array",
        "minItems": 1,
        "maxItems": 5,
        "items": {"type": "string", "pattern": r"^https?://[!-~]{1,250}$"},
    },
    "purpose": _TEXT,
}


def _actions(*names: str) -> Mapping[str, Any]:
    return {
        "type": "array",
        "minItems": 1,
        "uniqueItems": True,
        "items": {"enum": list(names)},
    }


# No `accounts` and no `debtorAccount` by the client: only the customer chooses, on our page.
_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "account_information": {
        "type": "object",
        "required": ["type", "actions"],
        "properties": {
            **_COMMON,
            "actions": _actions(
                "list_accounts",
                "read_balances",
                "read_transactions",
                "read_beneficiaries",
                "read_standing_orders",
            ),
            "validUntil": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
        },
        "additionalProperties": False,
    },
    "payment_initiation": {
        "type": "object",
        "required": ["type", "instructedAmount", "creditorName", "creditorAccount"],
        "properties": {
            **_COMMON,
            "actions": _actions("initiate", "status", "cancel"),
            "instructedAmount": {
                "type": "object",
                "required": ["currency", "amount"],
                "properties": {"currency": {"type": "string"}, "amount": {"type": "string"}},
                "additionalProperties": False,
            },
            "creditorName": _TEXT,
            "creditorAccount": _ACCOUNT,
            "remittanceInformationUnstructured": _TEXT,
            "endToEndId": _REFERENCE,
        },
        "additionalProperties": False,
    },
}
_VALIDATORS = {name: Draft202012Validator(schema) for name, schema in _SCHEMAS.items()}
_BY_CONSENT = Draft202012Validator(
    {
        "type": "object",
        "required": ["type", "consent_id"],
        "properties": {
            "type": _COMMON["type"],
            "locations": _COMMON["locations"],
            "consent_id": _REFERENCE,
        },
        "additionalProperties": False,
    }
)
# There is nothing a client could say of confirming funds in the request itself.
_ONLY_BY_CONSENT = ("funds_confirmation",)
TYPES = (*_SCHEMAS, *_ONLY_BY_CONSENT)
# What the customer's choice may add to an entry of each type.
CHOSEN: Mapping[str, str] = {
    "account_information": "accounts",
    "payment_initiation": "debtorAccount",
    "funds_confirmation": "accounts",
}


def asked_details(text: str, *, allowed: frozenset[str]) -> tuple[Detail, ...]:
    """The entries of the parameter, each of a type in ``allowed``; or DetailsInvalid."""
    entries = parsed_details(text)
    for entry in entries:
        _check(entry, allowed)
    return entries


def parsed_details(text: str) -> tuple[Any, ...]:
    """The entries of the parameter as they came, their schema unchecked; or DetailsInvalid."""
    if len(text.encode()) > DETAILS_BYTES_MAX:
        raise DetailsInvalid(f"authorization_details has at most {DETAILS_BYTES_MAX} bytes")
    try:
        entries = json.loads(text, object_pairs_hook=_object)
        # What cannot be stored or shown must not come in by an escape: lone surrogates and NUL.
        clean = "\\u0000" not in json.dumps(entries, ensure_ascii=False).encode().decode()
    except (ValueError, RecursionError) as error:
        raise DetailsInvalid("authorization_details is no JSON array") from error
    if not clean or not isinstance(entries, list) or not 1 <= len(entries) <= DETAILS_MAX:
        raise DetailsInvalid(f"authorization_details is a JSON array of 1 to {DETAILS_MAX} objects")
    return tuple(entries)


def narrowed(asked: Sequence[Detail], granted: Sequence[Detail]) -> tuple[Detail, ...]:
    """``asked`` when each entry was granted just so; or DetailsInvalid: a token never grows."""
    if any(entry not in granted for entry in asked):
        raise DetailsInvalid("authorization_details are not among those that were granted")
    return tuple(asked)


def is_choice_of(approved: Sequence[Detail], asked: Sequence[Detail]) -> bool:
    """Whether ``approved`` are entries of ``asked``, each once, plus the customer's choice."""
    left = list(asked)
    for entry in approved:
        choice = CHOSEN.get(str(entry.get("type")))
        bare = {name: value for name, value in entry.items() if name != choice}
        if bare not in left:
            return False
        left.remove(bare)
    return True


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a member is repeated")
    return found


def _check(entry: Any, allowed: frozenset[str]) -> None:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if not isinstance(kind, str) or kind not in allowed or kind not in TYPES:
        raise DetailsInvalid(f"the types open to this client are: {', '.join(sorted(allowed))}")
    named = "consent_id" in entry or kind in _ONLY_BY_CONSENT
    validator = _BY_CONSENT if named else _VALIDATORS[kind]
    fault = next(validator.iter_errors(entry), None)
    if fault is not None:
        where = "/".join(map(str, fault.absolute_path)) or kind
        raise DetailsInvalid(f"{kind}: {where} does not fit its schema")
    if "instructedAmount" in entry:
        amount = entry["instructedAmount"]
        try:
            positive = Money.parse(amount["amount"], amount["currency"]).minor > 0
        except Invalid as error:
            raise DetailsInvalid(f"{kind}: {error.detail}") from error
        if not positive:
            raise DetailsInvalid(f"{kind}: an amount is above zero")
