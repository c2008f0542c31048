"""Valid values for every input of every solution, from the people of one fresh world."""

from typing import Any

from tests.orders.little_bank import cny
from tests.orders.requests import World
from tests.orders.requests.papers import _PREMIUMS

from bankside.catalog import load
from bankside.orders.preparations.codes import MAGIC


def inputs(solution: str, world: World, **other: Any) -> dict[str, Any]:
    """Valid values for every input of a solution of the catalogue."""
    known = _values(world)
    insured = _insured(solution)
    return {
        each.name: other.get(each.name, insured.get(each.name, known.get(each.name)))
        for each in load().solutions[solution].inputs
        if each.name in other or each.name in insured or each.name in known
    }


def _insured(solution: str) -> dict[str, Any]:
    """The premium that the cover of thirty days costs, by the product that is sold."""
    for product in load().solutions[solution].products:
        if product in _PREMIUMS:
            premium, cover = _PREMIUMS[product]
            return {"premium": cny(premium), "cover": cny(cover)}
    return {}


def _values(w: World) -> dict[str, Any]:
    day = w["day"]
    payers = (
        "platform_account company_account parent_account hospital_account village_account "
        "buyer_account builder_account group_account anchor_account resident_account "
        "visitor_account sponsor_account citizen_account employer_account bidder_account "
        "consumer_account home_buyer_account"
    )
    payees = (
        "rider_account owner_account supplier_account carrier_account school_account "
        "staff_account pharmacy_account works_account tenant_account farmer_account "
        "settlement_account project_account worker_account property_account cleaner_account "
        "procurement_account shop_account seller_account farm_account subsidiary_account"
    )
    people_ = (
        "rider owner supplier parent_party school_party worker owner_party property_party visitor "
        "citizen buyer_party consumer seller home_buyer"
    )
    companies = "platform company farm shop group bidder"
    codes = "platform_code company_code farm_code shop_code supplier_code bidder_code"
    documents = "parent_document worker_document citizen_document home_buyer_document"
    small = (
        "opening_amount order_amount rider_income tuition topup_amount canteen_amount "
        "training_amount salary visit_amount supply_amount shop_amount declared_amount "
        "works_amount rent market_amount dividend settlement_amount wage wage_fund budget "
        "payment_amount receivable_amount property_amount rent_deposit ticket_amount room_amount "
        "coupon_amount bid_deposit prepaid_amount price commission member_amount bond_amount "
        "draft_amount freight deposit_amount exchange_amount forward_amount"
    )
    smaller = (
        "rider_share lesson_amount bill_amount refund_amount claim_amount partner_share "
        "agent_share keep_amount"
    )
    return {
        **dict.fromkeys(payers.split(), w["payer"]),
        **dict.fromkeys(payees.split(), w["payee"]),
        **dict.fromkeys(people_.split(), w["holder"]),
        **dict.fromkeys(companies.split(), w["company"]),
        **dict.fromkeys(codes.split(), w["credit_code"]),
        **dict.fromkeys(documents.split(), w["number"]),
        **dict.fromkeys(small.split(), cny("10.00")),
        **dict.fromkeys(smaller.split(), cny("4.00")),
        **dict.fromkeys(("merchant", "school", "hospital", "insurer"), w["merchant"]),
        **dict.fromkeys(("customer_code", "payer_code"), w["token"]),
        "agent_account": w["rider"],
        "partner_account": w["rider"],
        "pension_account": w["pension"],
        "dollar_account": w["dollars"],
        "mobile": "13800000000",
        "sms_code": MAGIC,
        "claim_document": "REPORT-1",
        "incident_on": day(0),
        "cover_from": day(0),
        "cover_to": day(29),
        "maturity": day(88),
        "value_date": day(8),
        "loan_amount": cny("1000.00"),
        "advance_amount": cny("100.00"),
        "loan_months": 6,
        "pool_amount": cny("100.00"),
        "invest_amount": cny("20000.00"),
        "rebate_amount": cny("1000.00"),
        "prepay_amount": cny("400.00"),
        "pension_amount": cny("100.00"),
        "debit_limit": cny("50.00"),
        "fund_code": "CI-30D",
        "risk_grade": "C5",
        "option_share_bp": 150,
        "area_mu": 3,
        "tax_rate_bp": 0,
        "patent_no": "ZL202310000001",
        "pledge_document": "D-1",
        "consent": w.get("consent"),
        "purpose": "T",
        "school_name": "实验小学",
        "student_no": "S-1",
        "student_name": "林小雨",
        "school_year": "2025-2026",
        "fee_item": "tuition",
        "platform_name": "跑跑",
        "rider_no": "R-1",
        "buyer_name": "Jo Smith",
        "declaration_code": "121010",
        "invoice_no": w["no"],
        "customs_no": "531620260000000017",
        "purchase_order_no": "PO-1",
        "waybill_no": "W-1",
        "goods": "tea",
        "crop": "rice",
        "shop_name": "海棠小馆",
        "tender_no": "T-1",
        "project": "P-1",
        "worker_name": "林晓雨",
        "supplier_name": "海棠供应",
        "resident_no": "7",
        "plate": "京A12345",
        "buyer_name_zh": "林晓雨",
        "benefit": "会员",
        "contract_no": "C-1",
        "property_no": "P-1",
        "terms_hash": "0" * 64,
        "insurance_code": "ACCIDENT-1",
    }
