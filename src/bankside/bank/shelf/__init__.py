"""The shelf: terms of the sandbox bank's own deposits, loans and funds, by product code.

Always true: rates, prices and minima here are sandbox defaults of this bank and nobody's price
list; a code names the same terms for ever, changed terms get a new code.

Public: DepositTerms, DEPOSITS, DEMAND_RATE_BP, LoanTerms, LOANS, Fund, FUNDS.
"""

from bankside.bank.shelf.deposits import DEMAND_RATE_BP, DEPOSITS, DepositTerms
from bankside.bank.shelf.funds import FUNDS, Fund
from bankside.bank.shelf.loans import LOANS, LoanTerms

__all__ = ["DEMAND_RATE_BP", "DEPOSITS", "FUNDS", "LOANS", "DepositTerms", "Fund", "LoanTerms"]
