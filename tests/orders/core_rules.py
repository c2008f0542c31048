"""One rule of its own a core product: what just keeps it and what just does not.

Made of what ``tests.orders.requests`` sends: a row says which fields change. ``code`` is that of
the refusal; ``field.*`` codes are those of a faulty field, and the refusal is ``request.invalid``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.orders.little_bank import cny
from tests.orders.requests.money import usd
from tests.orders.requests.world import World

Change = Mapping[str, Any] | Callable[[World], Mapping[str, Any]]


@dataclass(frozen=True)
class Rule:
    """``kept`` and ``broken`` change a valid request; both are asked of fresh worlds.

    ``operation`` is the word of another operation of the product than the one that begins an order.
    """

    kept: Change
    broken: Change
    code: str
    operation: str | None = None
    query: Mapping[str, str] = field(default_factory=dict)


def _day(days: int, name: str) -> Change:
    return lambda w: {name: w["day"](days)}


def _lines(number: int) -> Change:
    return lambda w: {"lines": [_line(w, number)], "total": cny("10.00"), "count": 1}


def _line(w: World, number: int, **more: Any) -> dict[str, Any]:
    return {
        "line_no": number,
        "payee_account": w["payee"],
        "amount": cny("10.00"),
        **more,
    }


def _items(price: str) -> dict[str, Any]:
    return {"items": [{"name": "茶", "quantity": 4, "unit_price": cny(price)}]}


def _temporary(days: int) -> Change:
    return lambda w: {
        "account_kind": "temporary",
        "evidence_no": "TZ-2026-1",
        "valid_until": w["day"](days),
    }


def _milestones(*shares: int) -> dict[str, Any]:
    return {
        "milestones": [
            {"name": f"M{index}", "share_bp": share} for index, share in enumerate(shares)
        ]
    }


def _receivers(times: int) -> Change:
    return lambda w: {"receivers": [{"account": w["rider"]}] * times}


def _to(name: str) -> Change:
    return lambda w: {"payee_account": w[name]}


def _guarantee(amount: str, kind: str = "performance") -> dict[str, Any]:
    return {"guarantee": kind, "contract_amount": cny("1000.00"), "amount": cny(amount)}


def _invoice(tax: int) -> dict[str, Any]:
    return {"lines": [{"name": "茶", "amount": cny("10.00"), "tax_rate_bp": tax}]}


def _same(name: str, other: str) -> Change:
    return lambda w: {name: w[other]}


RULES: Mapping[str, Rule] = {
    "account.personal-accounts": Rule({"currency": "USD"}, {"currency": "usd"}, "field.pattern"),
    "account.business-accounts": Rule(_temporary(730), _temporary(732), "account.term_too_long"),
    "account.account-balances": Rule(
        {"currency": "CNY"}, {"currency": "USD"}, "payment.currency_mismatch", "exports"
    ),
    "account.account-transactions": Rule(
        {"from_date": "2025-03-01", "to_date": "2026-03-01"},
        {"from_date": "2025-03-01", "to_date": "2026-03-02"},
        "period.too_long",
        "exports",
    ),
    "account.account-statements": Rule(
        {"period": "2024-02-29"}, {"period": "2025-02-29"}, "report.period_invalid"
    ),
    "account.account-controls": Rule(
        {"ground": "court", "order_no": "(2026)京01执1号"},
        {"ground": "court"},
        "account.paper_missing",
    ),
    "account.sub-accounts": Rule({}, lambda w: {"master_account": w["sub"]}, "account.sub_of_sub"),
    "account.term-deposits": Rule(
        {"amount": cny("50.00")}, {"amount": cny("49.99")}, "amount.below_minimum"
    ),
    "payment.internal-transfers": Rule(
        {"payee_name": "林晓雨"}, {"payee_name": "林小雨"}, "transfer.payee_name_differs"
    ),
    "payment.interbank-transfers": Rule(
        {"payee_bank": "102100099996"}, {"payee_bank": "10210009999"}, "field.pattern"
    ),
    "payment.bulk-transfers": Rule(_lines(1), _lines(0), "line.number"),
    "payment.direct-debits": Rule(
        {"limit": cny("50.00"), "amount": cny("50.00"), "total": cny("50.00")},
        {"limit": cny("50.00"), "amount": cny("50.01"), "total": cny("50.00")},
        "mandate.terms_invalid",
    ),
    "payment.bill-payments": Rule(_day(0, "due_on"), _day(-1, "due_on"), "bill.due_date_passed"),
    "payment.education-fees": Rule(
        {"school_year": "2025-2026"},
        {"school_year": "2025-2027"},
        "education.school_year_invalid",
    ),
    "merchant.merchants": Rule(
        {"category_code": "5812"}, {"category_code": "7995"}, "merchant.category_refused"
    ),
    "merchant.collection-codes": Rule(
        {"code_kind": "static", "amount": cny("500.00")},
        {"code_kind": "static", "amount": cny("500.01")},
        "code.static_limit_exceeded",
    ),
    "merchant.scan-payments": Rule(
        {"terminal_no": "A0000001"}, {"terminal_no": "A000001"}, "field.pattern"
    ),
    "merchant.checkout-payments": Rule(_items("2.50"), _items("2.51"), "order.items_mismatch"),
    "merchant.split-orders": Rule(_receivers(1), _receivers(2), "split.receiver_twice"),
    "merchant.preauthorizations": Rule(
        {"expires_in_seconds": 2_592_000}, {"expires_in_seconds": 2_592_001}, "field.range"
    ),
    "merchant.escrow-payments": Rule(
        {"conditions": [{"name": "收货"}] * 10},
        {"conditions": [{"name": "收货"}] * 11},
        "field.length",
    ),
    "merchant.merchant-refunds": Rule(
        {"amount": cny("10.00")}, {"amount": cny("10.01")}, "refund.exceeds_paid"
    ),
    "merchant.merchant-settlements": Rule(
        {}, _same("payee_account", "payer"), "payment.same_account"
    ),
    "merchant.merchant-reconciliations": Rule(
        {"kind": "refund"}, {"kind": "transfer"}, "field.choice"
    ),
    "wallet.wallets": Rule({"currency": "CNY"}, {"currency": "XYZ"}, "amount.currency_unknown"),
    "wallet.wallet-cards": Rule({}, {"card_no": "6222600260001072445"}, "verification.failed"),
    "wallet.wallet-topups": Rule({}, _to("stranger"), "account.other_holder"),
    "wallet.wallet-withdrawals": Rule({}, _to("stranger"), "account.other_holder"),
    "wallet.wallet-payments": Rule(
        {"authentication": "none", "amount": cny("1000.00")},
        {"authentication": "none", "amount": cny("1000.01")},
        "wallet.authentication_too_weak",
    ),
    "card.debit-cards": Rule(
        {"delivery": "post", "delivery_address": "北京市东城区1号"},
        {"delivery": "post"},
        "card.address_missing",
    ),
    "card.credit-cards": Rule(
        {"amount": cny("12000.00"), "monthly_income": cny("1000.00")},
        {"amount": cny("12000.01"), "monthly_income": cny("1000.00")},
        "card.limit_above_income",
    ),
    "card.credit-card-repayments": Rule(
        {"amount": cny("100.00")}, {"amount": cny("100.01")}, "loan.overpaid"
    ),
    "wealth.risk-assessments": Rule({"answers": [10] * 10}, {"answers": [11] * 10}, "field.range"),
    "wealth.wealth-subscriptions": Rule(
        {"risk_grade": "C2"}, {"risk_grade": "C1"}, "invest.above_risk_grade"
    ),
    "wealth.wealth-redemptions": Rule({"units": "0.0001"}, {"units": "0"}, "field.pattern"),
    "wealth.holdings": Rule(
        {"product": "metalbond.gold-purchases"},
        {"product": "metalbond.gold"},
        "field.choice",
        "exports",
    ),
    "loan.personal-loans": Rule({"use": "education"}, {"use": "securities"}, "field.choice"),
    "loan.small-business-loans": Rule(
        {"tax_grade": "M", "annual_turnover": cny("3333.34")},
        {"tax_grade": "M", "annual_turnover": cny("3333.33")},
        "loan.above_turnover",
    ),
    "loan.loan-schedules": Rule(
        {"status": "overdue"}, {"status": "late"}, "field.choice", "exports"
    ),
    "supplychain.receivables": Rule(
        _day(365, "maturity"), _day(366, "maturity"), "instrument.maturity_invalid"
    ),
    "supplychain.credit-vouchers": Rule(
        _day(365, "maturity"), _day(366, "maturity"), "instrument.maturity_invalid"
    ),
    "bill.commercial-drafts": Rule(
        _day(184, "maturity"), _day(185, "maturity"), "instrument.maturity_invalid"
    ),
    "bill.bank-guarantees": Rule(
        _guarantee("100.00"), _guarantee("100.01"), "guarantee.share_exceeded"
    ),
    "bill.invoices": Rule(_invoice(0), _invoice(1_300), "invoice.total_mismatch"),
    "insurance.insurance-policies": Rule(
        {"amount": cny("2.47")}, {"amount": cny("2.48")}, "policy.premium_mismatch"
    ),
    "insurance.insurance-claims": Rule(
        {"amount": cny("100.00")}, {"amount": cny("10000.01")}, "policy.claim_exceeds_cover"
    ),
    "pension.pension-accounts": Rule(
        {},
        lambda w: {"holder": w["holder"], "document_no": w["number"]},
        "pension.account_exists",
    ),
    "pension.pension-contributions": Rule(
        {"tax_year": 2026}, {"tax_year": 2025}, "pension.tax_year_refused"
    ),
    "pension.pension-payouts": Rule(
        {"condition": "disability"}, {"condition": "boredom"}, "field.choice"
    ),
    "payroll.salary-payments": Rule(
        {"period": "2026-03"}, {"period": "2026-04"}, "payroll.period_refused"
    ),
    "payroll.payroll-rosters": Rule({}, {"card_no": "6222600260001072445"}, "verification.failed"),
    "payroll.gig-settlements": Rule({}, {"period": "2026-3"}, "field.pattern"),
    "forex.exchange-rates": Rule(
        {"currency": "USD"}, {"currency": "US"}, "field.pattern", "exports"
    ),
    "forex.spot-exchanges": Rule(
        {"transaction_code": "622011", "evidence_no": "ODI-2026-7"},
        {"transaction_code": "622011"},
        "fx.evidence_missing",
    ),
    "forex.outward-remittances": Rule({"charges": "OUR"}, {"charges": "SHARED"}, "field.choice"),
    "metalbond.gold-purchases": Rule(
        {"max_price": cny("100000.00")}, {"max_price": cny("0.01")}, "gold.price_above_maximum"
    ),
    "treasury.cash-sweeps": Rule(
        {"at_least": cny("1.00")}, {"at_least": usd("1.00")}, "payment.currency_mismatch"
    ),
    "treasury.supervised-funds": Rule(
        _milestones(4_000, 6_000), _milestones(4_000, 6_001), "supervision.milestones_mismatch"
    ),
    "treasury.platform-accounts": Rule(
        {}, lambda w: {"document_no": w["number"]}, "verification.failed"
    ),
    "identity.identity-verifications": Rule({"name": "林晓雨"}, {"name": ""}, "field.length"),
    "identity.electronic-signatures": Rule(
        {"terms_hash": "a" * 64}, {"terms_hash": "a" * 63}, "field.pattern"
    ),
    "identity.consents": Rule(_day(365, "until"), _day(366, "until"), "consent.too_long"),
    "engage.messages": Rule({}, {"template": "no-such-text"}, "field.choice"),
    "engage.coupons": Rule(_day(0, "valid_until"), _day(-1, "valid_until"), "coupon.term_refused"),
    "data.credit-ratings": Rule({"period_years": 5}, {"period_years": 6}, "field.range"),
    "data.fraud-scores": Rule({"purpose": "T"}, {"purpose": ""}, "field.length"),
}
