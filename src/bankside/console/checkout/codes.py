"""The code that a payer's phone scans: a page for the shop's screen, and the code as an image.

The page brings itself up to date by the Refresh field of HTTP, without script, until the order is
paid or over; a reader may stop that (WCAG 2.2, 2.2.1). Source: ISO/IEC 18004 (QR code).
"""

from io import BytesIO

import segno
from litestar import Response

from bankside.console.checkout.desk import Checkout, payee, place_of
from bankside.console.customer.showing import shown_money
from bankside.console.entry import AnyResponse, Visit
from bankside.console.pages import SECURITY_HEADERS
from bankside.console.showing import shown_time
from bankside.orders import PageState

# A shop sees a payment this soon after it was made; one order is looked at 12 times a minute.
REFRESH_SECONDS = 5
# Modules of white around the code, and a level that survives a scratched screen (15 % lost).
_QUIET, _LEVEL = 4, "m"


async def code_page(checkout: Checkout, visit: Visit, key: str) -> AnyResponse:
    """The code while the order can be paid, then how it ended. Raises PaymentPageUnknown."""
    page = await checkout.payments.page(key)
    is_open = page.state is PageState.OPEN
    live = is_open and visit.request.query_params.get("live") != "no"
    answer = visit.shown(
        "checkout_code.html",
        place=place_of(visit, key, page),
        payee=payee(visit, page),
        amount=shown_money(page.amount),
        order_no=page.order.reference,
        subject=page.order.input.get("subject"),
        until=shown_time(page.until),
        state=page.state.value,
        live=live,
        seconds=REFRESH_SECONDS,
    )
    if live:
        answer.headers["refresh"] = str(REFRESH_SECONDS)
    return answer


async def code_image(checkout: Checkout, key: str) -> AnyResponse:
    """The code of a page's address, black on white in every colour scheme."""
    page = await checkout.payments.page(key)
    return Response(
        code_svg(page.address), media_type="image/svg+xml", headers=dict(SECURITY_HEADERS)
    )


def code_svg(address: str) -> bytes:
    """A QR code as an SVG image of whatever size the page gives it."""
    out = BytesIO()
    segno.make(address, error=_LEVEL, micro=False, boost_error=False).save(
        out, kind="svg", border=_QUIET, light="#fff", omitsize=True, xmldecl=False
    )
    return out.getvalue()
