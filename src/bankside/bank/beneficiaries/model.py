"""A kept payee as a value, and what is needed to keep one."""

from dataclasses import dataclass

from bankside.kernel.ids import AccountId


@dataclass(frozen=True, slots=True, kw_only=True)
class Beneficiary:
    """Somebody the account's holder pays again and again; ``trusted`` ones were confirmed."""

    id: str
    partner: str
    account: AccountId
    name: str
    creditor_account: str
    reference: str = ""
    trusted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBeneficiary:
    """Whom to keep, for which account (id or number)."""

    account: str
    name: str
    creditor_account: str
    reference: str = ""
    trusted: bool = False
