"""Who lives in a fresh sandbox space: made-up people with accounts, and three merchants.

Names are invented; papers have right check characters and a district code (110199) that GB/T 2260
never assigned, so they belong to nobody. Everything about them is public: there is no real money.
"""

import base64
import hashlib
from dataclasses import dataclass

from bankside.bank.accounts import ProductClass
from bankside.bank.customers import CustomerKind
from bankside.kernel.ids import AccountId, CustomerId, MerchantId, derived_id

PASSWORD = "sandbox-People-2026"  # noqa: S105 - the test people's, told to everybody who asks
# The currencies in which a space has the bank's own accounts, besides its people's.
CURRENCIES = (
    *("CNY", "USD", "EUR", "GBP", "HKD", "JPY", "SGD"),
    *("AUD", "CAD", "CHF", "KRW", "THB", "MOP"),
)
_CODE_DIGITS = 16
_CODE_MARK = "28"


@dataclass(frozen=True, slots=True)
class Holding:
    """An account and what it is opened with."""

    key: str
    product_class: ProductClass
    currency: str
    balance: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inhabitant:
    """A customer of the space; ``key`` begins its login. ``paper``: resident id or code."""

    key: str
    kind: CustomerKind
    name_zh: str
    name_en: str
    paper: str
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A merchant of a corporate inhabitant.

    ``of_tenant``: it is the space's test tenant's. ``netted``: it is cleared net and paid out on
    the next working day; the others are settled at the end of the day.
    """

    key: str
    owner: str
    of_tenant: bool = False
    netted: bool = False


# What Lin moves from savings to the current account on the fifth of each month.
POCKET_MONEY = "500.00"
POCKET_MONEY_DAY = 5


_CURRENT, _SETTLEMENT = ProductClass.CURRENT, ProductClass.SETTLEMENT
INHABITANTS = (
    Inhabitant(
        key="lin.xiaoyu",
        kind=CustomerKind.RETAIL,
        name_zh="林晓雨",
        name_en="Lin Xiaoyu",
        paper="110199199206149921",
        holdings=(
            Holding("lin-current", _CURRENT, "CNY", "20000.00"),
            Holding("lin-savings", ProductClass.SAVINGS, "CNY", "58000.00"),
            Holding("lin-usd", _CURRENT, "USD", "1500.00"),
        ),
    ),
    Inhabitant(
        key="chen.zhiyuan",
        kind=CustomerKind.RETAIL,
        name_zh="陈志远",
        name_en="Chen Zhiyuan",
        paper="110199198511039978",
        holdings=(Holding("chen-current", _CURRENT, "CNY", "8800.00"),),
    ),
    Inhabitant(
        key="wang.sitong",
        kind=CustomerKind.RETAIL,
        name_zh="王思彤",
        name_en="Wang Sitong",
        paper="110199199902289928",
        holdings=(Holding("wang-current", _CURRENT, "CNY", "0.50"),),
    ),
    Inhabitant(
        key="begonia",
        kind=CustomerKind.CORPORATE,
        name_zh="海棠餐饮有限公司",
        name_en="Begonia Catering Ltd",
        paper="91110199MADEM0011F",
        holdings=(Holding("begonia-settlement", _SETTLEMENT, "CNY", "120000.00"),),
    ),
    Inhabitant(
        key="old.street",
        kind=CustomerKind.CORPORATE,
        name_zh="老街面馆有限公司",
        name_en="Old Street Noodles Ltd",
        paper="91110199MADEM002X7",
        holdings=(Holding("street-settlement", _SETTLEMENT, "CNY", "36000.00"),),
    ),
    Inhabitant(
        key="kuaican",
        kind=CustomerKind.CORPORATE,
        name_zh="快餐达科技有限公司",
        name_en="Kuaican Technology Ltd",
        paper="91110199MADEM00387",
        holdings=(Holding("kuaican-settlement", _SETTLEMENT, "CNY", "2000000.00"),),
    ),
)
SHOPS = (
    Shop(key="begonia", owner="begonia"),
    Shop(key="old-street", owner="old.street", of_tenant=True),
    Shop(key="kuaican", owner="kuaican", netted=True),
)


def customer_id(space: str, key: str) -> CustomerId:
    """The inhabitant's id, the same for ever in this space."""
    return CustomerId(derived_id("customer", space, key))


def login(space: str, key: str) -> str:
    """The inhabitant's login: no other space has it, so a page that knows no space finds this."""
    return f"{key}@{_digest('login', space).hex()[:8]}"


def account_id(space: str, key: str) -> AccountId:
    """The account's id."""
    return AccountId(derived_id("account", space, key))


def merchant_id(space: str, key: str) -> MerchantId:
    """The merchant's id."""
    return MerchantId(derived_id("merchant", space, key))


def payer_code(space: str, key: str) -> str:
    """The payment code of an inhabitant, which pays as often as one likes."""
    digits = int.from_bytes(_digest("code", space, key)[:8]) % 10**_CODE_DIGITS
    return f"{_CODE_MARK}{digits:0{_CODE_DIGITS}d}"


def totp_secret(space: str, key: str) -> str:
    """The secret of the inhabitant's authenticator (RFC 6238), 160 bits in base 32."""
    return base64.b32encode(_digest("totp", space, key)[:20]).decode()


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(("sandbox people", *parts)).encode()).digest()
