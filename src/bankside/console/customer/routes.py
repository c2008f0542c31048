"""The addresses of the customer pages."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from bankside.console.customer import approvals, dashboard, interactions
from bankside.console.customer.places import approvals as waiting
from bankside.console.customer.places import before, my_pages
from bankside.console.entry import (
    AnyRequest,
    AnyResponse,
    Place,
    RealmPages,
    Visit,
    guarded,
    login_routes,
    security_routes,
    visit,
)
from bankside.identity.http import INTERACTIONS


def routes(pages: RealmPages) -> Any:
    """All customer pages."""
    handlers = [
        *_before_decisions(pages),
        *_my_pages(pages),
        *_approvals(pages),
        *security_routes(pages),
    ]
    return guarded(pages, handlers)


def _before_decisions(pages: RealmPages) -> list[Any]:
    base = f"{INTERACTIONS}/{{interaction_id:str}}"

    async def arrive(request: AnyRequest) -> tuple[Visit, Place]:
        here = await visit(pages, request)
        found = await interactions.found_at(here, request.path_params["interaction_id"])
        return here, before(found)

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

    return [asked, decided, again, *login_routes(base, arrive)]


def _approvals(pages: RealmPages) -> list[Any]:
    async def arrive(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), waiting()

    @get("/my/approvals")
    async def listed(request: AnyRequest) -> AnyResponse:
        return await approvals.approvals_page(await visit(pages, request))

    @get("/my/approvals/{approval_id:str}")
    async def asked(request: AnyRequest, approval_id: FromPath[str]) -> AnyResponse:
        return await approvals.approval_page(await visit(pages, request), approval_id)

    @post("/my/approvals/{approval_id:str}/decision", status_code=303)
    async def decided(request: AnyRequest, approval_id: FromPath[str]) -> AnyResponse:
        return await approvals.decide(await visit(pages, request), approval_id)

    @get("/my/approvals/{approval_id:str}/decision")
    async def again(request: AnyRequest, approval_id: FromPath[str]) -> AnyResponse:
        """Where a reload or another language of a faulty form leads."""
        return (await visit(pages, request)).sent_to(waiting(approval_id).base)

    return [listed, asked, decided, again, *login_routes("/my/approvals", arrive)]


def _my_pages(pages: RealmPages) -> list[Any]:
    async def arrive(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), my_pages()

    @get("/my")
    async def home(request: AnyRequest) -> AnyResponse:
        return (await visit(pages, request)).sent_to(my_pages().home)

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

    return [home, active, ended, revoke_form, revoke, *login_routes("/my", arrive)]
