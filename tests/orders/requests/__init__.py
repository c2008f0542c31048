"""One valid request for every product of the catalogue, from the people of one fresh world.

Always true: what a request names exists in the ``World`` it was made from, and was not used before.
Public: REFUSED_FIRST, begins, valid, following, preceding, Earlier, World, stand_up.
"""

from tests.orders.requests.money import MONEY
from tests.orders.requests.papers import ARCHETYPES, following, paper
from tests.orders.requests.payments import BEFORE, PAYMENTS, Earlier
from tests.orders.requests.world import World, stand_up

from bankside.catalog import Product, ProductOperation

__all__ = [
    "REFUSED_FIRST",
    "Earlier",
    "World",
    "begins",
    "following",
    "preceding",
    "stand_up",
    "valid",
]

_ROWS = MONEY | PAYMENTS
# What refuses an amount at the product's limit, or above it, first: a smaller limit of its own, or
# the sample's facts.
REFUSED_FIRST = frozenset(
    {
        "fx.quota_exceeded",
        "guarantee.share_exceeded",
        "loan.declined",
        "loan.overpaid",
        "mandate.terms_invalid",
        "pension.cap_exceeded",
        "policy.claim_exceeds_cover",
        "policy.premium_mismatch",
        "refund.exceeds_paid",
    }
)


def begins(product: Product) -> ProductOperation | None:
    """The operation that begins an order; none for a product that is only read.

    It is the write on a collection that runs the product's first step. Where the first step of a
    payment is another product's, it is the create.
    """
    writes = [each for each in product.all_operations if each.writes and "{" not in each.path]
    known = [each for each in writes if each.id in _ROWS]
    first = [each for each in writes if each.runs == product.steps[0].use]
    begun = next(iter(known or first or writes), None)
    return None if begun is None or begun.word == "exports" else begun


def valid(product: Product, operation: ProductOperation, world: World) -> dict[str, object]:
    """The body of ``begins(product)`` that the bank accepts."""
    if operation.id in _ROWS:
        return _ROWS[operation.id](world)
    assert product.archetype in ARCHETYPES, f"nobody knows a valid request of {product.id}"
    return paper(product, operation, world)


def preceding(product: Product) -> tuple[Earlier, ...]:
    """The calls that have to be made first, in order."""
    if any(each.type == "consent" for each in product.inputs):
        return (_CONSENT,)
    return BEFORE.get(product.id, ())


_CONSENT = Earlier(
    "identity.consents.create",
    lambda w: {"party": w["holder"], "purpose": "T", "code": "123456"},
    "consent",
)
