"""Which handler carries out which operation, and whether a product's definition can run at all.

A family is one module of handlers driven by the definition (catalogue guide, section 4). Reports
and live reads belong to single products, because their data does.
"""

from collections.abc import Awaitable, Callable, Mapping

from bankside.catalog import Product, ProductOperation
from bankside.kernel.call import Answer
from bankside.orders.desk import Desk, Ticket
from bankside.orders.families import (
    clients,
    collect,
    digests,
    file,
    follow,
    gifts,
    hold,
    mandate,
    microdeposit,
    payout,
    platform,
    policy,
    query,
    reading,
    records,
    refund,
    shelf,
    split,
    stepwise,
    transfer,
    wages,
    webhooks,
)
from bankside.orders.families.lines import STEPWISE
from bankside.orders.primitives import PRIMITIVES
from bankside.orders.sandbox import routes as sandbox
from bankside.orders.solutions import routes as solutions

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
_BILL: Mapping[str, Handler] = {
    "create": stepwise.create,
    "query": reading.item,
    "list": reading.listed,
    "payments": stepwise.act,
    "refunds": refund.of_order,
    "closures": stepwise.act,
}
_MANDATES: Mapping[str, Handler] = {
    "mandates-create": stepwise.create,
    "mandates-query": mandate.mandate_item,
    "mandates-revoke": stepwise.act,
}
_PAYOUT: Mapping[str, Handler] = {
    "create": payout.create,
    "query": reading.item,
    "list": reading.listed,
    "lines": payout.lines,
    "retries": payout.retry,
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
    "fx_store": {
        **_COLLECT,
        "create": stepwise.create,
        "splits": stepwise.act,
        "finishes": stepwise.act,
    },
    "hold_capture": {
        **_COLLECT,
        "create": hold.create,
        "captures": hold.capture,
        "closures": hold.release,
    },
    "mandate_debit": {**_MANDATES, "create": mandate.debit, "query": mandate.debit_item},
    "mandate_bulk": {
        **_MANDATES,
        "create": mandate.bulk,
        "query": mandate.batch_item,
        "content": file.content,
    },
    "bill_pay": _BILL,
    "tax_remit": {**_BILL, "content": file.content},
    "claim": {
        "create": policy.claim,
        "query": reading.item,
        "list": reading.listed,
        "claims": policy.claim_again,
    },
    "surrender": {
        "create": policy.surrender,
        "query": reading.item,
        "list": reading.listed,
        "claims": policy.claim_again,
    },
    "refund": {
        "create": refund.create,
        "query": reading.item,
        "list": reading.refunds,
        "cancellations": refund.cancel,
    },
    "payout": _PAYOUT,
    "payout_tax": _PAYOUT,
    "wage_account": {
        **_PAYOUT,
        "create": wages.create,
        "confirmations": wages.confirm,
        "closures": stepwise.act,
    },
}
_INSTRUMENTS = (
    "ar_confirm",
    "factoring",
    "guarantee",
    "instrument",
    "instrument_discount",
    "instrument_endorse",
    "instrument_pledge",
    "instrument_pool",
    "instrument_receipt",
    "instrument_settle",
    "instrument_voucher",
    "lc",
)


_FILE: Mapping[str, Handler] = {
    "create": file.create,
    "query": reading.item,
    "list": reading.listed,
    "content": file.content,
}


def _records(*families: str) -> Mapping[str, Handler]:
    source = records.Records(families)
    return {"list": source.listed, "query": source.item, "exports": source.export}


