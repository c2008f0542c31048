"""Native refusals as the ICBC-style ``return_code``.

Always true: 0 is done, a positive code is a refusal that changed nothing, a negative one means
system trouble or an unknown outcome, so the partner must query before it repeats.
Source: the dialect's table of gateway codes; 600xxx are ours for refusals by a product's own rule
(the dialect leaves those to each product).
"""

from bankside.gateway.exchange import Refusal

PARAMETER_BAD = 400011
KEY_MISSING = 400016
SIGNATURE_BAD = 400017
NOT_AUTHORISED = 400019
API_UNKNOWN = 500018
CALL_ILLEGAL = 500020
RATE_LIMITED = 500031
CONCURRENCY_LIMITED = 500032
OBJECT_UNKNOWN = 600404
RULE_REFUSED = 600409
PROXY_FAILED = -500041
TIMED_OUT = -500042
SIGNING_FAILED = -500044
INTERNAL = -500099

_BY_CODE = {
    "signature.key_unknown": KEY_MISSING,
    "content.key_missing": KEY_MISSING,
    "signature.stale": PARAMETER_BAD,
    "signature.replayed": CALL_ILLEGAL,
    "tenant.token_unknown": NOT_AUTHORISED,
    "route.not_found": API_UNKNOWN,
    "route.method_not_allowed": API_UNKNOWN,
    "product.not_available": API_UNKNOWN,
    "ui.not_available": API_UNKNOWN,
    "edge.signing_busy": CONCURRENCY_LIMITED,
    # The first call still runs: its outcome is unknown to this one.
    "idempotency.in_progress": TIMED_OUT,
    "idempotency.key_reused": RULE_REFUSED,
}
_BY_STATUS = {
    400: PARAMETER_BAD,
    401: SIGNATURE_BAD,
    403: NOT_AUTHORISED,
    404: OBJECT_UNKNOWN,
    405: API_UNKNOWN,
    408: PARAMETER_BAD,
    409: RULE_REFUSED,
    410: API_UNKNOWN,
    413: PARAMETER_BAD,
    415: PARAMETER_BAD,
    422: PARAMETER_BAD,
    429: RATE_LIMITED,
    501: API_UNKNOWN,
    503: PROXY_FAILED,
    504: TIMED_OUT,
}


def return_code(refusal: Refusal) -> int:
    """The number for a refusal; anything we do not know is an internal fault."""
    known = _BY_CODE.get(refusal.code)
    if known is not None:
        return known
    return _BY_STATUS.get(refusal.status, INTERNAL if refusal.status >= 500 else RULE_REFUSED)
