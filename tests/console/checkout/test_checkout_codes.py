"""The code for phones: a page for the shop's screen that brings itself up to date, no script."""

import re
from datetime import timedelta

import segno
from tests.console.checkout.shop import Shop, path
from tests.console.customer_world import links_of

from bankside.console.checkout.codes import REFRESH_SECONDS, code_svg


async def test_the_code_leads_to_the_orders_page(shop: Shop) -> None:
    order = await shop.order()
    browser = shop.browser()

    page = await browser.get(order["code_url"])
    image = await browser.get(f"{path(order)}/code.svg")

    assert order["qr_code"] == order["pay_url"]
    assert f'src="{path(order)}/code.svg"' in page.text
    assert "CNY 38.50" in page.text
    assert "<script" not in page.text
    assert image.headers["content-type"] == "image/svg+xml"
    assert image.content == code_svg(order["pay_url"])
    assert len(image.content) + len(page.content) < 20_000


def test_the_image_is_the_code_of_the_address_with_its_quiet_zone() -> None:
    address = "https://bank.example/pay/" + "k" * 43
    drawn = code_svg(address).decode()
    size = re.search(r'viewBox="0 0 ([0-9]+) \1"', drawn)

    code = segno.make(address, error="m", micro=False, boost_error=False)

    assert size is not None
    assert int(size[1]) == code.symbol_size(border=4)[0]
    assert "#fff" in drawn


async def test_the_shops_page_looks_again_until_the_order_is_paid(shop: Shop) -> None:
    order = await shop.order()
    browser, person = shop.browser(), shop.person(await shop.customer("100.00"))
    await person.be_logged_in()

    waiting = await browser.get(f"{path(order)}/code")
    page = await person.get(path(order))
    await person.submit(page, "approve", account=person.customer.accounts[0].id)
    paid = await browser.get(f"{path(order)}/code")

    assert waiting.headers["refresh"] == str(REFRESH_SECONDS)
    assert "refresh" not in paid.headers
    assert "This order is paid." in paid.text
    assert "code.svg" not in paid.text


async def test_a_reader_can_stop_the_page_from_looking(shop: Shop) -> None:
    order = await shop.order()
    browser = shop.browser()

    waiting = await browser.get(f"{path(order)}/code")
    stop = next(each for each in links_of(waiting) if each.endswith("?live=no"))
    still = await browser.get(stop)

    assert "refresh" not in still.headers
    assert f"{path(order)}/code" in links_of(still)


async def test_an_order_that_is_over_shows_no_code(shop: Shop) -> None:
    order = await shop.order(expires_in_seconds=60)
    shop.bank.clock.advance(timedelta(seconds=60))

    page = await shop.browser().get(f"{path(order)}/code")

    assert "The time to pay is over" in page.text
    assert "code.svg" not in page.text
    assert "refresh" not in page.headers
