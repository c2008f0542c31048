"""Stages 8 and 9: what the proven caller may do, for whom, and how fast.

A consent of an end user is not looked at here yet: ``caller.psu`` stays None until consents exist.
"""

import math
from hashlib import sha256

from bankside.gateway.errors import (
    AppBlocked,
    RateExceeded,
    ScopeMissing,
    SubscriptionMissing,
    TenantTokenUnknown,
)
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.local_limits import LocalLimits
from bankside.gateway.ports import LimitStore
from bankside.gateway.serving import Serving
from bankside.gateway.stages import Stage
from bankside.kernel.errors import Unavailable


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
    if not operation.scopes <= app.scopes:
        missing = ", ".join(sorted(operation.scopes - app.scopes))
        return Refusal.of(ScopeMissing(f"scope {missing}"))
    return None


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
