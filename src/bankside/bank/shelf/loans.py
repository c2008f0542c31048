"""Terms of loans by product: rate, penalty, largest amount and term, ways of repayment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoanTerms:
    """What a loan costs and how it is repaid.

    ``penalty_bp`` a year on overdue principal, on top of the rate (PBoC: 30 to 50 % of the rate).
    ``limit`` in main units of the currency; ``methods``: the first is the default.
    """

    rate_bp: int
    months_max: int
    limit: int
    methods: tuple[str, ...] = ("annuity", "equal_principal", "bullet")

    @property
    def penalty_bp(self) -> int:
        """Half of the rate again."""
        return self.rate_bp // 2


_BULLET = ("bullet",)
LOANS: Mapping[str, LoanTerms] = {
    "loan.personal-loans": LoanTerms(435, 60, 300_000),
    "card.bill-instalments": LoanTerms(600, 24, 50_000, ("equal_principal",)),
    "card.purchase-instalments": LoanTerms(600, 24, 50_000, ("equal_principal",)),
    "loan.point-of-sale-loans": LoanTerms(600, 24, 100_000, ("annuity", "equal_principal")),
    "loan.sole-trader-loans": LoanTerms(410, 36, 1_000_000),
    "loan.small-business-loans": LoanTerms(385, 36, 3_000_000),
    "loan.cash-flow-loans": LoanTerms(420, 24, 500_000),
    "loan.equipment-loans": LoanTerms(370, 60, 3_000_000),
    "loan.farm-loans": LoanTerms(365, 36, 1_000_000),
    "loan.green-loans": LoanTerms(345, 60, 3_000_000),
    "loan.ip-loans": LoanTerms(375, 36, 3_000_000),
    "loan.warrant-loans": LoanTerms(375, 36, 3_000_000),
    "loan.mortgages": LoanTerms(330, 360, 3_000_000, ("annuity", "equal_principal")),
    "supplychain.order-loans": LoanTerms(380, 12, 3_000_000, _BULLET),
    "supplychain.prepayment-loans": LoanTerms(380, 12, 3_000_000, _BULLET),
    "supplychain.inventory-loans": LoanTerms(390, 12, 3_000_000, _BULLET),
    "payroll.wage-advances": LoanTerms(0, 1, 20_000, _BULLET),
    "forex.export-rebates": LoanTerms(340, 12, 3_000_000, _BULLET),
    "bill.draft-pledges": LoanTerms(350, 12, 3_000_000, _BULLET),
    "bill.draft-pools": LoanTerms(350, 12, 3_000_000, _BULLET),
    "card.credit-cards": LoanTerms(0, 1, 100_000, _BULLET),
}
