"""Accounts are opened, frozen, freed and closed through products; their money stays whole."""

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import AccountTransitionRefused
from bankside.bank.accounts import account as find_account
from bankside.bank.customers import customer as find_customer
from bankside.orders.errors import (
    AccountBlocked,
    FundsInsufficient,
    HolderUnknown,
    SweepTargetMissing,
)
from bankside.orders.errors_papers import VerificationFailed
from bankside.orders.preparations.codes import MAGIC

OPEN = "account.personal-accounts.create"
CONTROL = "account.account-controls.create"
SUB = "account.sub-accounts.create"


async def _papers(bank: LittleBank) -> dict[str, str]:
    await bank.account()
    assert bank.customer is not None
    async with bank.pool.acquire() as db:
        found = await find_customer(db, bank.partner, bank.customer)
    assert found.resident_id is not None
    return {"holder": found.id, "document_no": found.resident_id, "mobile": "13800000000"}


async def test_a_verified_person_opens_an_account_that_can_be_paid_into(bank: LittleBank) -> None:
    papers = await _papers(bank)
    payer = await bank.account("50.00")

    shown = await bank.shown(OPEN, papers)

    opened = shown["result"]["account"]
    assert (shown["state"], opened["status"], opened["class"]) == ("completed", "open", "current")
    assert papers["document_no"] not in str(shown)
    body = {"payer_account": payer.id, "payee_account": opened["id"], "amount": cny("20.00")}
    await bank.call("payment.internal-transfers.create", body)
    assert await bank.balance(opened["id"]) == "20.00"


async def test_somebody_elses_number_opens_nothing(bank: LittleBank) -> None:
    papers = await _papers(bank)

    with pytest.raises(VerificationFailed):
        await bank.call(OPEN, papers | {"document_no": "11010519491231002X"})
    with pytest.raises(HolderUnknown):
        await bank.call(OPEN, papers | {"holder": "cus_nobody"})


async def test_an_account_is_closed_once_its_money_has_somewhere_to_go(bank: LittleBank) -> None:
    papers = await _papers(bank)
    payer = await bank.account("50.00")
    shown = await bank.shown(OPEN, papers)
    opened = shown["result"]["account"]["id"]
    body = {"payer_account": payer.id, "payee_account": opened, "amount": cny("20.00")}
    await bank.call("payment.internal-transfers.create", body)

    with pytest.raises(SweepTargetMissing):
        await bank.call("account.personal-accounts.closures", {}, path=shown["id"])
    closed = await bank.shown(
        "account.personal-accounts.closures", {"sweep_to": payer.id}, path=shown["id"]
    )

    assert closed["result"]["account"]["status"] == "closed"
    assert await bank.balance(payer) == "50.00"
    async with bank.pool.acquire() as db:
        assert (await find_account(db, bank.partner, opened)).status == "closed"
    with pytest.raises(AccountTransitionRefused):
        await bank.call("account.personal-accounts.closures", {}, path=shown["id"])


async def test_a_frozen_account_pays_nothing_until_it_is_freed(bank: LittleBank) -> None:
    account, other = await bank.account("50.00"), await bank.account()
    body = {"payer_account": account.id, "payee_account": other.id, "amount": cny("1.00")}
    frozen = await bank.shown(CONTROL, {"account": account.id, "code": MAGIC})

    assert (frozen["state"], frozen["status"]) == ("waiting", "frozen")
    with pytest.raises(AccountBlocked):
        await bank.call("payment.internal-transfers.create", body)
    freed = await bank.shown("account.account-controls.closures", {}, path=frozen["id"])

    assert (freed["state"], freed["status"]) == ("completed", "open")
    await bank.call("payment.internal-transfers.create", body)
    assert await bank.balance(account) == "49.00"


async def test_a_sub_account_is_opened_with_its_first_money(bank: LittleBank) -> None:
    master = await bank.account("50.00")
    body = {"master_account": master.id, "name": "门店一", "amount": cny("30.00")}

    shown = await bank.shown(SUB, body)

    sub = shown["result"]["account"]
    assert sub["class"] == "sub"
    assert await bank.balance(sub["id"]) == "30.00"
    assert await bank.balance(master) == "20.00"
    closed = await bank.shown(
        "account.sub-accounts.closures", {"sweep_to": master.id}, path=shown["id"]
    )
    assert closed["result"]["account"]["status"] == "closed"
    assert await bank.balance(master) == "50.00"


async def test_a_sub_account_without_cover_is_not_opened(bank: LittleBank) -> None:
    master = await bank.account("1.00")
    body = {"master_account": master.id, "name": "门店一", "amount": cny("30.00")}

    with pytest.raises(FundsInsufficient):
        await bank.call(SUB, body)

    assert await bank.balance(master) == "1.00"
    listed = await bank.shown("account.sub-accounts.list")
    assert [each["status"] for each in listed["items"]] == ["refused"]


async def test_a_wallet_is_topped_up_paid_out_and_closed(bank: LittleBank) -> None:
    papers = await _papers(bank)
    account = await bank.account("100.00")
    wallet = (await bank.shown("wallet.wallets.create", papers | {"code": MAGIC}))["result"][
        "account"
    ]["id"]
    top = {"payer_account": account.id, "payee_account": wallet, "amount": cny("80.00")}
    await bank.call("wallet.wallet-topups.create", top)
    back = {"payer_account": wallet, "payee_account": account.id, "amount": cny("30.00")}
    await bank.call("wallet.wallet-withdrawals.create", back | {"code": MAGIC})
    # 10 basis points would be 0.03: the smallest fee is 0.10.
    assert await bank.balance(wallet) == "49.90"

    body = {"account": wallet, "payee_account": account.id, "code": MAGIC}
    closing = await bank.shown("wallet.wallet-closures.create", body)
    await bank.shown("wallet.wallet-closures.closures", {}, path=closing["id"])

    assert await bank.balance(account) == "99.90"
    async with bank.pool.acquire() as db:
        assert (await find_account(db, bank.partner, wallet)).status == "closed"


async def test_supervised_money_is_held_released_in_parts_and_returned(bank: LittleBank) -> None:
    payer, school = await bank.account("1000.00"), await bank.account()
    body = {"payer_account": payer.id, "payee_account": school.id, "amount": cny("900.00")}
    order = (await bank.shown("treasury.training-funds.create", body))["id"]
    assert await bank.balance(payer) == "100.00"

    shown = await bank.shown(
        "treasury.training-funds.captures", {"amount": cny("300.00")}, path=order
    )
    assert shown["held"] == cny("600.00")
    ended = await bank.shown("treasury.training-funds.cancellations", {}, path=order)

    assert ended["state"] == "compensated"
    received = await bank.money(school.ledger_account)
    assert 0 < received[0] <= 30_000
    assert await bank.balance(payer) == "700.00"


async def test_a_sweep_moves_what_is_above_the_target(bank: LittleBank) -> None:
    branch, head = await bank.account("1000.00"), await bank.account()
    body = {"payer_account": branch.id, "payee_account": head.id, "keep": cny("100.00")}

    shown = await bank.shown("treasury.cash-sweeps.create", body)

    assert shown["amount"] == cny("900.00")
    assert await bank.balance(branch) == "100.00"
    assert await bank.balance(head) == "900.00"
    again = await bank.shown("treasury.cash-sweeps.create", body)
    assert again["amount"] == cny("0.00")
