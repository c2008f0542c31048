"""The native routes, for every dialect that names an operation by method and path."""

from bankside.gateway.errors import BodyTooLarge, MethodNotAllowed, RouteUnknown
from bankside.gateway.exchange import Exchange, Refusal
from bankside.gateway.serving import Serving


def routed(x: Exchange, s: Serving) -> Refusal | None:
    """Operation and path parameters of the call; or why there are none, or too long a body.

    The body's length comes before any digest: nobody makes us hash more than the operation takes.
    """
    found = s.routes.find("GET" if x.method == "HEAD" else x.method, x.path)
    if found is None:
        methods = s.routes.allowed(x.path)
        return Refusal.of(MethodNotAllowed() if methods else RouteUnknown())
    x.operation, x.path_params = found
    if len(x.body) > x.operation.body_max:
        return Refusal.of(BodyTooLarge(f"at most {x.operation.body_max} bytes"))
    return None
