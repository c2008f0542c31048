"""The names an operation has on the wires, derived from its route and from nothing else.

Always true: different operations have different names, and a name never changes while its route
stands. ICBC-style path: ``/api/<category>/<product>/<word>/V1``; the operation's id is
``<product id>.<word>``.
"""

_ON_COLLECTION = {"POST": "create", "GET": "list"}
_ON_ITEM = {"GET": "query", "PATCH": "amend", "PUT": "replace", "DELETE": "revoke"}


def operation_word(product: str, method: str, path: str) -> str:
    """The word of a route below ``product`` (``merchant.scan-payments``).

    ``POST /v1/scan-payments`` is ``create``, ``.../{id}/refunds`` is ``refunds``; where the
    collection is not the product's own name its last word stands in front (``mandates-create``).
    """
    collection, *rest = path.split("/")[2:]
    tail = [part for part in rest if not part.startswith("{")]
    word = "-".join(tail) or (_ON_ITEM if rest else _ON_COLLECTION)[method]
    if collection == product.rpartition(".")[2]:
        return word
    return f"{collection.rpartition('-')[2]}-{word}"


def cloud_word(method: str, path: str) -> str:
    """The word of ``/v1/clouds/{cloud}/tenants/{tenantId}/<objects>``: ``schools-create``."""
    objects = path.split("/")[6]
    return f"{objects}-{_ON_COLLECTION[method]}"


def icbc_path(product: str, word: str) -> str:
    """``merchant.scan-payments`` and ``create`` give ``/api/merchant/scan-payments/create/V1``."""
    category, _, resource = product.partition(".")
    return f"/api/{category}/{resource}/{word}/V1"