# Products that carry something out on another order: their creates follow it.
_FOLLOWS: Mapping[str, Mapping[str, Handler]] = {
    archetype: {
        "create": follow.create,
        "query": reading.item,
        "list": reading.listed,
        "cancellations": stepwise.cancel,
    }
    for archetype in ("invest_redeem", "loan_repay", "card_repay")
}
_BY_PRODUCT: Mapping[str, Mapping[str, Handler]] = {
    "bill.draft-records": _records(*_INSTRUMENTS),
    "supplychain.chain-finance-positions": _records(*_INSTRUMENTS, "loan"),
    "insurance.policy-records": _records("insurance", "claim", "surrender"),
    "payroll.payroll-batches": _records("payout", "payout_tax"),
    "insurance.insurance-products": {
        "list": records.covers_list,
        "query": records.covers_item,
        "exports": records.covers_export,
    },
    "data.categorized-transactions": {
        "list": records.categorized_list,
        "query": records.categorized_item,
        "exports": query.transactions_export,
    },
    "data.fund-traces": {
        "list": records.traces_list,
        "query": records.traces_item,
        "exports": query.transactions_export,
    },
    **{
        product: {"list": each.listed, "query": each.item, "exports": each.export}
        for product, each in (
            ("forex.exchange-rates", shelf.Shelf(shelf.rates)),
            ("metalbond.metal-prices", shelf.Shelf(shelf.funds("gold"))),
            ("wealth.wealth-products", shelf.Shelf(shelf.funds("wealth", "fund", "corporate"))),
            ("pension.annuity-entitlements", records.Records(("annuity",))),
            (
                "wealth.holdings",
                records.Records(
                    ("invest", "invest_plan", "custody", "pension_invest", "pension_redeem")
                ),
            ),
            (
                "loan.loan-schedules",
                records.Records(
                    (
                        "loan",
                        "loan_consumer",
                        "loan_merchant",
                        "loan_pledge",
                        "loan_warrant",
                        "wage_advance",
                    )
                ),
            ),
        )
    },
    "card.credit-card-bills": {
        "list": shelf.card_bills,
        "query": shelf.card_bill,
        "exports": shelf.card_bill_export,
    },
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
    "account.account-statements": _FILE,
    **dict.fromkeys(digests.BUILDERS, _FILE),
}
_PLATFORM: Mapping[str, Handler] = {
    "platform.order-lookups.query": platform.lookup,
    "platform.order-closures.create": platform.close,
    "platform.order-cancellations.create": platform.cancel,
    "platform.payer-confirmations.create": platform.confirm,
    "platform.spaces.create": sandbox.create,
    "platform.spaces.query": sandbox.show,
    "platform.resets.create": sandbox.reset,
    "platform.people.query": sandbox.people_told,
    "platform.fundings.create": sandbox.fund,
    "platform.clock-advances.create": sandbox.advance,
    "platform.load-tests.create": sandbox.load_test,
    **solutions.HANDLERS,
    "platform.oauth-clients.create": clients.create,
    "platform.oauth-clients.list": clients.listed,
    "platform.oauth-client-amendments.create": clients.amend,
    "platform.webhook-endpoints.create": webhooks.create,
    "platform.webhook-endpoints.list": webhooks.listed,
    "platform.webhook-endpoints.query": webhooks.item,
    "platform.webhook-endpoints.amend": webhooks.amend,
    "platform.webhook-endpoints.revoke": webhooks.remove,
    "platform.webhook-endpoints.rotations": webhooks.rotate,
    "platform.webhook-endpoints.tests": webhooks.test,
    "platform.webhook-endpoints.deliveries": webhooks.deliveries,
    "platform.webhook-endpoints.replays": webhooks.replayed,
}
# What a definition has to ask its callers for before its archetype can run.
_NEEDS: Mapping[str, frozenset[str]] = {
    "transfer": frozenset({"payer_account", "payee_account", "amount"}),
    "collect": frozenset({"merchant", "order_no", "amount"}),
    "collect_split": frozenset({"merchant", "order_no", "amount"}),
    "fx_store": frozenset({"merchant", "order_no", "amount", "payer_token"}),
    "hold_capture": frozenset({"merchant", "order_no", "amount", "payer_token"}),
    "payout": frozenset({"payer_account", "lines", "total", "count"}),
    "payout_tax": frozenset({"payer_account", "lines", "total", "count"}),
    "wage_account": frozenset({"payer_account", "lines", "total", "count"}),
    "refund": frozenset(),
    "mandate_debit": frozenset({"payer_account", "payee_account", "limit"}),
    "mandate_bulk": frozenset({"payer_account", "payee_account", "limit"}),
    "bill_pay": frozenset({"merchant", "order_no", "amount"}),
    "tax_remit": frozenset({"merchant", "order_no", "amount"}),
    "claim": frozenset({"policy", "amount"}),
    "surrender": frozenset({"policy"}),
}
# Reads of an order that are more than the order itself, by word.
_STEPWISE_READS: Mapping[str, Handler] = {
    "schedule": shelf.schedule,
    "content": file.content,
    "lines": payout.lines,
    "receipts": reading.receipts,
}
# Acts of a policy are orders of their own.
_STEPWISE_ACTS: Mapping[str, Handler] = {"claims": policy.claim_of}
# Acts that change more than the order in the path.
_BY_OPERATION: Mapping[str, Handler] = {
    "metalbond.gold-gifts.redemptions": gifts.take,
    "identity.microdeposit-verifications.create": microdeposit.create,
}
# The outside world is acted here, and every answer says so.
_SAYS_SIMULATED = frozenset(
    {"verify_bio", "notify_plan", "wallet_exchange", "acct_upgrade", "collect"}
)
# Waiting steps that the payer (a token, a confirmation) or a worker starts, not a route.
_WAKES_ITSELF = frozenset(
    {"collect.confirm", "payout.settle", "transfer.in", "hold.release", "notify.send"}
)


def handler(product: Product, operation: ProductOperation) -> Handler | None:
    """What carries the operation out, or None: ``product.not_available``."""
    if operation.product == "platform":
        return _PLATFORM.get(operation.id)
    if product.id in _BY_PRODUCT:
        return _BY_PRODUCT[product.id].get(operation.word)
    if product.archetype in _FOLLOWS:
        return _FOLLOWS[product.archetype].get(operation.word)
    if operation.id in _BY_OPERATION:
        return _BY_OPERATION[operation.id]
    if product.archetype in STEPWISE:
        return _step_by_step(operation) if _steps_run(product) else None
    if product.archetype not in _BY_ARCHETYPE or not _runs(product):
        return None
    return _BY_ARCHETYPE[product.archetype].get(operation.word)


def _step_by_step(operation: ProductOperation) -> Handler | None:
    """A create, an act on the order in the path, a cancellation, or one of the two reads."""
    in_path = "{" in operation.path
    if not operation.writes:
        if operation.word in _STEPWISE_READS:
            return _STEPWISE_READS[operation.word]
        return reading.item if in_path else reading.listed
    if operation.word in _STEPWISE_ACTS:
        return _STEPWISE_ACTS[operation.word]
    if operation.runs == "order.cancel":
        return stepwise.cancel
    if operation.runs == "order.retry":
        return stepwise.retry
    if operation.runs == "order.amend":
        return stepwise.amend
    if operation.runs not in PRIMITIVES:
        return None
    return stepwise.act if in_path else stepwise.create


def _steps_run(product: Product) -> bool:
    """Whether every step is built, and something starts each of those that wait for an event."""
    started = {each.runs for each in product.all_operations} | _WAKES_ITSELF
    return (
        (not product.simulated or product.archetype in _SAYS_SIMULATED)
        and all(step.use in PRIMITIVES for step in product.steps)
        and all(step.use in started for step in product.steps if step.when == "event")
    )


def _runs(product: Product) -> bool:
    """Whether the definition is complete enough to be run, and everything it needs is built."""
    if product.simulated and product.archetype not in _SAYS_SIMULATED:
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
