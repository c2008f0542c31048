"""Which handler carries out which operation, and whether a product's definition can run at all.

A family is one module of handlers driven by the definition (catalogue guide, section 4). Reports
and live reads belong to single products, because their data does.
"""

from collections.abc import Awaitable, Callable, Mapping

from bankside.catalog import Product, ProductOperation
from bankside.kernel.call import Answer
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import (
    collect,
    file,
    hold,
    payout,
    platform,
    query,
    reading,
    refund,
    split,
    transfer,
)
from bankside.orders.primitives import PRIMITIVES

Handler = Callable[[Desk, Ticket], Awaitable[Answer]]

# Answered without a database, by the service itself.
ECHO = "platform.echoes.create"

_COLLECT: Mapping[str, Handler] = {
    "create": collect.create,
    "query": reading.item,
    "list": reading.listed,
    "refunds": refund.of_order,
    "closures": collect.close,
}
# By archetype, then by the operation's word.
_BY_ARCHETYPE: Mapping[str, Mapping[str, Handler]] = {
    "transfer": {
        "create": transfer.create,
        "query": reading.item,
        "list": reading.listed,
        "cancellations": transfer.cancel,
    },
    "collect": _COLLECT,
    "collect_split": {
        **_COLLECT,
        "splits": split.execute,
        "returns": split.give_back,
        "finishes": split.finish,
    },
    "hold_capture": {
        **_COLLECT,
        "create": hold.create,
        "captures": hold.capture,
        "closures": hold.release,
    },
    "refund": {
        "create": refund.create,
        "query": reading.item,
        "list": reading.refunds,
        "cancellations": refund.cancel,
    },
    "payout": {
        "create": payout.create,
        "query": reading.item,
        "list": reading.listed,
        "lines": payout.lines,
        "retries": payout.retry,
    },
}
_BY_PRODUCT: Mapping[str, Mapping[str, Handler]] = {
    "account.account-balances": {
        "list": query.balances_list,
        "query": query.balances_item,
        "exports": query.balances_export,
    },
    "account.account-transactions": {
        "list": query.transactions_list,
        "query": query.transactions_item,
        "exports": query.transactions_export,
    },
    "payment.payment-statuses": {
        "list": query.statuses_list,
        "query": query.statuses_item,
        "exports": query.statuses_export,
    },
    "account.account-statements": {
        "create": file.create,
        "query": reading.item,
        "list": reading.listed,
        "content": file.content,
    },
}
_PLATFORM: Mapping[str, Handler] = {
    "platform.order-lookups.query": platform.lookup,
    "platform.order-closures.create": platform.close,
    "platform.order-cancellations.create": platform.cancel,
    "platform.payer-confirmations.create": platform.confirm,
}
# What a definition has to ask its callers for before its archetype can run.
_NEEDS: Mapping[str, frozenset[str]] = {
    "transfer": frozenset({"payer_account", "payee_account", "amount"}),
    "collect": frozenset({"merchant", "order_no", "amount"}),
    "collect_split": frozenset({"merchant", "order_no", "amount"}),
    "hold_capture": frozenset({"merchant", "order_no", "amount", "payer_token"}),
    "payout": frozenset({"payer_account", "lines", "total", "count"}),
    "refund": frozenset(),
}
# Waiting steps that the payer (a token, a confirmation) or a worker starts, not a route.
_WAKES_ITSELF = frozenset({"collect.confirm", "payout.settle"})
# Their point is a page that is shown to a payer, and that page is not built yet.
_HOSTED = frozenset({"payment.payment-desks"})


def handler(product: Product, operation: ProductOperation) -> Handler | None:
    """What carries the operation out, or None: ``product.not_available``."""
    if operation.product == "platform":
        return _PLATFORM.get(operation.id)
    if product.id in _BY_PRODUCT:
        return _BY_PRODUCT[product.id].get(operation.word)
    if product.archetype not in _BY_ARCHETYPE or not _runs(product):
        return None
    return _BY_ARCHETYPE[product.archetype].get(operation.word)


def _runs(product: Product) -> bool:
    """Whether the definition is complete enough to be run, and everything it needs is built."""
    if product.simulated or product.id in _HOSTED:
        return False
    required = {each.name for each in product.inputs if each.required}
    started = {each.runs for each in product.all_operations}
    return (
        all(step.use in PRIMITIVES for step in product.steps)
        and required >= _NEEDS[product.archetype]
        and all(each.fields for each in product.inputs if each.type == "list")
        # An order must never wait for something that no route can start.
        and all(
            step.use in started
            for step in product.steps
            if step.when == "event" and step.use not in _WAKES_ITSELF
        )
    )
