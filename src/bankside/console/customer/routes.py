"""The addresses of the customer pages, and what a refusal looks like on them."""

from typing import Any

import structlog
from litestar import Request, Router, get, post
from litestar.params import FromPath

from bankside.console.customer import dashboard, interactions
from bankside.console.customer.login import code_page, log_in, login_page, prove
from bankside.console.customer.places import before, my_pages
from bankside.console.customer.visits import (
    FORM_BYTES_MAX,
    AnyRequest,
    AnyResponse,
    CustomerPages,
    Visit,
    visit,
)
from bankside.console.texts import has_text
from bankside.identity.http import INTERACTIONS
from bankside.kernel.db import DATABASE_TROUBLE
from bankside.kernel.errors import BanksideError, Unavailable

_log = structlog.get_logger("customer")


def routes(pages: CustomerPages) -> Any:
    """All customer pages; every refusal on them is a page, never a stack trace."""

    def refused(request: Request[Any, Any, Any], error: Exception) -> AnyResponse:
        assert isinstance(error, BanksideError)
        return refused_page(pages, request, error)

    def troubled(request: Request[Any, Any, Any], error: Exception) -> AnyResponse:
        _log.warning("database trouble", kind=type(error).__name__)
        return refused_page(pages, request, Unavailable(retry_after=5))

    trouble = (*DATABASE_TROUBLE, TimeoutError)
    return Router(
        path="/",
        route_handlers=[*_before_decisions(pages), *_my_pages(pages)],
        exception_handlers={BanksideError: refused, **dict.fromkeys(trouble, troubled)},
        request_max_body_size=FORM_BYTES_MAX,
    )


def refused_page(pages: CustomerPages, request: AnyRequest, error: BanksideError) -> AnyResponse:
    """What went wrong and what to do, in plain words."""
    key = f"customer.refused.{error.code}"
    answer = Visit(pages, request, None).shown(
        "customer_refused.html",
        status=error.status,
        reason=key if has_text("en", key) else "customer.refused.other",
    )
    if error.retry_after:
        answer.headers["retry-after"] = str(error.retry_after)
    return answer


def _before_decisions(pages: CustomerPages) -> list[Any]:
    base = f"{INTERACTIONS}/{{interaction_id:str}}"

    @get(base)
    async def asked(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        return await interactions.interaction_page(await visit(pages, request), interaction_id)

    @post(f"{base}/decision", status_code=303)
    async def decided(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        return await interactions.decide(await visit(pages, request), interaction_id)

    @get(f"{base}/decision")
    async def again(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        """Where a reload or another language of a faulty form leads."""
        return (await visit(pages, request)).sent_to(f"{INTERACTIONS}/{interaction_id}")

    @get(f"{base}/login")
    async def form(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        here = await visit(pages, request)
        return login_page(here, before(await interactions.found_at(here, interaction_id)))

    @post(f"{base}/login", status_code=200)
    async def login(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        here = await visit(pages, request)
        return await log_in(here, before(await interactions.found_at(here, interaction_id)))

    @get(f"{base}/second-factor")
    async def code_form(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        here = await visit(pages, request)
        return code_page(here, before(await interactions.found_at(here, interaction_id)))

    @post(f"{base}/second-factor", status_code=200)
    async def code(request: AnyRequest, interaction_id: FromPath[str]) -> AnyResponse:
        here = await visit(pages, request)
        return await prove(here, before(await interactions.found_at(here, interaction_id)))

    return [asked, decided, again, form, login, code_form, code]


def _my_pages(pages: CustomerPages) -> list[Any]:
    @get("/my")
    async def home(request: AnyRequest) -> AnyResponse:
        return (await visit(pages, request)).sent_to(my_pages().home)

    @get("/my/login")
    async def form(request: AnyRequest) -> AnyResponse:
        return login_page(await visit(pages, request), my_pages())

    @post("/my/login", status_code=200)
    async def login(request: AnyRequest) -> AnyResponse:
        return await log_in(await visit(pages, request), my_pages())

    @get("/my/second-factor")
    async def code_form(request: AnyRequest) -> AnyResponse:
        return code_page(await visit(pages, request), my_pages())

    @post("/my/second-factor", status_code=200)
    async def code(request: AnyRequest) -> AnyResponse:
        return await prove(await visit(pages, request), my_pages())

    @get("/my/consents")
    async def active(request: AnyRequest) -> AnyResponse:
        return await dashboard.consents_page(await visit(pages, request), active=True)

    @get("/my/consents/ended")
    async def ended(request: AnyRequest) -> AnyResponse:
        return await dashboard.consents_page(await visit(pages, request), active=False)

    @get("/my/consents/{consent_id:str}/revoke")
    async def revoke_form(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
        return await dashboard.revoke_page(await visit(pages, request), consent_id)

    @post("/my/consents/{consent_id:str}/revoke", status_code=303)
    async def revoke(request: AnyRequest, consent_id: FromPath[str]) -> AnyResponse:
        return await dashboard.revoke(await visit(pages, request), consent_id)

    @get("/my/devices")
    async def devices(request: AnyRequest) -> AnyResponse:
        return await dashboard.devices_page(await visit(pages, request))

    @post("/my/devices/{session_id:str}/end", status_code=303)
    async def end_device(request: AnyRequest, session_id: FromPath[str]) -> AnyResponse:
        return await dashboard.end_device(await visit(pages, request), session_id)

    @post("/my/logout", status_code=303)
    async def leave(request: AnyRequest) -> AnyResponse:
        return await dashboard.leave(await visit(pages, request))

    return [
        *(home, form, login, code_form, code, active, ended),
        *(revoke_form, revoke, devices, end_device, leave),
    ]
