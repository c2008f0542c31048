"""The addresses of the hosted checkout."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from bankside.console.checkout import codes, payment
from bankside.console.checkout.desk import PATH, Checkout, place_of
from bankside.console.entry import (
    AnyRequest,
    AnyResponse,
    Place,
    Visit,
    guarded,
    login_routes,
    visit,
)


def routes(checkout: Checkout) -> Any:
    """All checkout pages; a refusal on them is a page."""
    pages, base = checkout.pages, f"{PATH}/{{key:str}}"

    async def arrive(request: AnyRequest) -> tuple[Visit, Place]:
        here, key = await visit(pages, request), request.path_params["key"]
        return here, place_of(here, key, await checkout.payments.page(key))

    @get(base)
    async def shown(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await payment.payment_page(checkout, await visit(pages, request), key)

    @post(base, status_code=303)
    async def paid(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await payment.pay(checkout, await visit(pages, request), key)

    @get(f"{base}/cancel")
    async def cancel_form(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await payment.cancel_page(checkout, await visit(pages, request), key)

    @post(f"{base}/cancel", status_code=303)
    async def cancelled(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await payment.cancel(checkout, await visit(pages, request), key)

    @get(f"{base}/return")
    async def back(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await payment.go_back(checkout, await visit(pages, request), key)

    @get(f"{base}/code")
    async def code(request: AnyRequest, key: FromPath[str]) -> AnyResponse:
        return await codes.code_page(checkout, await visit(pages, request), key)

    @get(f"{base}/code.svg")
    async def image(key: FromPath[str]) -> AnyResponse:
        return await codes.code_image(checkout, key)

    handlers = [shown, paid, cancel_form, cancelled, back, code, image]
    return guarded(pages, [*handlers, *login_routes(base, arrive)])
