"""A merchant and its split receivers as values."""

from dataclasses import dataclass
from datetime import datetime

from bankside.kernel.ids import AccountId, CustomerId, MerchantId, TenantId

# The largest share of a payment that goes to others unless the merchant's contract says more.
SPLIT_SHARE_MAX_BP_DEFAULT = 3_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MerchantTerms:
    """What a contract with a merchant fixes.

    ``fee_rate_bp`` None: the product's own rate. ``split_share_max_bp``: how much of a payment may
    go to split receivers. ``tenant``: whose merchant it is (None: the partner's own).
    """

    customer: CustomerId
    name_zh: str
    name_en: str
    settlement_account: AccountId
    fee_rate_bp: int | None = None
    split_share_max_bp: int = SPLIT_SHARE_MAX_BP_DEFAULT
    tenant: TenantId | None = None
    id: MerchantId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant:
    """A merchant: money collected for it waits on ``pending_ledger_account`` until settlement.

    ``settlement_account`` is the account id, ``settlement_ledger_account`` its ledger account.
    """

    id: MerchantId
    partner: str
    tenant: TenantId | None
    customer: CustomerId
    name_zh: str
    name_en: str
    currency: str
    settlement_account: AccountId
    settlement_ledger_account: str
    pending_ledger_account: str
    fee_rate_bp: int | None
    split_share_max_bp: int
    created_at: datetime
    # Its proceeds are cleared net (bank.clearing) instead of being settled order by order.
    netted: bool = False

    def sub_account(self, part: str) -> str:
        """A book sub-account of a merchant that is cleared net: ``available``, ``reserved`` ..."""
        return f"{self.id}.{part}"

    @property
    def proceeds_ledger_account(self) -> str:
        """Where the proceeds of its orders go: what is available for payout, or the merchant."""
        return self.sub_account("available") if self.netted else self.settlement_ledger_account


@dataclass(frozen=True, slots=True)
class Receiver:
    """An account that may receive a merchant's splits; ``relation`` says why (``rider`` ...)."""

    merchant: MerchantId
    account: AccountId
    ledger_account: str
    relation: str
    registered_at: datetime
