"""A payment at the hosted page is recorded like a call of its app, whatever it ended in."""

import asyncio
from collections import Counter

from tests.console.checkout.shop import DESK, Shop, path
from tests.console.checkout.test_checkout_without_script import ready, said
from tests.console.customer_world import forms_of

PRODUCT = DESK.rpartition(".")[0]


async def test_a_payment_leaves_one_record_of_its_app_on_disk_before_its_payer_hears_of_it(
    shop: Shop,
) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)

    answer = await person.submit(page, "approve", account=person.customer.accounts[0].id)
    (record,) = shop.records()

    assert answer.status_code == 303
    assert (record.partner, record.app, record.order) == (
        shop.bank.partner, shop.bank.caller().app, order["id"],
    )  # fmt: skip
    assert (record.wire, record.operation) == ("page", f"{PRODUCT}.page-payments")
    assert (record.product, record.version, record.psu) == (PRODUCT, 1, person.customer.id)
    assert (record.outcome, record.status, record.code) == ("ok", 200, "")
    assert (record.environment, record.risk_tier) == ("sandbox", "R2")
    assert "38.50" not in repr(record)
    assert person.customer.accounts[0].id not in repr(record)


async def test_a_refused_attempt_is_recorded_with_its_code(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order, "5.00")

    await person.submit(page, "approve", account=person.customer.accounts[0].id)
    (record,) = shop.records()

    assert (record.outcome, record.status, record.code) == (
        "refused", 409, "payment.funds_insufficient",
    )  # fmt: skip


async def test_of_twenty_clicks_one_is_recorded_as_a_payment(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order, "1000.00")
    form = forms_of(page)[0]
    data = {**form.fields, "account": person.customer.accounts[0].id, "decision": "approve"}
    other = shop.browser(1)
    other.cookies.update(person.browser.cookies)

    await asyncio.gather(
        *((person.browser, other)[n % 2].post(form.action, data=data) for n in range(20))
    )

    outcomes = Counter(each.outcome for each in shop.records())
    assert outcomes["ok"] == 1
    assert outcomes["unknown"] == outcomes["failed"] == 0
    assert len({each.request_id for each in shop.records()}) == outcomes.total()


async def test_who_looks_or_gives_up_leaves_no_record(shop: Shop) -> None:
    order = await shop.order()
    person, _ = await ready(shop, order)

    await person.submit(await person.get(f"{path(order)}/cancel"))

    assert shop.records() == []


async def test_nothing_is_paid_that_could_not_be_recorded(shop: Shop) -> None:
    order = await shop.order()
    person, page = await ready(shop, order)
    for writer in shop.writers:
        writer.failing = True

    answer = await person.submit(page, "approve", account=person.customer.accounts[0].id)

    assert answer.status_code == 503
    assert "Paid" not in said(answer)
    assert await shop.bank.balance(person.customer.accounts[0]) == "100.00"
    assert shop.records() == []
