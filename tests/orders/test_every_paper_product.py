"""Every product of papers, checks, messages and scores: called once well and once badly.

The request is made from the definition's own inputs, so that a product without a sensible request
cannot hide; the ledger is balanced after each.
"""

import hashlib
import re
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.customers import customer
from bankside.bank.ledger import verify
from bankside.catalog import Input, Product, ProductOperation, load
from bankside.catalog.apis.answers import answer_schema, answer_schemas
from bankside.catalog.apis.schemas import MONEY
from bankside.kernel.errors import BanksideError
from bankside.orders import Orders

_NAMES = """
    mandate_debit bill_pay tax_remit invoice coupon ticket_sale discount_pay points points_pay
    points_grant ar_confirm instrument_voucher factoring instrument_receipt instrument
    instrument_endorse instrument_discount instrument_settle lc guarantee verify verify_bio
    verify_doc verify_list risk_assess otp contract sso consent declare case data_sub
    confirm_letter roster notify notify_plan score score_watch psi income quote insurance payout
    instrument_pledge instrument_pool
"""
ARCHETYPES = frozenset(_NAMES.split())
PRODUCTS = sorted(each.id for each in load().products.values() if each.archetype in ARCHETYPES)
_PATTERNS = {
    "[0-9]{4}-[0-9]{2}": "2026-02",
    "[0-9]{4}-[0-9]{2}(-[0-9]{2})?": "2026-02",
    "[0-9]{4}-[0-9]{4}": "2025-2026",
    "[0-9]{18}": "531620260000000017",
    "[0-9]{6}": "121010",
    "[0-9a-f]{64}": hashlib.sha256(b"terms").hexdigest(),
}
_TEXTS = {"product_code": "ACCIDENT-1", "buyer_tax_no": "91350100M000100Y43"}
_CODES = {
    "insurance.rider-covers": "RIDER-1",
    "insurance.cargo-covers": "CARGO-1",
    "insurance.return-covers": "RETURN-1",
    "insurance.employer-covers": "EMPLOYER-1",
    "insurance.farm-covers": "FARM-1",
}
_DATES = {"maturity": "2026-05-29", "from_on": "2026-03-02", "to_on": "2026-03-31"}
_AMOUNTS = {
    "cover": "10000.00",
    "amount": "10.00",
    "limit": "50.00",
    "per_day": "50.00",
    "total": "50.00",
    "monthly": "100.00",
}
_PREMIUMS = {
    "insurance.insurance-policies": ("2.47", "10000.00"),
    "insurance.rider-covers": ("9.86", "10000.00"),
    "insurance.cargo-covers": ("14.79", "10000.00"),
    "insurance.return-covers": ("7.40", "100.00"),
    "insurance.employer-covers": ("4.93", "10000.00"),
    "insurance.farm-covers": ("20.55", "10000.00"),
}


class Sample:
    """A request that a careful partner would send for one product."""

    def __init__(self, bank: LittleBank, product: Product) -> None:
        self.bank = bank
        self.product = product
        self.facts: dict[str, Any] = {}

    async def prepare(self) -> None:
        bank = self.bank
        self.facts["payer"] = await bank.account("1000.00")
        self.facts["other"] = await bank.account("1000.00")
        self.facts["merchant"] = await bank.merchant()
        assert bank.customer is not None
        async with bank.pool.acquire() as db:
            self.facts["person"] = await customer(db, bank.partner, bank.customer)
        if any(each.type == "consent" for each in self.product.inputs):
            asked = {"party": bank.customer, "purpose": "T", "code": "123456"}
            self.facts["consent"] = (await bank.shown("identity.consents.create", asked))["id"]

    def body(self, operation: ProductOperation) -> dict[str, Any]:
        fields = [each for each in operation.inputs if each.name not in self._left_out(operation)]
        body = {each.name: self.value(each) for each in fields}
        if self.product.id in _PREMIUMS:
            premium, cover = _PREMIUMS[self.product.id]
            body |= {"amount": cny(premium), "cover": cny(cover)}
        return body

    def _left_out(self, operation: ProductOperation) -> set[str]:
        stood_for = {each.name for each in operation.inputs if each.instead_of}
        left_out = {"signatures", "code_id", "invoice_no"} | (stood_for - {"name"})
        if self.product.family in ("ticket", "identity"):
            left_out -= {"code"}
        return left_out

    def value(self, field: Input) -> Any:
        match field.type:
            case "account":
                first = ("payer_account", "drawer_account", "account", "subject")
                return self.facts["payer" if field.name in first else "other"].id
            case "party":
                return self.bank.customer
            case "merchant":
                return self.facts["merchant"].id
            case "consent":
                return self.facts["consent"]
            case "money":
                return cny(_AMOUNTS.get(field.name, "10.00"))
            case "date":
                return _DATES.get(field.name, "2026-12-31")
            case "int":
                return {"tax_rate_bp": 0, "line_no": 1, "count": 1}.get(field.name, 3)
            case "map":
                return dict.fromkeys(("amount", "date", "period", "product", "text"), "x")
            case "secret" | "token":
                return self.secret(field.name)
            case "list":
                entries = [{each.name: self.value(each) for each in field.fields}]
                return entries if field.fields else [5, 7, 9]
        return self.text(field)

    def secret(self, name: str) -> str:
        if name == "card_no":
            return str(self.facts["payer"].number)
        return "123456" if name == "code" else str(self.facts["person"].resident_id)

    def text(self, field: Input) -> str:
        if field.name == "product_code":
            return _CODES.get(self.product.id, "ACCIDENT-1")
        if field.name == "period" and "on-demand" in field.choices:
            return "monthly"
        if field.choices:
            return field.choices[0]
        if field.pattern:
            return _PATTERNS[field.pattern]
        if field.name == "value":
            return hashlib.sha256(b"x").hexdigest()
        return _TEXTS.get(field.name, {"purpose": "T", "name": "林晓雨"}.get(field.name, "T-1"))


