"""What a careful partner sends to papers, checks, messages and scores, made from the definition.

The body is built input by input, so that a product without a sensible request cannot hide.
"""

import hashlib
from typing import Any

from tests.orders.little_bank import cny
from tests.orders.requests.world import World

from bankside.catalog import Input, Product, ProductOperation

_NAMES = """
    mandate_debit bill_pay tax_remit invoice coupon ticket_sale discount_pay points points_pay
    points_grant ar_confirm instrument_voucher factoring instrument_receipt instrument
    instrument_endorse instrument_discount instrument_settle lc guarantee verify verify_bio
    verify_doc verify_list risk_assess otp contract sso consent declare case data_sub
    confirm_letter roster notify notify_plan score score_watch psi income quote insurance payout
    instrument_pledge instrument_pool microdeposit notify_sub
"""
ARCHETYPES = frozenset(_NAMES.split())
_PATTERNS = {
    "[0-9]{4}-[0-9]{2}": "2026-02",
    "[0-9]{4}-[0-9]{2}(-[0-9]{2})?": "2026-02",
    "[0-9]{4}-[0-9]{4}": "2025-2026",
    "[0-9]{18}": "531620260000000017",
    "[0-9]{6}": "121010",
    "[0-9]{12}": "102100099996",
    "[0-9A-Z]{6,34}": "6222000012345678",
    "[0-9a-f]{64}": hashlib.sha256(b"terms").hexdigest(),
}
_TEXTS = {"buyer_tax_no": "91350100M000100Y43", "purpose": "T", "name": "林晓雨"}
_CODES = {
    "insurance.rider-covers": "RIDER-1",
    "insurance.cargo-covers": "CARGO-1",
    "insurance.return-covers": "RETURN-1",
    "insurance.employer-covers": "EMPLOYER-1",
    "insurance.farm-covers": "FARM-1",
}
# Days from today; every other date is most of a year ahead.
_DAYS = {"maturity": 88, "from_on": 0, "to_on": 29, "first_on": 29}
_LATER = 304
_AMOUNTS = {
    "cover": "10000.00",
    "amount": "10.00",
    "contract_amount": "1000.00",
    "limit": "50.00",
    "per_day": "50.00",
    "total": "50.00",
    "monthly": "100.00",
}
# Premium and cover of the 30 days from ``from_on`` to ``to_on``.
_PREMIUMS = {
    "insurance.insurance-policies": ("2.47", "10000.00"),
    "insurance.rider-covers": ("9.86", "10000.00"),
    "insurance.cargo-covers": ("14.79", "10000.00"),
    "insurance.return-covers": ("7.40", "100.00"),
    "insurance.employer-covers": ("4.93", "10000.00"),
    "insurance.farm-covers": ("20.55", "10000.00"),
}


def paper(product: Product, operation: ProductOperation, w: World) -> dict[str, Any]:
    """The body that begins an order; ``w["consent"]`` stands where an input asks for one."""
    left_out = _left_out(product, operation)
    fields = [each for each in operation.inputs if each.name not in left_out]
    body = {each.name: _value(product, each, w) for each in fields}
    if product.id in _PREMIUMS:
        premium, cover = _PREMIUMS[product.id]
        body |= {"amount": cny(premium), "cover": cny(cover)}
    if product.archetype in ("payout", "invoice"):
        body |= {"total": cny("10.00")}
    if product.archetype == "payout":
        body |= {"count": 1}
    return body


def following(product: Product, operation: ProductOperation, w: World) -> dict[str, Any]:
    """A small request of a later operation on an order: what it needs, and one field to amend."""
    needed = [each for each in operation.inputs if each.required]
    if operation.word == "amend" and not needed:
        needed = list(operation.inputs[:1])
    return {each.name: _value(product, each, w) for each in needed}


def _left_out(product: Product, operation: ProductOperation) -> set[str]:
    stood_for = {each.name for each in operation.inputs if each.instead_of}
    left_out = {"signatures", "code_id", "invoice_no"} | (stood_for - {"name"})
    if product.family in ("ticket", "identity"):
        left_out -= {"code"}
    return left_out


def _value(product: Product, field: Input, w: World) -> Any:
    match field.type:
        case "account":
            first = ("payer_account", "drawer_account", "account", "subject")
            return w["payer" if field.name in first else "payee"]
        case "party":
            return w["holder"]
        case "merchant" | "consent":
            return w[field.type]
        case "money":
            return cny(_AMOUNTS.get(field.name, "10.00"))
        case "date":
            return w["day"](_DAYS.get(field.name, _LATER))
        case "int":
            return {"tax_rate_bp": 0, "line_no": 1, "count": 1}.get(field.name, 3)
        case "map":
            return dict.fromkeys(("amount", "date", "period", "product", "text"), "x")
        case "secret" | "token":
            return _secret(field.name, w)
        case "list":
            entries = [{each.name: _value(product, each, w) for each in field.fields}]
            return entries if field.fields else [5, 7, 9]
    return _text(product, field, w)


def _secret(name: str, w: World) -> str:
    if name == "payer_token":
        return str(w["token"])
    if name == "card_no":
        return str(w["card_no"])
    return "123456" if name == "code" else str(w["number"])


def _text(product: Product, field: Input, w: World) -> str:
    if field.name == "product_code":
        return _CODES.get(product.id, "ACCIDENT-1")
    if field.name == "period" and "on-demand" in field.choices:
        return "monthly"
    if field.choices:
        return field.choices[0]
    if field.pattern:
        return _PATTERNS[field.pattern.strip("^$")]
    if field.name == "value":
        return hashlib.sha256(b"x").hexdigest()
    return _TEXTS.get(field.name, str(w["no"]))
