"""Records and files: what orders left behind, read back by whom it is about."""

import csv
import hashlib
import io
from datetime import date
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError

DRAFTS, RECORDS = "bill.commercial-drafts", "bill.draft-records"


@pytest.fixture
def pool(fresh_pool: Pool) -> Pool:
    """Books of its own: elsewhere a test whose clock ran ahead dates the bank's own accounts."""
    return fresh_pool


async def _file(bank: LittleBank, product: str, subject: str, period: str = "2026-03") -> list[Any]:
    asked = {"subject": subject, "period": period}
    made = await bank.shown(f"{product}.create", asked)
    answer = await bank.call(f"{product}.content", path=made["id"])
    assert isinstance(answer.body, bytes)
    assert hashlib.sha256(answer.body).hexdigest() == made["sha256"]
    return list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))


async def test_drawer_and_holder_both_find_the_draft(bank: LittleBank) -> None:
    drawer, holder, other = await bank.account(), await bank.account(), await bank.account()
    asked = {
        "drawer_account": drawer.id,
        "holder": bank.customer,
        "holder_account": holder.id,
        "amount": cny("90.00"),
        "maturity": "2026-06-01",
    }
    draft = (await bank.shown(f"{DRAFTS}.create", asked))["id"]

    found = [
        [
            each["id"]
            for each in (await bank.shown(f"{RECORDS}.list", query={"subject": who.id}))["items"]
        ]
        for who in (drawer, holder, other)
    ]

    assert found == [[draft], [draft], []]
    assert (await bank.shown(f"{RECORDS}.query", path=draft))["id"] == draft
    sheet = await bank.call(f"{RECORDS}.exports", {"subject": holder.id})
    assert isinstance(sheet.body, bytes) and draft.encode() in sheet.body


async def test_a_record_of_another_kind_is_not_found(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    move = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("1.00")}
    transfer = (await bank.shown("payment.internal-transfers.create", move))["id"]

    with pytest.raises(BanksideError) as refused:
        await bank.call(f"{RECORDS}.query", path=transfer)

    assert refused.value.code == "order.not_found"


async def test_covers_on_sale_are_listed_and_read(bank: LittleBank) -> None:
    listed = await bank.shown("insurance.insurance-products.list", query={"category": "rider"})
    one = await bank.shown("insurance.insurance-products.query", path="RIDER-1")

    assert listed["items"] == [one]
    with pytest.raises(BanksideError):
        await bank.call("insurance.insurance-products.query", path="NOTHING-1")


async def test_entries_have_a_category_and_their_legs(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    move = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("4.00")}
    await bank.call("payment.internal-transfers.create", move)
    asked = {"subject": payer.id}

    sorted_ = await bank.shown("data.categorized-transactions.list", query=asked)
    traced = await bank.shown("data.fund-traces.list", query=asked)

    assert [each["category"] for each in sorted_["items"]] == ["transfers_out", "opening"]
    legs = traced["items"][0]["legs"]
    assert legs[0]["from"] == payer.ledger_account and payee.ledger_account not in str(legs)
    assert legs[0]["amount"] == cny("4.00")


async def test_a_merchant_s_reconciliation_adds_up_to_its_settlement(bank: LittleBank) -> None:
    merchant, payer = await bank.merchant(fee_rate_bp=100), await bank.account("100.00")
    pay = {
        "merchant": merchant.id,
        "order_no": "N1",
        "amount": cny("50.00"),
        "payer_token": await bank.token(payer),
    }
    order = (await bank.shown("merchant.scan-payments.create", pay))["id"]
    back = {"order": order, "refund_no": "R1", "amount": cny("10.00")}
    await bank.call("merchant.merchant-refunds.create", back)
    await bank.orders.end_of_day(date(2026, 3, 2))

    rows = await _file(
        bank, "merchant.merchant-reconciliations", merchant.settlement_account, "2026-03-02"
    )

    total = dict(zip(rows[0], rows[-1], strict=True))
    assert (total["实付 paid"], total["退款 refunded"]) == ("50.00", "10.00")
    assert (total["手续费 fee"], total["已结算 settled"]) == ("0.40", "39.60")
    assert await bank.money(merchant.settlement_ledger_account) == [3_960]


async def test_receipts_vouchers_and_insights_agree_with_the_account(bank: LittleBank) -> None:
    payer, payee = await bank.account("10.00"), await bank.account()
    move = {"payer_account": payer.id, "payee_account": payee.id, "amount": cny("4.00")}
    await bank.call("payment.internal-transfers.create", move)
    receipts = await _file(bank, "account.transaction-receipts", payee.id)
    voucher = await _file(bank, "pension.pension-vouchers", payee.id)
    insights = await _file(bank, "data.business-insights", payee.id)

    assert len(receipts) == 2 and receipts[1][0].startswith(payee.number)
    assert ["缴存合计 contributed", "4.00"] in voucher
    assert insights[1][1:] == ["4.00", "0.00", "1"]


async def test_small_groups_are_not_told(bank: LittleBank) -> None:
    account = await bank.account("10.00")
    segments = await _file(bank, "engage.customer-segments", account.id)
    peers = await _file(bank, "data.industry-benchmarks", account.id)

    assert {row[1] for row in segments[1:]} == {"<5"}
    assert peers[1][0] == "说明 note"


async def test_a_benchmark_of_enough_peers_is_told(bank: LittleBank) -> None:
    accounts = [await bank.account(f"{each}.00") for each in range(1, 7)]

    peers = dict((await _file(bank, "data.industry-benchmarks", accounts[-1].id))[1:])

    assert (peers["同业账户数 peers"], peers["高于同业 above_percent"]) == ("6", "83")
