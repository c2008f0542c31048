"""What a careful partner sends to begin each order of the money products.

One row a product, by the operation that begins it; a row makes its body from the world's accounts
by name, so that no two tests share an order.
"""

from collections.abc import Callable
from typing import Any

from tests.orders.little_bank import cny
from tests.orders.requests.world import World

from bankside.orders.preparations.codes import MAGIC

Body = Callable[[World], dict[str, Any]]


def usd(text: str) -> dict[str, str]:
    """Dollars as requests write them."""
    return {"amount": text, "currency": "USD"}


def person(w: World) -> dict[str, Any]:
    return {"holder": w["holder"], "document_no": w["number"], "mobile": "13800000000"}


def firm(w: World) -> dict[str, Any]:
    return {"holder": w["company"], "document_no": w["credit_code"], "mobile": "13800000000"}


def pay(amount: str = "10.00", **more: Any) -> Body:
    return lambda w: {
        "payer_account": w["payer"],
        "payee_account": w["payee"],
        "amount": cny(amount),
        **more,
    }


def invest(code: str, amount: str = "20000.00", **more: Any) -> Body:
    return lambda w: {
        "account": w["payer"],
        "product_code": code,
        "amount": cny(amount),
        "risk_grade": "C5",
        **more,
    }


def deposit(code: str, amount: str) -> Body:
    return lambda w: {"account": w["payer"], "product_code": code, "amount": cny(amount)}


def loan(**more: Any) -> Body:
    return lambda w: {
        "borrower": w["holder"],
        "account": w["payee"],
        "amount": cny("1000.00"),
        "term_months": 6,
        **more,
    }


def company_loan(**more: Any) -> Body:
    return lambda w: {
        **loan(**more)(w),
        "borrower": w["company"],
        "document_no": w["credit_code"],
    }


def out(bank: str) -> Body:
    return lambda w: {
        "payer_account": w["payer"],
        "payee_account_no": "6222000012345678",
        "payee_name": "王小明",
        "payee_bank": bank,
        "amount": cny("10.00"),
    }


def remit(w: World) -> dict[str, Any]:
    return {
        **out("DEUTDEFF")(w),
        "amount": usd("100.00"),
        "document_no": "INV-1",
        "purpose": "tuition",
    }


