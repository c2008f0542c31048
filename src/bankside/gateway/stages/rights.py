"""Stages 8 and 9: what the proven caller may do, for whom, and how fast.

Whether a customer's consent covers the call is the executing room's to say, at the moment of use;
here is decided what kind of caller an operation takes and which scopes it needs.
"""

import math
from hashlib import sha256

from bankside.gateway.errors import (
    AppBlocked,
    ClientNeeded,
    CustomerNeeded,
    RateExceeded,
    ScopeMissing,
    SignatureNeeded,
    SubscriptionMissing,
    TenantTokenUnknown,
    TokenMissing,
)
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.ports import LimitStore
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage
from bankside.gateway.tokens import Access
from bankside.kernel.errors import Unavailable
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.snapshot import App, Operation, token_scope

# Calls of load tests an app has at hand, and how many come back a second (a quarter in a day).
QUOTA_CALLS = 500_000
QUOTA_REFILL = 1
_BY_TOKEN = frozenset({"client", "customer"})


def tenant(x: Exchange, s: Serving) -> Refusal | None:
    """The tenant behind the token, when the request carries one."""
    if x.tenant_token is None:
        return None
    assert x.app is not None
    # A lone surrogate from a JSON wire is no token of ours, but must not break the encoding.
    token = x.tenant_token.encode("utf-8", "surrogatepass")
    x.tenant = x.app.tenants.get(sha256(token).hexdigest())
    return Refusal.of(TenantTokenUnknown()) if x.tenant is None else None


def subscription(x: Exchange, s: Serving) -> Refusal | None:
    """The app is active, has the product and every scope of the operation."""
    app, operation = x.app, x.operation
    assert app is not None
    assert operation is not None
    if not app.active:
        return Refusal.of(AppBlocked())
    if operation.product not in app.products:
        return Refusal.of(SubscriptionMissing(f"product {operation.product}"))
    if x.access is not None or operation.access in _BY_TOKEN:
        return _token_rights(x.access, operation)
    if not operation.scopes <= app.scopes:
        missing = ", ".join(sorted(operation.scopes - app.scopes))
        return Refusal.of(ScopeMissing(f"scope {missing}"))
    return None


def _token_rights(access: Access | None, operation: Operation) -> Refusal | None:
    """The token is of the kind the operation takes, and has its scopes.

    Scopes of products are finer than those of tokens: ``kernel.snapshot.token_scope``.
    """
    if access is None:
        return Refusal.of(TokenMissing())
    if operation.access == "signature":
        return Refusal.of(SignatureNeeded())
    if operation.access == "client":
        if access.customer is not None:
            return Refusal.of(ClientNeeded())
    elif access.customer is None:
        return Refusal.of(CustomerNeeded())
    missing = {
        each
        for each in operation.scopes
        if each not in access.scopes and token_scope(each) not in access.scopes
    }
    if missing:
        return Refusal.of(ScopeMissing(f"scope {', '.join(sorted(missing))}"))
    return None


def _in_load_test(app: App, now: float, limits: LimitStore) -> bool:
    """Whether the call is one of an announced load test's: within its rate and its quota.

    One that is not counts against the ordinary rate.
    """
    rate = app.load_rate
    return (
        limits.take(f"{app.id} load", now, rate=rate, burst=2 * rate) == 0
        and limits.take(f"{app.id} quota", now, rate=QUOTA_REFILL, burst=QUOTA_CALLS) == 0
    )


def partner_rate(limits: LimitStore) -> Stage:
    """One token of the app's own bucket; only proven calls are counted.

    A plain rate fails open, but not wide open: while the shared store is out of reach, each worker
    counts for itself.
    """
    own = LocalLimits()

    def stage(x: Exchange, s: Serving) -> Refusal | None:
        app = x.app
        assert app is not None
        try:
            if app.load_until > x.now and _in_load_test(app, x.now, limits):
                return None
            wait = limits.take(app.id, x.now, rate=app.rate_per_second, burst=app.burst)
        except (Unavailable, OSError):
            wait = own.take(app.id, x.now, rate=app.rate_per_second, burst=app.burst)
        if wait > 0:
            return Refusal.of(
                RateExceeded(
                    f"{app.rate_per_second} calls a second, {app.burst} at once",
                    retry_after=math.ceil(wait),
                )
            )
        return None

    return stage