def _create(product: Product) -> ProductOperation:
    """The operation that begins an order: the write on a collection that runs the first step."""
    writes = [each for each in product.all_operations if each.writes and "{" not in each.path]
    return next((each for each in writes if each.runs == product.steps[0].use), writes[0])


def _as_documented(product: Product, operation: ProductOperation, body: Any) -> None:
    """The answer has the shape that the OpenAPI document gives it."""
    known = {"components": {"schemas": {**answer_schemas(), "Money": MONEY}}}
    Draft202012Validator({**answer_schema(product, operation), **known}).validate(body)


def _adjusted(product: Product, body: dict[str, Any]) -> dict[str, Any]:
    if product.archetype == "payout":
        body |= {"total": cny("10.00"), "count": 1}
    if product.archetype == "invoice":
        body |= {"total": cny("10.00")}
    if product.archetype == "mandate_debit":
        body |= {"first_on": "2026-03-31"}
    return body


@pytest.mark.parametrize("product_id", PRODUCTS)
async def test_a_product_answers_a_good_request_and_refuses_a_bad_one(
    bank: LittleBank, product_id: str
) -> None:
    product = load().products[product_id]
    sample = Sample(bank, product)
    await sample.prepare()
    operation = _create(product)
    assert Orders.runnable(product, operation)
    body = _adjusted(product, sample.body(operation))

    with pytest.raises(BanksideError) as unknown:
        await bank.call(operation.id, {**body, "no_such_field": 1})
    required = next(each for each in operation.inputs if each.required or each.instead_of)
    needed = {required.name, required.instead_of}
    with pytest.raises(BanksideError) as missing:
        await bank.call(operation.id, {k: v for k, v in body.items() if k not in needed})
    answer = await bank.call(operation.id, body)

    assert (unknown.value.status, missing.value.status) == (422, 422)
    assert unknown.value.errors[0]["pointer"] == "/no_such_field"
    assert answer.status in {201, 202}
    read = next(
        (each for each in product.operations if each.method == "GET" and each.path.endswith("}")),
        None,
    )
    assert read is not None and isinstance(answer.body, dict)
    if product.archetype == "mandate_debit":
        read = next(each for each in product.operations if each.word == "mandates-query")
    shown = await bank.shown(read.id, path=answer.body["id"])
    assert shown["id"] == answer.body["id"]
    _as_documented(product, operation, answer.body)
    _as_documented(product, read, shown)
    assert not re.search(r"\d{17}[\dX]", str(shown)) or "document_no" not in body
    async with bank.pool.acquire() as db:
        assert (await verify(db)).fault is None


async def test_what_is_secret_is_never_shown_or_kept(bank: LittleBank) -> None:
    product = load().products["identity.identity-verifications"]
    sample = Sample(bank, product)
    await sample.prepare()
    body = sample.body(_create(product))

    shown = await bank.shown("identity.identity-verifications.create", body)

    async with bank.pool.acquire() as db:
        kept = await db.fetchval(
            "select o::text from orders.orders o where order_id = $1", shown["id"]
        )
    assert shown["status"] == "passed"
    assert body["document_no"] not in str(shown) and body["document_no"] not in kept
