"""What the catalogue is made of: products, their operations and steps, and what surrounds them.

Always true: everything here is immutable and came out of ``definitions/``; amounts are minor units
of the fee's currency; texts shown to people exist in Chinese and English.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from bankside.kernel.snapshot import Access

if TYPE_CHECKING:
    from bankside.catalog.solution_definitions import Solution

WhenStarts = Literal["request", "next", "event", "daily", "end-of-day", "due-date", "maturity"]
OnFailure = Literal["stop", "compensate", "continue"]
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

# What an operation may run besides a primitive: actions of the order runtime itself. None of them
# moves money in a way of its own; `order.cancel` and `order.retry` repeat or reverse the steps.
RUNTIME_ACTIONS: Mapping[str, str] = {
    "order.close": "ends an order that nobody has paid",
    "order.cancel": "reverses what the order has posted so far, or refuses when it cannot",
    "order.confirm": "records that the party an order waits for has agreed to it",
    "order.amend": "records new particulars of an order, which move nothing",
    "order.retry": "runs the failed part of the order again",
}

# Accounts of the bank that a step may debit or credit, besides the accounts named by an input.
HOUSE_ROLES: frozenset[str] = frozenset(
    {
        "merchant_pending",
        "fee_income",
        "held",
        "batch_clearing",
        "clearing",
        "payer",
        "loan_book",
        "deposits",
        "interest_expense",
        "interest_income",
        "interest_receivable",
        "pool",
        "valuation",
        "position",
        "nostro",
        # Clearing in the currency that an exchange sells, and in the one it buys.
        "clearing_from",
        "clearing_to",
        "bought",
        "benefits",
        "discounted_bills",
        "tax_withheld",
        # The account that an earlier step of the same order opened.
        "opened_account",
    }
)


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both languages of the platform."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Input:
    """One field of a request.

    ``type`` is one of account, party, merchant, money, date, text, int, bool, list, map, secret,
    token, consent. ``max`` is the longest text in characters or list in entries; ``least``
    and ``most`` bound a whole number, or those of a list; ``fields`` are the fields of a list's
    entries (none: entries are integers); ``instead_of`` names the field that this one replaces: of
    the two at least one is needed.
    """

    name: str
    type: str
    required: bool
    max: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    fields: "tuple[Input, ...]" = ()
    instead_of: str | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One primitive operation of a product, and when it runs.

    ``roles`` says which input or account of the bank plays which part (the definition's ``with``).
    """

    id: str
    use: str
    when: WhenStarts
    on_failure: OnFailure
    roles: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AccountFee:
    """What keeping an account costs every ``months`` months, in hundredths of its main unit.

    The first ``free_months`` calendar months are free, and so is a period in which the account
    never stood below ``waived_from_cents`` (None: there is no such waiver).
    """

    cents: int
    months: int = 1
    free_months: int = 0
    waived_from_cents: int | None = None


@dataclass(frozen=True, slots=True)
class Fees:
    """Who pays, basis points of the amount, and the smallest and largest fee in minor units.

    ``account``: what keeping the account costs that the product opens.
    """

    payer: str
    rate_bps: int
    currency: str
    min_minor: int | None = None
    max_minor: int | None = None
    account: AccountFee | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """Sandbox defaults in minor units of the fee's currency."""

    per_transaction_minor: int
    per_day_minor: int


@dataclass(frozen=True, slots=True)
class ProductOperation:
    """One method and path of a product, a cloud or the platform.

    ``id`` is ``<product>.<word>``; ``runs`` names the primitive operation or runtime action that a
    write starts; ``inputs`` are body fields of a write and query fields of a read; ``added`` is
    true when the capability map did not have it; ``open`` bodies may hold anything. ``access`` says
    what lets a caller in (``kernel.snapshot.Operation``), ``scopes`` which ones its token needs
    (None: the product's). ``keyed``: an idempotency key is needed though no money moves. ``body``
    and ``answer`` name whole schemas (``Catalogue.schemas``) where fields would not say it;
    ``status`` is the one of a success, None: as the method has it.
    """

    id: str
    product: str
    method: Method
    path: str
    purpose: str
    word: str
    icbc_path: str
    runs: str | None = None
    inputs: tuple[Input, ...] = ()
    moves_money: bool = False
    added: bool = False
    open: bool = False
    environments: tuple[str, ...] = ("sandbox", "live")
    description: Text | None = None
    access: Access = "signature"
    scopes: frozenset[str] | None = None
    keyed: bool = False
    body: str | None = None
    answer: str | None = None
    status: int | None = None

    @property
    def writes(self) -> bool:
        """Whether the call changes something."""
        return self.method != "GET"

    @property
    def needs_key(self) -> bool:
        """Whether a call without an idempotency key is refused."""
        return self.moves_money or self.keyed


