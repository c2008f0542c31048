"""The immutable configuration the edge serves from: what the catalogue compiled, nothing more.

Always true: a snapshot never changes after it was built; the edge replaces it by one assignment.
All lookups a call needs are dictionary reads, whatever the number of operations or apps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal

from bankside.kernel.snapshot.upstreams import Upstream

Access = Literal["signature", "client", "customer", "either"]
StageState = Literal["sandbox", "canary", "live", "deprecated", "suspended", "offline"]
# A share of all partners is counted in basis points.
SHARE_WHOLE = 10_000
# Reports are made of what accounts hold; a customer agrees to the latter.
_REPORTS, _ACCOUNTS = "reports", "accounts"


def token_scope(scope: str) -> str:
    """The scope of access tokens that covers a product's finer one.

    ``accounts`` covers ``accounts:read`` and ``reports:read``, ``payments`` ``payments:write``.
    """
    noun = scope.partition(":")[0]
    return _ACCOUNTS if noun == _REPORTS else noun


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the product version of an operation stands, when that is not simply live.

    ``partners``: whom a version on trial answers (none named in ``sandbox``: every sandbox app);
    ``share``: beside them, this many basis points of all partners. ``deprecated_at`` and
    ``sunset_at`` are epoch seconds, 0: not set. ``successor`` is the product that takes its place,
    ``link`` the path of the same operation there. ``newer`` is the same operation of a newer
    version on trial: it answers instead of this one whom it is open to.
    """

    state: StageState = "live"
    partners: frozenset[str] = frozenset()
    share: int = 0
    deprecated_at: int = 0
    sunset_at: int = 0
    successor: str = ""
    link: str = ""
    newer: "Operation | None" = None

    def is_trial_for(self, version: str, partner: str, environment: str) -> bool:
        """Whether a version on trial is open to this caller; ``version`` names it (``id:number``).

        A partner is in a share or not, the same in every process and for as long as it grows.
        """
        if self.state == "sandbox":
            return environment == "sandbox" and (not self.partners or partner in self.partners)
        if self.state != "canary":
            return False
        if partner in self.partners:
            return True
        digest = sha256(f"{version}:{partner}".encode()).digest()
        return int.from_bytes(digest[:4], "big") % SHARE_WHOLE < self.share


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of one product, as the router and the executing room see it.

    ``id`` is ``<product id>.<icbc operation word>`` (``merchant.scan-payments.create``), unique.
    ``path`` is the native template (``/v1/scan-payments/{scanPaymentId}``), ``purpose`` the
    catalogue's word for what the operation does. ``available`` is False when a primitive it needs
    is not built: such an operation answers ``product.not_available``.
    ``access`` says what lets a caller in: ``signature`` (the app's own, on a signing wire),
    ``client`` (a token the app got for itself), ``customer`` (a token of a customer's grant), or
    ``either`` (a signature, with the consent it acts under where that is needed, or a customer's
    token). Tokens are bound to a key by DPoP; their scopes are ``scopes``. ``page``: what it makes
    has a hosted page (``pay_url``), so that a browser may bring the request. ``upstream``: the id
    of the ``Upstream`` it is forwarded to; "" when the platform executes it itself.
    """

    id: str
    method: str
    path: str
    product: str
    purpose: str
    icbc_path: str
    version: int = 1
    scopes: frozenset[str] = frozenset()
    risk_tier: str = "R1"
    data_class: str = "C2"
    moves_money: bool = False
    writes: bool = False
    available: bool = True
    body_max: int = 1_048_576
    deadline_ms: int = 10_000
    access: Access = "signature"
    stage: Stage | None = None
    page: bool = False
    upstream: str = ""


@dataclass(frozen=True, slots=True)
class Key:
    """A partner's registered key for one wire, or one of the platform's own.

    ``alg`` is a name of ``kernel.signing`` and is what counts: a message naming another is refused.
    ``material`` is a DER SubjectPublicKeyInfo for public keys; for secrets (``hmac-sha256``,
    ``aes-cbc``) and for private keys it is sealed by ``kernel.secrets``. Times are epoch seconds.
    """

    id: str
    alg: str
    material: bytes
    not_before: int = 0
    not_after: int = 2**40


@dataclass(frozen=True, slots=True)
class App:
    """An app of a partner: its keys per wire, what it subscribed to, how fast it may call.

    ``keys``: wire -> keys that verify its requests. ``content_keys``: wire -> AES keys.
    ``answer_keys``: wire -> id of the platform key that signs answers (absent: the wire's default).
    ``tenants``: SHA-256 hex of a tenant's app_auth_token -> tenant id. ``ahead_s``: how far the
    clock of its data space is ahead of ours, in seconds (a sandbox's test clock). Until
    ``load_until`` (epoch seconds) it may call ``load_rate`` times a second, within a quota: a load
    test that was announced.
    """

    id: str
    partner: str
    environment: str = "sandbox"
    active: bool = True
    products: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    rate_per_second: int = 100
    burst: int = 200
    keys: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    content_keys: Mapping[str, tuple[Key, ...]] = field(default_factory=dict)
    answer_keys: Mapping[str, str] = field(default_factory=dict)
    tenants: Mapping[str, str] = field(default_factory=dict)
    ahead_s: int = 0
    load_rate: int = 0
    load_until: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything the edge needs to answer, compiled at ``built_at`` (epoch seconds)."""

    version: int
    built_at: int
    operations: Mapping[str, Operation]
    apps: Mapping[str, App]
    platform_keys: Mapping[str, Key]
    # wire -> id of the platform key that signs its answers unless the app names another
    default_answer_keys: Mapping[str, str]
    revocation_epoch: int = 0
    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
