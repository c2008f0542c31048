"""What a careful partner sends to begin an order of payments, reports and what follows an order.

``BEFORE`` names the calls that have to be made first, by product: a refund needs a payment, a
redemption a holding, a claim a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.orders.little_bank import cny
from tests.orders.requests.money import MONEY, Body, firm, invest, loan, pay
from tests.orders.requests.papers import paper
from tests.orders.requests.world import World

from bankside.catalog import load


@dataclass(frozen=True)
class Earlier:
    """A call that comes first: what it asks, of which order, and under which name it is kept."""

    operation: str
    body: Body
    kept_as: str
    of: str | None = None
    at: str = "id"

    def path(self, w: World) -> str | None:
        """The id in the call's path."""
        return str(w[self.of]) if self.of else None

    def found(self, shown: Mapping[str, Any]) -> Any:
        """What later requests name, at the dotted place ``at`` of the answer."""
        value: Any = shown
        for name in self.at.split("."):
            value = value[name]
        return value


def _collect(suffix: str = "") -> Body:
    return lambda w: {
        "merchant": w["merchant"],
        "order_no": f"{w['no']}{suffix}",
        "amount": cny("10.00"),
        "payer_token": w["token"],
    }


def _report(w: World) -> dict[str, Any]:
    return {"subject": w["payer"], "period": w["day"](0)[:7]}


def _split(w: World) -> dict[str, Any]:
    return _collect()(w) | {"receivers": [{"account": w["rider"], "amount": cny("2.00")}]}


def _line(w: World) -> dict[str, Any]:
    return {"line_no": 1, "payee_account": w["payee"], "amount": cny("10.00")}


def _claim(w: World) -> dict[str, Any]:
    return {
        "policy": w["policy"],
        "amount": cny("5.00"),
        "incident_on": w["day"](0),
        "document_no": w["number"],
    }


def _holding(w: World) -> dict[str, Any]:
    return {"holding": w["holding"]}


PAYMENTS: dict[str, Body] = {
    "payment.internal-transfers.create": pay(),
    "treasury.host-payments.create": pay(),
    "payment.bulk-direct-debits.mandates-create": lambda w: {
        "payer_account": w["payer"],
        "payee_account": w["payee"],
        "limit": cny("50.00"),
    },
    "merchant.collection-codes.create": _collect(),
    "merchant.scan-payments.create": _collect(),
    "merchant.checkout-payments.create": _collect(),
    "wallet.digital-currency-payments.create": _collect(),
    "forex.cross-border-collections.create": _collect(),
    "payment.payment-desks.create": _collect(),
    "merchant.split-orders.create": _collect(),
    "merchant.combined-orders.create": lambda w: {
        **_collect()(w),
        "receivers": [{"account": w["rider"], "sub_order_no": "1"}],
    },
    "merchant.preauthorizations.create": _collect(),
    "merchant.escrow-payments.create": _collect(),
    "merchant.merchant-refunds.create": lambda w: {"order": w["paid"], "amount": cny("4.00")},
    "merchant.merchant-settlements.create": lambda w: {
        **pay()(w),
        "merchant": w["merchant"],
    },
    "account.account-statements.create": _report,
    "account.transaction-receipts.create": _report,
    "merchant.merchant-reconciliations.create": _report,
    "pension.pension-vouchers.create": _report,
    "engage.customer-segments.create": _report,
    "data.business-insights.create": _report,
    "data.industry-benchmarks.create": _report,
    "card.credit-card-repayments.create": lambda w: {
        "card": w["card"],
        "payer_account": w["payer"],
        "amount": cny("10.00"),
    },
    "loan.loan-prepayments.create": lambda w: {"loan": w["loan"], "amount": cny("400.00")},
    "wealth.wealth-redemptions.create": _holding,
    "wealth.instant-redemptions.create": _holding,
    "metalbond.gold-redemptions.create": _holding,
    "metalbond.government-bond-redemptions.create": _holding,
    "insurance.insurance-claims.create": _claim,
    "insurance.policy-surrenders.create": lambda w: {"policy": w["policy"]},
    "payroll.wage-accounts.create": lambda w: {
        "payer_account": w["payer"],
        "lines": [_line(w) | {"name": "林晓雨"}],
        "total": cny("10.00"),
        "count": 1,
        "project": "P-1",
        "period": w["day"](0)[:7],
    },
    "payroll.gig-settlements.create": lambda w: {
        "payer_account": w["payer"],
        "lines": [_line(w)],
        "total": cny("10.00"),
        "count": 1,
        "platform": "P-1",
        "period": w["day"](0)[:7],
    },
    "treasury.platform-accounts.create": lambda w: {**firm(w), **_collect()(w)},
}


def _held(operation: str, body: Body) -> tuple[Earlier, ...]:
    return (Earlier(operation, body, "holding"),)


def _policy(w: World) -> dict[str, Any]:
    product = load().products["insurance.insurance-policies"]
    return paper(product, load().operations[f"{product.id}.create"], w)


_INSURED = (Earlier("insurance.insurance-policies.create", _policy, "policy"),)
BEFORE: dict[str, tuple[Earlier, ...]] = {
    "merchant.merchant-refunds": (
        Earlier("merchant.scan-payments.create", _collect("-0"), "paid"),
    ),
    "card.credit-card-repayments": (
        Earlier("card.credit-cards.create", MONEY["card.credit-cards.create"], "card"),
        Earlier("card.credit-cards.query", lambda _: {}, "own", of="card", at="result.account.id"),
        Earlier(
            "payment.internal-transfers.create",
            lambda w: pay("100.00")(w) | {"payer_account": w["own"]},
            "spent",
        ),
    ),
    "loan.loan-prepayments": (
        Earlier("loan.personal-loans.applications-create", loan(), "loan"),
        Earlier("loan.personal-loans.drawdowns", lambda _: {}, "drawn", of="loan"),
    ),
    "wealth.wealth-redemptions": _held("wealth.fund-subscriptions.create", invest("FD-BOND")),
    "wealth.instant-redemptions": _held("wealth.fund-subscriptions.create", invest("FD-BOND")),
    "metalbond.gold-redemptions": _held("metalbond.gold-purchases.create", invest("AU-GRAM")),
    "metalbond.government-bond-redemptions": _held(
        "metalbond.government-bond-subscriptions.create", invest("GB-3Y")
    ),
    "insurance.insurance-claims": _INSURED,
    "insurance.policy-surrenders": _INSURED,
}
