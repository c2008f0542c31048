"""Whether, and in which version, a product is offered to this caller: its place in the life cycle.

Always true: what is not offered to a caller is as unknown as a route that does not exist; a product
that was withdrawn says so, and what takes its place; the same partner meets the same version in
every worker, whatever the share of the others. Source: catalogue guide section 6; RFC 9745
(Deprecation), RFC 8594 (Sunset), RFC 8288 and RFC 5829 (successor-version).
"""

from email.utils import formatdate

from bankside.gateway.errors import ProductOffline, ProductSuspended, RouteUnknown
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.serving import Serving
from bankside.kernel.snapshot import App, Operation, Stage

SUSPENDED_RETRY_SECONDS = 60


def offered(x: Exchange, s: Serving) -> Refusal | None:
    """The operation is there for this app; a newer version on trial takes its place."""
    operation, app = x.operation, x.app
    assert operation is not None
    stage = operation.stage
    if stage is None:
        return None
    assert app is not None
    newer = stage.newer
    if newer is not None and newer.stage is not None and _is_on_trial_for(newer, newer.stage, app):
        x.operation = newer
        return None
    if stage.state in {"live", "deprecated"}:
        return None
    if stage.state == "suspended":
        return Refusal.of(ProductSuspended(retry_after=SUSPENDED_RETRY_SECONDS))
    if stage.state == "offline":
        return _gone(operation, stage)
    return None if _is_on_trial_for(operation, stage, app) else Refusal.of(RouteUnknown())


def notices(x: Exchange) -> list[tuple[str, str]]:
    """The header fields by which a product on its way out says so in every answer."""
    stage = x.operation.stage if x.operation is not None else None
    is_proven = x.key is not None or x.access is not None
    if stage is None or not is_proven or stage.state not in {"deprecated", "offline"}:
        return []
    fields = [("deprecation", f"@{stage.deprecated_at}")] if stage.deprecated_at else []
    if stage.sunset_at:
        fields.append(("sunset", formatdate(stage.sunset_at, usegmt=True)))
    if stage.link:
        fields.append(("link", f'<{stage.link}>; rel="successor-version"'))
    return fields


def _is_on_trial_for(operation: Operation, stage: Stage, app: App) -> bool:
    version = f"{operation.product}:{operation.version}"
    return stage.is_trial_for(version, app.partner, app.environment)


def _gone(operation: Operation, stage: Stage) -> Refusal:
    extra = {"successor": stage.successor} if stage.successor else {}
    if not stage.successor:
        return Refusal.of(ProductOffline(f"{operation.product} was withdrawn, without successor"))
    where = f" ({stage.link})" if stage.link else ""
    text = f"{operation.product} was withdrawn; its successor is {stage.successor}{where}"
    return Refusal.of(ProductOffline(text, extra=extra))
