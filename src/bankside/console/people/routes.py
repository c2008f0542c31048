"""The addresses of the staff and partner pages: the same for both, each in its own realm."""

from typing import Any

from litestar import get, post
from litestar.params import FromPath

from bankside.console.entry import (
    AnyRequest,
    AnyResponse,
    Place,
    RealmPages,
    Visit,
    enrolment_routes,
    guarded,
    login_routes,
    security_routes,
    visit,
)
from bankside.console.people import pages as shown
from bankside.identity.realms import Realm


def routes(pages: RealmPages) -> list[Any]:
    """All pages of both realms."""
    return [_of_realm(pages.of(realm)) for realm in (Realm.STAFF, Realm.PARTNER)]


def _of_realm(pages: RealmPages) -> Any:
    base = pages.base

    async def at_home(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), Place(base, base)

    async def at_people(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), Place(f"{base}/people", f"{base}/people")

    @get(base)
    async def landing(request: AnyRequest) -> AnyResponse:
        return await shown.landing(await visit(pages, request))

    @get(f"{base}/access")
    async def access(request: AnyRequest) -> AnyResponse:
        return await shown.access(await visit(pages, request))

    @get(f"{base}/people")
    async def people(request: AnyRequest) -> AnyResponse:
        return await shown.people(await visit(pages, request))

    @post(f"{base}/people/{{person_id:str}}/state", status_code=303)
    async def set_blocked(request: AnyRequest, person_id: FromPath[str]) -> AnyResponse:
        return await shown.set_blocked(await visit(pages, request), person_id)

    @get(f"{base}/people/{{person_id:str}}/state")
    async def again(request: AnyRequest, person_id: FromPath[str]) -> AnyResponse:
        """Where a reload or another language of a refused change leads."""
        return (await visit(pages, request)).sent_to(f"{base}/people")

    return guarded(
        pages,
        [
            *(landing, access, people, set_blocked, again),
            *login_routes(base, at_home),
            *login_routes(f"{base}/people", at_people),
            *security_routes(pages),
            *enrolment_routes(pages),
        ],
    )
