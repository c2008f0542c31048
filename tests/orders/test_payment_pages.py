"""Hosted payment pages: one order an address, paid once, until the second its time is over."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.orders.little_bank import LittleBank, cny

from bankside.bank.accounts import (
    AccountFrozen,
    AccountLocked,
    Opening,
    ProductClass,
    freeze,
    open_account,
)
from bankside.kernel.call import Callback
from bankside.kernel.db import transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import PartnerId
from bankside.orders import Orders, Paying
from bankside.orders.errors import (
    AccountUnknown,
    FundsInsufficient,
    LimitPerTransaction,
    NumberReused,
    OrderAlreadyPaid,
    OrderClosed,
    OrderNotFound,
)
from bankside.orders.errors_pages import (
    PaymentPageUnknown,
    PaymentTermsChanged,
    ReturnAddressForeign,
    ReturnAddressRefused,
)
from bankside.partners import add_return_address

DESK = "payment.payment-desks.create"
CODE = "merchant.collection-codes.create"
CHECKOUT = "merchant.checkout-payments.create"
CONFIRM = "platform.payer-confirmations.create"
Shown = dict[str, Any]


async def desk(bank: LittleBank, **more: Any) -> Shown:
    """A payment desk over 38.50 of a new merchant."""
    merchant = await bank.merchant()
    body = {"merchant": merchant.id, "order_no": "D1", "amount": cny("38.50")}
    return await bank.shown(DESK, body | more)


def key_of(order: Shown) -> str:
    return str(order["pay_url"]).rpartition("/")[2]


async def yes(bank: LittleBank, order: Shown, account: str, **more: Any) -> Paying:
    """The bank's one customer agrees to what the order's page shows."""
    page = await bank.orders.payment_pages.page(key_of(order))
    assert bank.customer is not None
    said = Paying(
        customer=bank.customer, account=account, terms=page.terms, amr=("pwd", "otp", "mfa")
    )
    return replace(said, **more)


async def test_a_desk_has_a_page_that_nobody_can_guess(bank: LittleBank) -> None:
    order = await desk(bank)

    page = await bank.orders.payment_pages.page(key_of(order))

    assert order["status"] == "waiting"
    assert order["pay_url"].startswith("http://127.0.0.1:8000/pay/")
    assert len(key_of(order)) == 43
    assert order["qr_code"] == order["pay_url"]
    assert order["code_url"] == order["pay_url"] + "/code"
    assert (page.state, str(page.amount), page.payee_zh) == ("open", "38.50", "海棠小馆")
    assert page.order.id == order["id"]
    for wrong in ("", "x", "A" * 43, key_of(order)[:-1], order["id"], "é" * 43):
        with pytest.raises(PaymentPageUnknown):
            await bank.orders.payment_pages.page(wrong)


@pytest.mark.parametrize("product", [DESK, CODE, CHECKOUT])
async def test_whoever_logs_in_pays_from_an_account_of_their_own(
    bank: LittleBank, product: str
) -> None:
    merchant, payer = await bank.merchant(), await bank.account("100.00")
    body = {"merchant": merchant.id, "order_no": "D1", "amount": cny("38.50")}
    order = await bank.shown(product, body)
    pages = bank.orders.payment_pages

    await pages.pay(key_of(order), await yes(bank, order, payer.id))

    page = await pages.page(key_of(order))
    shown = await bank.shown(product.replace(".create", ".query"), path=order["id"])
    assert (page.state, page.payer, page.account) == ("paid", bank.customer, payer.id)
    assert (await pages.payer_account(page)) == payer
    assert (shown["status"], shown["paid"], shown["qr_code"]) == ("paid", cny("38.50"), None)
    assert shown["pay_url"] == order["pay_url"]
    assert "agreed" not in str(shown)
    assert await bank.balance(payer) == "61.50"
    assert await bank.balance(merchant.pending_ledger_account) == "38.50"


async def test_an_order_that_was_paid_with_a_code_has_no_page(bank: LittleBank) -> None:
    payer = await bank.account("100.00")

    order = await desk(bank, payer_token=await bank.token(payer))

    assert (order["status"], order["pay_url"], order["code_url"]) == ("paid", None, None)


async def test_twenty_clicks_at_once_over_two_processes_pay_once(bank: LittleBank) -> None:
    order, payer = await desk(bank), await bank.account("1000.00")
    other = Orders(bank.pool, bank.books, bank.clock, bank.orders._catalogue)
    said = await yes(bank, order, payer.id)

    outcomes = await asyncio.gather(
        *((bank.orders, other)[n % 2].payment_pages.pay(key_of(order), said) for n in range(20)),
        return_exceptions=True,
    )

    assert outcomes.count(None) == 1
    assert all(each is None or isinstance(each, OrderAlreadyPaid) for each in outcomes), outcomes
    assert await bank.balance(payer) == "961.50"


async def test_the_page_and_a_scanned_code_never_both_pay(bank: LittleBank) -> None:
    order, payer = await desk(bank), await bank.account("1000.00")
    token = await bank.token(payer)
    said = await yes(bank, order, payer.id)

    outcomes = await asyncio.gather(
        bank.orders.payment_pages.pay(key_of(order), said),
        bank.call(CONFIRM, {"qr_code": order["qr_code"], "payer_token": token}),
        bank.orders.payment_pages.pay(key_of(order), said),
        return_exceptions=True,
    )

    assert sum(not isinstance(each, BaseException) for each in outcomes) == 1, outcomes
    assert await bank.balance(payer) == "961.50"


async def test_the_last_second_pays_and_the_next_is_too_late(bank: LittleBank) -> None:
    pages, payer = bank.orders.payment_pages, await bank.account("100.00")
    merchant = await bank.merchant()
    body = {"merchant": merchant.id, "amount": cny("10.00"), "expires_in_seconds": 60}
    first = await bank.shown(DESK, body | {"order_no": "D1"})
    second = await bank.shown(DESK, body | {"order_no": "D2"})

    bank.clock.advance(timedelta(seconds=59, microseconds=999_999))
    assert (await pages.page(key_of(first))).state == "open"
    await pages.pay(key_of(first), await yes(bank, first, payer.id))
    bank.clock.advance(timedelta(microseconds=1))

    assert (await pages.page(key_of(second))).state == "expired"
    with pytest.raises(OrderClosed):
        await pages.pay(key_of(second), await yes(bank, second, payer.id))
    await pages.give_up(key_of(second))
    await bank.orders.expire()
    assert (await pages.page(key_of(second))).state == "expired"
    assert (await pages.page(key_of(first))).state == "paid"
    assert await bank.balance(payer) == "90.00"


async def test_who_gives_up_closes_the_order_and_a_paid_one_stays(bank: LittleBank) -> None:
    pages, payer = bank.orders.payment_pages, await bank.account("100.00")
    order = await desk(bank)

    await pages.give_up(key_of(order))
    await pages.give_up(key_of(order))

    assert (await pages.page(key_of(order))).state == "closed"
    with pytest.raises(OrderClosed):
        await pages.pay(key_of(order), await yes(bank, order, payer.id))
    paid = await bank.shown(
        DESK,
        {"merchant": order["merchant"], "order_no": "D2", "amount": cny("1.00")},
    )
    await pages.pay(key_of(paid), await yes(bank, paid, payer.id))
    await pages.give_up(key_of(paid))
    assert (await pages.page(key_of(paid))).state == "paid"


async def test_nothing_is_paid_but_what_was_shown_from_an_account_of_ones_own(
    bank: LittleBank,
) -> None:
    pages, order = bank.orders.payment_pages, await desk(bank)
    rich, poor = await bank.account("100.00"), await bank.account("38.49")
    dollars, frozen = await bank.account("90.00", "USD"), await bank.account("90.00")
    async with transaction(bank.pool) as db:
        await freeze(db, bank.partner, frozen.id, reason="test")
    stranger = LittleBank(bank.pool, bank.books, bank.clock, bank.orders, "prt_stranger")
    theirs = await stranger.account("100.00")
    page = await pages.page(key_of(order))
    payee = page.order.roles["merchant"]
    own = next(each.id for each in bank.accounts if each.ledger_account == payee)

    cases: list[tuple[Paying, type[BanksideError]]] = [
        (await yes(bank, order, rich.id, terms=b"other"), PaymentTermsChanged),
        (await yes(bank, order, theirs.id), AccountUnknown),
        (await yes(bank, order, "nothing"), AccountUnknown),
        (await yes(bank, order, dollars.id), AccountUnknown),
        (await yes(bank, order, own), AccountUnknown),
        (await yes(bank, order, frozen.id), AccountFrozen),
        (await yes(bank, order, poor.id), FundsInsufficient),
    ]
    for said, refused in cases:
        with pytest.raises(refused):
            await pages.pay(key_of(order), said)

    assert (await pages.page(key_of(order))).state == "open"
    assert {each.id for each in await pages.accounts(page, str(bank.customer))} == {
        rich.id,
        poor.id,
    }
    await pages.pay(key_of(order), await yes(bank, order, rich.id))
    assert await bank.balance(rich) == "61.50"
    assert await bank.balance(poor) == "38.49"


async def test_limits_hold_at_the_page_too(bank: LittleBank) -> None:
    payer = await bank.account("90000.00")
    order = await desk(bank, amount=cny("50000.01"))

    with pytest.raises(LimitPerTransaction):
        await bank.orders.payment_pages.pay(key_of(order), await yes(bank, order, payer.id))

    assert await bank.balance(payer) == "90000.00"


async def test_the_way_back_is_the_partners_own_and_nothing_a_browser_says(
    bank: LittleBank,
) -> None:
    await bank.registered()
    order = await desk(bank, return_url="https://shop.example/back?cart=7")

    page = await bank.orders.payment_pages.page(key_of(order))

    assert page.return_to == Callback("native", "https://shop.example/back?cart=7")
    for wrong in (
        "http://shop.example/",
        "javascript:alert(1)",
        "https://user@shop.example/",
        "https://shop.example/#x",
        "//shop.example",
        "https://",
        "https://shop.example\\@evil.example/",
        "https://a b/",
    ):
        with pytest.raises(ReturnAddressRefused) as refused:
            await desk(bank, order_no="D9", return_url=wrong)
        assert refused.value.errors[0]["pointer"] == "/return_url"
    assert (await desk(bank, order_no="D3", return_url="http://127.0.0.1:9/x"))["pay_url"]


async def test_payers_are_sent_back_to_what_is_registered_for_the_app_alone(
    bank: LittleBank,
) -> None:
    await bank.registered()
    first = await desk(bank, return_url="https://elsewhere.example/")
    async with transaction(bank.pool) as db:
        of = PartnerId(bank.partner)
        for address in ("https://shop.example/back", "http://127.0.0.1/"):
            await add_return_address(db, bank.clock, of, bank.caller().app, address)

    for number, own in enumerate(("https://shop.example/back/7?a=b", "http://127.0.0.1:9/x")):
        assert (await desk(bank, order_no=f"R{number}", return_url=own))["pay_url"]
    for foreign in ("https://elsewhere.example/", "https://shop.example/backwards"):
        with pytest.raises(ReturnAddressForeign) as refused:
            await desk(bank, order_no="R9", return_url=foreign)
        assert refused.value.errors[0]["pointer"] == "/return_url"
    kept = await bank.orders.payment_pages.page(key_of(first))
    assert kept.return_to == Callback("native", "https://elsewhere.example/")
    assert (await desk(bank, order_no="R9"))["pay_url"], "nothing was ordered under the number"


async def test_a_repeat_has_the_same_page_and_another_order_under_the_number_is_refused(
    bank: LittleBank,
) -> None:
    first = await desk(bank)
    body = {"merchant": first["merchant"], "order_no": "D1", "amount": cny("38.50")}

    again = await bank.shown(DESK, body)

    assert again["pay_url"] == first["pay_url"]
    with pytest.raises(NumberReused):
        await bank.shown(DESK, body | {"amount": cny("38.51")})


async def test_a_desk_of_another_partner_is_unknown(bank: LittleBank) -> None:
    order = await desk(bank)
    stranger = LittleBank(bank.pool, bank.books, bank.clock, bank.orders, "prt_elsewhere")
    payer = await stranger.account("100.00")

    for operation in ("query", "closures"):
        with pytest.raises(OrderNotFound):
            await stranger.shown(f"payment.payment-desks.{operation}", path=order["id"])
    with pytest.raises(OrderNotFound):
        await stranger.shown(
            CONFIRM, {"qr_code": order["qr_code"], "payer_token": await stranger.token(payer)}
        )
    assert (await bank.orders.payment_pages.page(key_of(order))).state == "open"


async def test_a_page_offers_no_pension_account_and_takes_none(bank: LittleBank) -> None:
    order = await desk(bank)
    assert bank.customer is not None
    asked = Opening(customer=bank.customer, product_class=ProductClass.PENSION, currency="CNY")
    async with transaction(bank.pool) as db:
        pension = await open_account(db, bank.clock, bank.partner, asked)
    pages = bank.orders.payment_pages
    page = await pages.page(key_of(order))

    offered = await pages.accounts(page, bank.customer)
    with pytest.raises(AccountLocked):
        await pages.pay(key_of(order), await yes(bank, order, pension.id))

    assert pension.id not in {each.id for each in offered}
