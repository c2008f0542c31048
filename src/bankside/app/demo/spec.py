"""What ``bank.yaml`` says, as values; a misspelt field there is an error."""

from datetime import date
from functools import cache
from pathlib import Path

import msgspec
import yaml

from bankside.bank.accounts import ProductClass
from bankside.bank.customers import CustomerKind
from bankside.kernel.ids import derived_id


class _Spec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base: every object has a key from which its id is derived."""

    key: str


class BranchSpec(_Spec, frozen=True):
    """A branch; every data space has its own copy."""

    code: str
    name_zh: str
    name_en: str
    region: str


class TenantSpec(_Spec, frozen=True):
    """A partner's customer, for whom its apps act."""

    name_zh: str
    name_en: str


class WireSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How an app signs on a form-based wire, and whether it also encrypts."""

    sign_type: str
    aes: bool = False


class AppSpec(_Spec, frozen=True):
    """An app and its wires; ``native`` lists algorithms, the first is the one to begin with."""

    name: str
    rate_per_second: int = 100
    burst: int = 200
    native: tuple[str, ...] = ()
    icbc: WireSpec | None = None
    alipay: WireSpec | None = None
    alipay3: WireSpec | None = None
    return_addresses: tuple[str, ...] = ()


class ClientSpec(_Spec, frozen=True):
    """A client of the authorization server: an app that signs customers in."""

    name: str
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]


class PersonSpec(_Spec, frozen=True):
    """Somebody who works for the bank or for a partner."""

    name: str
    login: str
    password: str
    roles: tuple[str, ...]


class AccountSpec(_Spec, frozen=True, rename={"product_class": "class"}):
    """An account with the balance it is opened with."""

    product_class: ProductClass
    currency: str
    serial: int
    balance: str


class TokenSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payment code and the key of the account it pays from."""

    code: str
    account: str


class PayeeSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A payee kept for an account (both by key), and what it gets by standing order each month."""

    account: str
    payee: str
    reference: str = ""
    trusted: bool = False
    monthly: str | None = None


class CustomerSpec(_Spec, frozen=True):
    """A customer with papers, login and accounts."""

    kind: CustomerKind
    name_zh: str
    name_en: str
    branch: str
    login: str
    password: str
    accounts: tuple[AccountSpec, ...]
    resident_id: str | None = None
    credit_code: str | None = None
    payer_token: TokenSpec | None = None
    payees: tuple[PayeeSpec, ...] = ()


class ReceiverSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An account that shares in a merchant's payments."""

    account: str
    relation: str


class MerchantSpec(_Spec, frozen=True):
    """A merchant; the words are keys of its tenant, customer and settlement account."""

    customer: str
    name_zh: str
    name_en: str
    account: str
    tenant: str | None = None
    fee_rate_bp: int | None = None
    receivers: tuple[ReceiverSpec, ...] = ()


class PartnerSpec(_Spec, frozen=True):
    """A partner and its data space."""

    name_zh: str
    name_en: str
    apps: tuple[AppSpec, ...]
    customers: tuple[CustomerSpec, ...]
    merchants: tuple[MerchantSpec, ...]
    tenants: tuple[TenantSpec, ...] = ()
    clients: tuple[ClientSpec, ...] = ()
    users: tuple[PersonSpec, ...] = ()


class BankSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole demo; payment codes are good until the end of ``expires``."""

    expires: date
    branches: tuple[BranchSpec, ...]
    partners: tuple[PartnerSpec, ...]
    staff: tuple[PersonSpec, ...] = ()


@cache
def bank_spec() -> BankSpec:
    """The demo as the package describes it."""
    text = (Path(__file__).parent / "bank.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), BankSpec)


def demo_id(kind: str, *keys: str) -> str:
    """The id of a demo object, the same in every installation."""
    return derived_id(kind, "demo", *keys)