MONEY: dict[str, Body] = {
    "account.personal-accounts.create": person,
    "account.business-accounts.create": lambda w: {
        **firm(w),
        "account_kind": "basic",
        "legal_representative": "林晓雨",
        "legal_representative_no": w["number"],
    },
    "account.sub-accounts.create": lambda w: {"master_account": w["payer"], "name": "一号"},
    "account.account-controls.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "account.term-deposits.create": deposit("TD-1Y", "100.00"),
    "account.call-deposits.create": deposit("CALL-1D", "50000.00"),
    "account.deposit-certificates.create": deposit("CD-1Y", "200000.00"),
    "account.agreement-deposits.create": lambda w: {
        "party": w["holder"],
        "account": w["payer"],
        "amount": cny("150000.00"),
    },
    "wealth.structured-deposits.create": deposit("SD-6M", "10000.00"),
    "payment.interbank-transfers.create": out("102100099996"),
    "forex.cross-border-renminbi-payments.create": out("BKCHCNBJ"),
    "wallet.wallets.create": lambda w: {**person(w), "code": MAGIC},
    "wallet.wallet-cards.create": lambda w: {
        "holder": w["holder"],
        "card_no": "6222600260001072444",
        "mobile": "13800000000",
        "code": MAGIC,
    },
    "wallet.wallet-topups.create": pay(),
    "wallet.member-balances.create": lambda w: {
        "holder": w["holder"],
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "wallet.wallet-withdrawals.create": pay(code=MAGIC),
    "wallet.wallet-gifts.create": pay(),
    "wallet.prepaid-funds.create": pay(),
    "wallet.wallet-closures.create": lambda w: {
        "account": w["payee"],
        "payee_account": w["payer"],
        "code": MAGIC,
    },
    "wallet.wallet-payments.create": lambda w: {
        "merchant": w["merchant"],
        "order_no": w["no"],
        "amount": cny("10.00"),
        "payer_token": w["token"],
    },
    "wallet.wallet-upgrades.create": lambda w: {**person(w), "face": "base64"},
    "wallet.digital-currency-exchanges.create": lambda w: {
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "card.debit-cards.create": person,
    "card.virtual-cards.create": person,
    "card.credit-cards.create": lambda w: {**person(w), "amount": cny("5000.00")},
    "card.corporate-cards.create": lambda w: {
        "holder": w["company"],
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "card.card-losses.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "card.card-controls.create": lambda w: {"account": w["payee"], "code": MAGIC},
    "card.bill-instalments.applications-create": loan(),
    "card.purchase-instalments.applications-create": lambda w: {
        **loan()(w),
        "merchant_account": w["payer"],
    },
    "loan.point-of-sale-loans.applications-create": lambda w: {
        **loan()(w),
        "merchant_account": w["payer"],
    },
    "loan.personal-loans.applications-create": loan(),
    "loan.sole-trader-loans.applications-create": company_loan(),
    "loan.small-business-loans.applications-create": company_loan(),
    "loan.cash-flow-loans.applications-create": company_loan(),
    "loan.equipment-loans.applications-create": company_loan(),
    "loan.farm-loans.applications-create": company_loan(),
    "loan.green-loans.applications-create": company_loan(),
    "supplychain.order-loans.applications-create": company_loan(purchase_order_no="PO-1"),
    "supplychain.prepayment-loans.applications-create": company_loan(purchase_order_no="PO-1"),
    "loan.ip-loans.applications-create": loan(patent_no="ZL202310000001", document_no="D-1"),
    "loan.mortgages.applications-create": loan(property_no="P-1", document_no="D-1"),
    "supplychain.inventory-loans.applications-create": loan(
        warehouse_receipt_no="WR-1", document_no="D-1"
    ),
    "loan.warrant-loans.applications-create": loan(option_share_bp=150),
    "payroll.wage-advances.applications-create": lambda w: {
        "borrower": w["holder"],
        "account": w["payee"],
        "amount": cny("100.00"),
    },
    "wealth.wealth-subscriptions.create": invest("WM-STABLE"),
    "wealth.fund-subscriptions.create": invest("FD-BOND"),
    "wealth.corporate-investments.create": invest("CI-30D"),
    "wealth.fund-plans.create": invest("FD-BOND"),
    "wealth.advised-portfolios.create": invest("WM-BALANCED"),
    "wealth.custody-accounts.create": lambda w: {
        "party": w["holder"],
        "account": w["payer"],
        "product_code": "FD-BOND",
        "amount": cny("1000.00"),
    },
    "metalbond.gold-purchases.create": invest("AU-GRAM"),
    "metalbond.gold-plans.create": invest("AU-GRAM"),
    "metalbond.gold-exchange-orders.create": invest("AU-9999"),
    "metalbond.government-bond-subscriptions.create": invest("GB-3Y"),
    "metalbond.counter-bond-trades.create": invest("GB-CTR-5Y"),
    "metalbond.bond-distributions.create": invest("GB-CTR-5Y"),
    "metalbond.gold-gifts.create": lambda w: {
        "account": w["payer"],
        "product_code": "AU-GRAM",
        "amount": cny("1000.00"),
        "code": w["no"],
    },
    "metalbond.gold-deliveries.create": lambda w: {
        "account": w["payer"],
        "product_code": "AU-GRAM",
        "amount": cny("1000.00"),
        "merchant": w["merchant"],
        "code": w["no"],
    },
    "pension.pension-accounts.create": lambda w: {
        "holder": w["saver"],
        "document_no": w["saver_number"],
        "mobile": "13800000000",
    },
    "pension.pension-contributions.create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-plans.mandates-create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-plans.create": lambda w: {
        "account": w["payer"],
        "pension_account": w["pension"],
        "amount": cny("100.00"),
    },
    "pension.pension-investments.create": lambda w: {
        **invest("PN-TARGET-2050", "1000.00")(w),
        "pension_account": w["pension"],
    },
    "pension.pension-redemptions.create": lambda w: {
        "account": w["payer"],
        "product_code": "PN-DEPOSIT",
        "amount": cny("1000.00"),
        "pension_account": w["pension"],
    },
    "pension.pension-payouts.create": lambda w: {
        "holder": w["holder"],
        "document_no": w["number"],
        "pension_account": w["pension"],
        "payee_account": w["payee"],
        "amount": cny("1.00"),
        "condition": "disability",
        "evidence_no": "DA-2026-0117",
    },
    "pension.annuity-contributions.create": lambda w: {
        "employer_account": w["payer"],
        "employee_account": w["payee"],
        "pension_account": w["pension"],
        "employer_amount": cny("10.00"),
        "employee_amount": cny("5.00"),
    },
    "forex.spot-exchanges.create": lambda w: {**pay()(w), "payee_account": w["dollars"]},
    "forex.forward-exchanges.create": lambda w: {
        **pay()(w),
        "payee_account": w["dollars"],
        "value_date": w["day"](8),
    },
    "forex.outward-remittances.create": remit,
    "forex.overseas-tuition-payments.create": remit,
    "forex.inward-remittances.create": lambda w: {
        "payee_account": w["payee"],
        "payer_name": "Jo Smith",
        "amount": usd("10.00"),
    },
    "forex.export-rebates.create": lambda w: {
        "holder": w["company"],
        "amount": cny("1000.00"),
        "declaration_no": "DECL-1",
    },
    "treasury.cash-sweeps.create": lambda w: {
        "payer_account": w["payee"],
        "payee_account": w["payer"],
        "keep": cny("10.00"),
    },
    "treasury.cash-allocations.create": pay(),
    "treasury.supervised-funds.create": pay(),
    "treasury.training-funds.create": pay(),
    "treasury.court-funds.create": pay(),
    "treasury.payment-approvals.create": pay(code=MAGIC),
    "treasury.cash-pools.create": lambda w: {
        "holder": w["company"],
        "account": w["payer"],
        "amount": cny("100.00"),
    },
    "treasury.cross-border-pools.create": lambda w: {
        "holder": w["company"],
        "payer_account": w["payer"],
        "amount": cny("720.00"),
        "currency": "USD",
    },
    "treasury.margin-accounts.create": lambda w: {
        "payer_account": w["payer"],
        "amount": cny("100.00"),
    },
    "merchant.merchants.create": lambda w: {**firm(w), "trade_name": "海棠小馆"},
    "supplychain.chain-members.create": lambda w: {**firm(w), "trade_name": "海棠供应"},
}
