"""What the order runtime takes and answers is what the published schemas say."""

import secrets
from collections.abc import AsyncIterator, Mapping
from functools import cache
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.orders.little_bank import LittleBank, cny

from bankside import catalog
from bankside.bank.ledger import Books
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.errors import Invalid
from bankside.orders import Orders


@pytest.fixture
async def bank(pool: Pool, clock: FixedClock) -> AsyncIterator[LittleBank]:
    """A partner's empty data space, and the runtime on it."""
    async with Books(pool, clock) as books:
        orders = Orders(pool, books, clock, catalog.load())
        yield LittleBank(pool, books, clock, orders, f"prt_{secrets.token_hex(8)}")


@cache
def document() -> dict[str, Any]:
    return catalog.openapi(catalog.load(), lambda product, operation: True)


def described(operation_id: str) -> dict[str, Any]:
    operation = catalog.load().operations[operation_id]
    found: dict[str, Any] = document()["paths"][operation.path][operation.method.lower()]
    return found


def faults(schema: Mapping[str, Any], value: object) -> list[str]:
    whole = {**schema, "components": document()["components"]}
    validator = Draft202012Validator(whole, format_checker=FormatChecker(formats=["date"]))
    return [error.message for error in validator.iter_errors(value)]


async def kept(
    bank: LittleBank, operation_id: str, body: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Call, and hold request and answer against the document; the JSON answered."""
    node = described(operation_id)
    if body is not None:
        asked = node["requestBody"]["content"]["application/json"]["schema"]
        assert faults(asked, body) == [], operation_id
    answer = await bank.call(operation_id, body, **more)
    response = node["responses"][str(answer.status)]
    (content_type,) = response["content"]
    assert answer.content_type.startswith(content_type), operation_id
    if isinstance(answer.body, bytes):
        return {}
    assert faults(response["content"][content_type]["schema"], answer.body) == [], operation_id
    return dict(answer.body)


def one_cny() -> dict[str, Any]:
    return {"amount": cny("1.00")}


@pytest.mark.parametrize("product", ["scan-payments", "collection-codes", "checkout-payments"])
async def test_payments_keep_their_schema(bank: LittleBank, product: str) -> None:
    payer, merchant = await bank.account("100.00"), await bank.merchant()
    base = f"merchant.{product}"
    body = {"merchant": merchant.id, "order_no": "T1", "amount": cny("10.00"), "subject": "书"}
    paying = body | {"payer_token": await bank.token(payer)}

    paid = await kept(bank, f"{base}.create", paying)
    await kept(bank, f"{base}.query", path=paid["id"])
    page = await kept(bank, f"{base}.list", query={"order_no": "T1"})
    refunded = await kept(bank, f"{base}.refunds", one_cny() | {"refund_no": "R1"}, path=paid["id"])
    by_number = one_cny() | {"order_no": "T1", "refund_no": "R2"}
    second = await kept(bank, "merchant.merchant-refunds.create", by_number)
    await kept(bank, "merchant.merchant-refunds.query", path=second["id"])
    refunds = await kept(
        bank, "merchant.merchant-refunds.list", query={"order_no": "T1", "refund_no": "R1"}
    )
    await kept(bank, "platform.order-lookups.query", query={"order_no": "T1"})
    cancelled = await kept(bank, "platform.order-cancellations.create", {"order_no": "T1"})

    assert [each["id"] for each in page["items"]] == [paid["id"]]
    assert [each["id"] for each in refunds["items"]] == [refunded["id"]]
    assert cancelled["action"] == "refund"


async def test_a_waiting_payment_keeps_its_schema_until_it_is_paid_or_closed(
    bank: LittleBank,
) -> None:
    payer, merchant = await bank.account("100.00"), await bank.merchant()
    body = {"merchant": merchant.id, "amount": cny("10.00")}

    waiting = await kept(bank, "merchant.collection-codes.create", body | {"order_no": "T1"})
    confirmation = {"qr_code": waiting["qr_code"], "payer_token": await bank.token(payer)}
    await kept(bank, "platform.payer-confirmations.create", confirmation)
    other = await kept(bank, "merchant.checkout-payments.create", body | {"order_no": "T2"})
    await kept(
        bank, "merchant.checkout-payments.closures", {"reason": "sold out"}, path=other["id"]
    )
    await kept(bank, "merchant.checkout-payments.create", body | {"order_no": "T3"})
    await kept(bank, "platform.order-closures.create", {"order_no": "T3"})


async def test_split_orders_keep_their_schema(bank: LittleBank) -> None:
    payer, merchant = await bank.account("100.00"), await bank.merchant()
    rider = await bank.receiver(merchant)
    body = {
        "merchant": merchant.id,
        "order_no": "S1",
        "amount": cny("50.00"),
        "payer_token": await bank.token(payer),
        "receivers": [{"account": rider.id, "name": "rider"}],
    }

    order = await kept(bank, "merchant.split-orders.create", body)
    share = {"account": rider.id, "amount": cny("5.00"), "remark": "delivery"}
    splits = {"split_no": "P1", "receivers": [share]}
    await kept(bank, "merchant.split-orders.splits", splits, path=order["id"])
    returned = {"return_no": "B1", "account": rider.id, "amount": cny("1.00")}
    await kept(bank, "merchant.split-orders.returns", returned, path=order["id"])
    await kept(bank, "merchant.split-orders.finishes", {}, path=order["id"])
    await kept(bank, "merchant.split-orders.query", path=order["id"])


@pytest.mark.parametrize("product", ["preauthorizations", "escrow-payments"])
async def test_holds_keep_their_schema(bank: LittleBank, product: str) -> None:
    payer, merchant = await bank.account("100.00"), await bank.merchant()
    base = f"merchant.{product}"
    body = {"merchant": merchant.id, "amount": cny("50.00")}
    token = {"payer_token": await bank.token(payer)}

    held = await kept(bank, f"{base}.create", body | token | {"order_no": "H1"})
    capture = {"capture_no": "C1", "amount": cny("20.00")}
    await kept(bank, f"{base}.captures", capture, path=held["id"])
    await kept(bank, f"{base}.query", path=held["id"])
    other = await kept(bank, f"{base}.create", body | token | {"order_no": "H2"})
    await kept(bank, f"{base}.closures", {}, path=other["id"])


async def test_transfers_and_statuses_keep_their_schema(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    body = {
        "payer_account": payer.id,
        "payee_account": payee.id,
        "amount": cny("2.00"),
        "end_to_end_id": "E1",
    }

    done = await kept(bank, "payment.internal-transfers.create", body)
    await kept(bank, "payment.internal-transfers.query", path=done["id"])
    await kept(bank, "payment.internal-transfers.list", query={"end_to_end_id": "E1"})
    await kept(bank, "payment.payment-statuses.query", path=done["id"])
    await kept(bank, "payment.payment-statuses.list")
    await kept(bank, "payment.payment-statuses.exports", {})


async def test_bulk_transfers_keep_their_schema(bank: LittleBank) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    body = {
        "payer_account": payer.id,
        "lines": [{"line_no": 1, "payee_account": payee.id, "amount": cny("2.00")}],
        "total": cny("2.00"),
        "count": 1,
        "batch_no": "B1",
    }

    batch = await kept(bank, "payment.bulk-transfers.create", body)
    await kept(bank, "payment.bulk-transfers.query", path=batch["id"])
    await kept(bank, "payment.bulk-transfers.lines", path=batch["id"])


async def test_account_reads_keep_their_schema(bank: LittleBank) -> None:
    account = await bank.account("100.00")
    subject = {"subject": account.id}

    await kept(bank, "account.account-balances.query", path=account.id)
    await kept(bank, "account.account-balances.list", query=subject)
    await kept(bank, "account.account-balances.exports", subject)
    page = await kept(bank, "account.account-transactions.list", query=subject)
    await kept(bank, "account.account-transactions.query", path=page["items"][0]["id"])
    await kept(bank, "account.account-transactions.exports", subject)
    statement = subject | {"period": "2026-03"}
    ordered = await kept(bank, "account.account-statements.create", statement)
    await kept(bank, "account.account-statements.query", path=ordered["id"])
    await kept(bank, "account.account-statements.content", path=ordered["id"])


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"amount": "1.00"}},
        {"amount": "1.00"},
        {"amount": {"amount": "1e3", "currency": "CNY"}},
        {"amount": {"amount": "-1.00", "currency": "CNY"}},
        {"payee_account": "no account!"},
        {"payee_account": 7},
        {"remark": "x" * 257},
        {"remark": 7},
        {"surprise": True},
        {"end_to_end_id": "x" * 65},
        {"payer_account": None},
    ],
)
async def test_what_the_schema_refuses_the_runtime_refuses(
    bank: LittleBank, change: dict[str, Any]
) -> None:
    payer, payee = await bank.account("100.00"), await bank.account()
    good = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}
    operation_id = "payment.internal-transfers.create"
    asked = described(operation_id)["requestBody"]["content"]["application/json"]["schema"]

    assert faults(asked, good) == []
    assert faults(asked, good | change) != []
    with pytest.raises(Invalid):
        await bank.call(operation_id, good | change)
    assert await bank.balance(payer) == "100.00"
