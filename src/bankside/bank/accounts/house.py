"""The bank's own ledger accounts: one of each kind a currency, shared by all partners' data.

Sign convention of the ledger: credits minus debits. What the bank owes or earns is positive, what
it owns is negative; all balances of a currency add up to zero.
"""

from dataclasses import dataclass
from enum import StrEnum

from bankside.bank.accounts.model import Counterparty
from bankside.bank.ledger import AccountClass, NewAccount, carry_out, open_account
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_space
from bankside.kernel.money import minor_digits

# The ledger's data space of what belongs to the bank itself.
BANK = "bank"


class House(StrEnum):
    """What a ledger account of the bank is for."""

    FEE_INCOME = "fee-income"
    CLEARING = "clearing"
    BATCH_CLEARING = "batch-clearing"
    HOLD = "hold"
    OPENING = "opening"
    LOAN_BOOK = "loan-book"
    DEPOSITS = "deposits"
    INTEREST_EXPENSE = "interest-expense"
    INTEREST_INCOME = "interest-income"
    INTEREST_RECEIVABLE = "interest-receivable"
    POOL = "investment-pool"
    VALUATION = "valuation"
    FX_POSITION = "fx-position"
    NOSTRO = "nostro"
    BENEFITS = "benefits"
    DISCOUNTED_BILLS = "discounted-bills"
    TAX_WITHHELD = "tax-withheld"
    SUSPENSE = "suspense"


@dataclass(frozen=True, slots=True)
class _Kind:
    account_class: AccountClass
    # Minor units; None: no lower limit.
    floor: int | None
    name_zh: str
    name_en: str


# Money in a batch or on hold is there only because somebody paid it in: never below zero. Fee
# income has no floor: a refund in a quiet week may return more than came in.
_KINDS: dict[House, _Kind] = {
    House.FEE_INCOME: _Kind(AccountClass.INCOME, None, "手续费收入", "Fee income"),
    House.CLEARING: _Kind(AccountClass.LIABILITY, None, "跨行清算", "Interbank clearing"),
    House.BATCH_CLEARING: _Kind(AccountClass.LIABILITY, 0, "批量代发过渡", "Batch payments"),
    House.HOLD: _Kind(AccountClass.HOLD, 0, "资金冻结", "Funds on hold"),
    House.OPENING: _Kind(AccountClass.EQUITY, None, "期初余额", "Opening balances"),
    House.LOAN_BOOK: _Kind(AccountClass.ASSET, None, "贷款", "Loan book"),
    House.DEPOSITS: _Kind(AccountClass.LIABILITY, 0, "存款", "Deposits"),
    House.INTEREST_EXPENSE: _Kind(AccountClass.EXPENSE, None, "利息支出", "Interest expense"),
    House.INTEREST_INCOME: _Kind(AccountClass.INCOME, None, "利息收入", "Interest income"),
    House.INTEREST_RECEIVABLE: _Kind(AccountClass.ASSET, None, "应收利息", "Interest receivable"),
    House.POOL: _Kind(AccountClass.LIABILITY, 0, "投资产品资金池", "Investment pool"),
    House.VALUATION: _Kind(AccountClass.EQUITY, None, "估值变动", "Valuation"),
    House.FX_POSITION: _Kind(AccountClass.ASSET, None, "外汇头寸", "Currency position"),
    House.NOSTRO: _Kind(AccountClass.ASSET, None, "存放同业", "Account with the network"),
    House.BENEFITS: _Kind(AccountClass.LIABILITY, 0, "券票权益资金", "Funded benefits"),
    House.DISCOUNTED_BILLS: _Kind(AccountClass.ASSET, None, "贴现资产", "Discounted bills"),
    House.TAX_WITHHELD: _Kind(AccountClass.LIABILITY, 0, "代扣税款", "Tax withheld"),
    House.SUSPENSE: _Kind(AccountClass.LIABILITY, None, "待查款项", "Suspense"),
}


def house_account(kind: House, currency: str) -> str:
    """The ledger account id: ``house.fee-income.CNY``."""
    minor_digits(currency)
    return f"house.{kind}.{currency}"


def in_space(ledger_account: str, partner: str) -> str:
    """The account that stands for one of the bank's own in this data space.

    A sandbox space has its own copies (``house.fee-income.CNY.sbx_...``): its bookings carry the
    dates of its own clock, and an account's bookings never go back in time. Everywhere else, and
    for accounts that are not the bank's, it is the account itself.
    """
    if not is_space(partner) or not ledger_account.startswith("house."):
        return ledger_account
    return f"{ledger_account}.{partner}"


async def ensure_house_accounts(
    db: Connection, currency: str, *, partner: str = BANK
) -> dict[House, str]:
    """All kinds are open in the currency; the ledger account ids by kind. Changes nothing twice.

    ``partner``: the data space whose own ones they are; the bank's are shared by all others.
    """
    owner = partner if is_space(partner) else BANK
    ids = {kind: in_space(house_account(kind, currency), owner) for kind in House}
    accounts = [
        NewAccount(
            id=ids[kind],
            partner=owner,
            currency=currency,
            account_class=facts.account_class,
            floor=facts.floor,
        )
        for kind, facts in _KINDS.items()
    ]
    await carry_out(db, *map(open_account, accounts))
    return ids


def house_counterparty(ledger_account: str) -> Counterparty | None:
    """How an entry against one of the bank's own accounts is shown; None for any other account."""
    parts = ledger_account.split(".")
    if parts[0] != "house":
        return None
    facts = _KINDS[House(parts[1])]
    return Counterparty(ledger_account, facts.name_zh, facts.name_en)
