"""The addresses of login, security page and enrolment, and what a refusal looks like on a page."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import structlog
from litestar import Request, Router, get, post
from litestar.params import FromPath

from bankside.console.entry import enrolment, login, security
from bankside.console.entry.places import Place
from bankside.console.entry.visits import (
    FORM_BYTES_MAX,
    AnyRequest,
    AnyResponse,
    RealmPages,
    Visit,
    visit,
)
from bankside.console.texts import has_text
from bankside.identity.realms import Realm
from bankside.kernel.db import DATABASE_TROUBLE
from bankside.kernel.errors import BanksideError, Unavailable

# Who comes, and where: read from the request's address.
Arrive = Callable[[AnyRequest], Awaitable[tuple[Visit, Place]]]

_log = structlog.get_logger("pages")


def guarded(pages: RealmPages, handlers: Sequence[Any]) -> Any:
    """The handlers of a realm; every refusal on them is a page, never a stack trace."""

    def refused(request: Request[Any, Any, Any], error: Exception) -> AnyResponse:
        assert isinstance(error, BanksideError)
        return refused_page(pages, request, error)

    def troubled(request: Request[Any, Any, Any], error: Exception) -> AnyResponse:
        _log.warning("database trouble", kind=type(error).__name__)
        return refused_page(pages, request, Unavailable(retry_after=5))

    trouble = (*DATABASE_TROUBLE, TimeoutError)
    return Router(
        path="/",
        route_handlers=list(handlers),
        exception_handlers={BanksideError: refused, **dict.fromkeys(trouble, troubled)},
        request_max_body_size=FORM_BYTES_MAX,
    )


def refused_page(pages: RealmPages, request: AnyRequest, error: BanksideError) -> AnyResponse:
    """What went wrong and what to do, in plain words."""
    key = f"customer.refused.{error.code}"
    other = "customer" if pages.realm is Realm.CUSTOMER else "people"
    answer = Visit(pages, request, None).shown(
        "entry_refused.html",
        status=error.status,
        reason=key if has_text("en", key) else f"{other}.refused.other",
    )
    if error.retry_after:
        answer.headers["retry-after"] = str(error.retry_after)
    return answer


def login_routes(base: str, arrive: Arrive) -> list[Any]:
    """Login, second factor and passkey below ``base``."""

    @get(f"{base}/login")
    async def form(request: AnyRequest) -> AnyResponse:
        return login.login_page(*await arrive(request))

    @post(f"{base}/login", status_code=200)
    async def log_in(request: AnyRequest) -> AnyResponse:
        return await login.log_in(*await arrive(request))

    @get(f"{base}/second-factor")
    async def code_form(request: AnyRequest) -> AnyResponse:
        return login.code_page(*await arrive(request))

    @post(f"{base}/second-factor", status_code=200)
    async def code(request: AnyRequest) -> AnyResponse:
        return await login.prove(*await arrive(request))

    @post(f"{base}/passkey/options", status_code=200)
    async def options(request: AnyRequest) -> AnyResponse:
        return await login.passkey_options(*await arrive(request))

    @post(f"{base}/passkey", status_code=200)
    async def passkey(request: AnyRequest) -> AnyResponse:
        return await login.prove_by_passkey(*await arrive(request))

    @get(f"{base}/passkey")
    async def again(request: AnyRequest) -> AnyResponse:
        """Where a reload or another language of a refused passkey leads."""
        here, place = await arrive(request)
        return here.sent_to(place.login)

    return [form, log_in, code_form, code, options, passkey, again]


def security_routes(pages: RealmPages) -> list[Any]:
    """The realm's security page, its step-up, and leaving."""
    base = f"{pages.base}/security"

    async def step_up(request: AnyRequest) -> tuple[Visit, Place]:
        return await visit(pages, request), security.security(pages)

    @get(base)
    async def page(request: AnyRequest) -> AnyResponse:
        return await security.security_page(await visit(pages, request))

    @post(f"{base}/sessions/{{session_id:str}}/end", status_code=303)
    async def end_device(request: AnyRequest, session_id: FromPath[str]) -> AnyResponse:
        return await security.end_device(await visit(pages, request), session_id)

    @post(f"{base}/end-others", status_code=303)
    async def end_others(request: AnyRequest) -> AnyResponse:
        return await security.end_others(await visit(pages, request))

    @post(f"{base}/passkeys/options", status_code=200)
    async def options(request: AnyRequest) -> AnyResponse:
        return await security.new_passkey_options(await visit(pages, request))

    @post(f"{base}/passkeys", status_code=303)
    async def add_passkey(request: AnyRequest) -> AnyResponse:
        return await security.add_passkey(await visit(pages, request))

    @get(f"{base}/passkeys")
    async def again(request: AnyRequest) -> AnyResponse:
        """Where a reload or another language of a faulty form leads."""
        return (await visit(pages, request)).sent_to(base)

    @post(f"{base}/passkeys/{{passkey_id:str}}/remove", status_code=303)
    async def drop_passkey(request: AnyRequest, passkey_id: FromPath[str]) -> AnyResponse:
        return await security.drop_passkey(await visit(pages, request), passkey_id)

    @post(f"{pages.base}/logout", status_code=303)
    async def leave(request: AnyRequest) -> AnyResponse:
        return await security.leave(await visit(pages, request))

    return [
        *(page, end_device, end_others, options, add_passkey, again, drop_passkey, leave),
        *login_routes(base, step_up),
    ]


def enrolment_routes(pages: RealmPages) -> list[Any]:
    """The page behind an enrolment link of the realm."""
    address = f"{pages.base}/enrol/{{link:str}}"

    @get(address)
    async def page(request: AnyRequest, link: FromPath[str]) -> AnyResponse:
        return await enrolment.enrolment_page(await visit(pages, request), link)

    @post(address, status_code=200)
    async def set_up(request: AnyRequest, link: FromPath[str]) -> AnyResponse:
        return await enrolment.set_up(await visit(pages, request), link)

    return [page, set_up]