@dataclass(frozen=True, slots=True)
class Product:
    """A product: ordered primitive steps with inputs, price, limits, class, scopes and routes.

    ``operations`` are the adopted ones, ``added_operations`` ours; a product without money has no
    ``limits``; ``routes_missing`` are later steps that wait for a request nobody can make yet. The
    platform itself and the access to customers' accounts (tier ``access``) are products of this
    shape, without category. ``version`` is the number of the product version (life cycle).
    """

    id: str
    category: str
    name: Text
    description: Text
    tier: Literal["core", "mapped", "platform", "access", "imported"]
    archetype: str
    family: str
    scenes: tuple[str, ...]
    industries: tuple[str, ...]
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    primitives: tuple[str, ...]
    fees: Fees | None
    limits: Limits | None
    risk_tier: str
    data_class: str
    consent_scopes: frozenset[str]
    operations: tuple[ProductOperation, ...]
    added_operations: tuple[ProductOperation, ...] = ()
    simulated: bool = False
    routes_missing: tuple[str, ...] = ()
    version: int = 1

    @property
    def all_operations(self) -> tuple[ProductOperation, ...]:
        """Adopted and added operations."""
        return self.operations + self.added_operations

    @property
    def resource(self) -> str:
        """The plural noun of the product's own collection: ``scan-payments``."""
        return self.id.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Category:
    """A shelf of products; ``product_count`` is checked against the file."""

    id: str
    name: Text
    order: int
    product_count: int


@dataclass(frozen=True, slots=True)
class Cloud:
    """An industry application for tenants: objects, bound products and its own operations."""

    id: str
    name: Text
    description: Text
    industries: tuple[str, ...]
    scenes: tuple[str, ...]
    tenant_objects: tuple[str, ...]
    products: tuple[str, ...]
    primitives: tuple[str, ...]
    operations: tuple[ProductOperation, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """An everyday situation a product serves."""

    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class Industry:
    """A section of GB/T 4754-2017."""

    code: str
    name: Text


@dataclass(frozen=True, slots=True)
class PrimitiveOperation:
    """What one primitive can do: its effect in words, whether it posts, and what undoes it."""

    op: str
    effect: str
    posts: bool
    reverse: str | None


@dataclass(frozen=True, slots=True)
class Primitive:
    """A building block of products, executed by the bank."""

    id: str
    name: Text
    kind: str
    operations: Mapping[str, PrimitiveOperation]


@dataclass(frozen=True, slots=True)
class Archetype:
    """A step sequence shared by several products; its family decides the routes."""

    id: str
    family: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All definitions, by id. ``operations`` covers everything that has a route.

    ``open_banking`` is the access to customers' accounts by token: no product of the shelf.
    ``schemas`` are JSON Schemas by component name, for operations that name them.
    """

    categories: Mapping[str, Category]
    products: Mapping[str, Product]
    platform: Product
    open_banking: Product
    schemas: Mapping[str, Mapping[str, Any]]
    clouds: Mapping[str, Cloud]
    solutions: "Mapping[str, Solution]"
    scenes: Mapping[str, Scene]
    industries: Mapping[str, Industry]
    primitives: Mapping[str, Primitive]
    archetypes: Mapping[str, Archetype]
    operations: Mapping[str, ProductOperation]

    def product(self, product_id: str) -> Product:
        """A product of any tier; KeyError when there is none."""
        beside = {each.id: each for each in (self.platform, self.open_banking)}
        return beside.get(product_id) or self.products[product_id]

    def primitive(self, use: str) -> PrimitiveOperation | None:
        """``transfer.execute`` as an operation of its primitive; None for runtime actions."""
        primitive, _, op = use.partition(".")
        found = self.primitives.get(primitive)
        return found.operations.get(op) if found else None
