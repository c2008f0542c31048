"""Credit: whether the bank lends, how much and at which rate, decided behind a port.

Always true: a decision names who made it, its reasons, and whether it is simulated; the sandbox's
rule is fixed and documented, so that a partner can ask for every outcome.

Public: CreditDesk (the port), Application, Decision, SandboxCreditDesk.
"""

from bankside.bank.credit.decisions import (
    Application,
    CreditDesk,
    Decision,
    SandboxCreditDesk,
)

__all__ = ["Application", "CreditDesk", "Decision", "SandboxCreditDesk"]
