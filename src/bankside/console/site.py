"""The web process as an ASGI application: start page, shelf, health, metrics, OpenAPI document.

Always true: what a page says runs is what the router answers (both ask the same ``runnable``);
an unknown address is a page for people and a problem for programs, never a stack trace.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import structlog
from litestar import Litestar, MediaType, Request, Response, get
from litestar.datastructures import CacheControlHeader, State
from litestar.exceptions import HTTPException, InternalServerException, NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.static_files import create_static_files_router

from bankside.catalog import Catalogue, Runnable
from bankside.console import health, solutions
from bankside.console.pacing import Pacing
from bankside.console.pages import SECURITY_HEADERS, Look, page, theme_css
from bankside.console.shelf import ShelfPages
from bankside.console.stock import Describe, Stock
from bankside.console.texts import text
from bankside.kernel.clock import Clock
from bankside.kernel.db import Pool
from bankside.kernel.errors import BanksideError, NotFound, problem
from bankside.kernel.ids import new_id

_STATIC = Path(__file__).parent / "static"
QUERY_MAX = 80
_CODES = {404: "not_found", 429: "limit.rate_exceeded"}

_log = structlog.get_logger("web")

AnyRequest = Request[Any, Any, Any]


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need: all of it handed in by `app`."""

    catalogue: Catalogue
    runnable: Runnable
    pool: Pool
    clock: Clock
    first_call: str
    demo_file: str
    openapi: Describe
    exposition: Callable[[], bytes]
    # Handlers of other rooms that live on the same address: the authorization server's.
    routes: Sequence[Any] = ()
    # How fast one source may knock; None: as fast as it likes.
    pacing: Pacing | None = None


def build(site: Site) -> Litestar:
    """The application that serves ``site``."""
    stock = Stock(site.pool, site.catalogue, site.runnable, site.openapi)
    return Litestar(
        middleware=[site.pacing.guard] if site.pacing else [],
        route_handlers=[
            *_pages(site, stock),
            *solutions.routes(site.catalogue, site.runnable),
            *_probes(site, stock),
            *site.routes,
            create_static_files_router(
                "/static",
                directories=[_STATIC],
                # A new version must not meet the old style sheet; the ETag keeps this cheap.
                cache_control=CacheControlHeader(no_cache=True),
                # A NUL or a name that is too long: no file can be called so.
                exception_handlers={ValueError: _no_file, InternalServerException: _no_file},
            ),
        ],
        exception_handlers={
            HTTPException: _refused,
            BanksideError: _told,
            Exception: _broken,
        },
        openapi_config=None,
        state=State({"clock": site.clock}),
    )


def _pages(site: Site, stock: Stock) -> list[Any]:
    async def shelf_for(request: AnyRequest) -> ShelfPages:
        return ShelfPages(await stock.now(), Look(request).lang)

    @get("/")
    async def home(request: AnyRequest) -> Response[str]:
        shown = await shelf_for(request)
        return page(
            request,
            "home.html",
            figures=shown.figures(),
            categories=shown.categories(),
            processes=await health.processes(site.pool),
            first_call=site.first_call,
            demo_file=site.demo_file,
            query="",
        )

    @get("/shelf")
    async def search(request: AnyRequest, q: FromQuery[str] = "") -> Response[str]:
        shown, query = await shelf_for(request), q.strip()[:QUERY_MAX]
        if not query:
            return Response("", status_code=303, headers={"location": "/#shelf"})
        found = shown.found(query)
        heading = text(shown.lang, "shelf.found", count=len(found), query=query)
        return page(request, "shelf.html", heading=heading, products=found, query=query)

    @get("/shelf/{category:str}")
    async def category_page(request: AnyRequest, category: FromPath[str]) -> Response[str]:
        shown = await shelf_for(request)
        found = shown.goods.catalogue.categories.get(category)
        if found is None:
            raise NotFoundException
        heading = getattr(found.name, shown.lang)
        products = shown.of_category(category)
        return page(request, "shelf.html", heading=heading, products=products, query="")

    @get("/products/{product_id:str}")
    async def product_page(request: AnyRequest, product_id: FromPath[str]) -> Response[str]:
        shown = await shelf_for(request)
        card = shown.goods.card(product_id)
        if card is None:
            raise NotFoundException
        return page(request, "product.html", product=shown.product(card))

    @get("/static/theme.css", media_type="text/css", sync_to_thread=False)
    def theme() -> str:
        return theme_css()

    return [home, search, category_page, product_page, theme]


def _probes(site: Site, stock: Stock) -> list[Any]:
    @get("/healthz", media_type=MediaType.TEXT, sync_to_thread=False)
    def healthz() -> str:
        return "ok\n"

    @get("/readyz", media_type=MediaType.TEXT)
    async def readyz() -> Response[str]:
        states = await health.processes(site.pool)
        ready = all(state.state == "up" for state in states if state.process == "database")
        return Response("ready\n" if ready else "database\n", status_code=200 if ready else 503)

    @get("/metrics", sync_to_thread=False)
    def metrics() -> Response[bytes]:
        return Response(site.exposition(), media_type="text/plain; version=0.0.4")

    @get("/openapi.json")
    async def openapi() -> Response[bytes]:
        headers = dict(SECURITY_HEADERS)
        return Response(await stock.document(), media_type="application/json", headers=headers)

    return [healthz, readyz, metrics, openapi]


def link_refused(request: AnyRequest, refused: BanksideError) -> Response[Any]:
    """The page for a sign-in link that cannot be used: there is nowhere safe to send its reader."""
    request_id = new_id("request", _clock_of(request))
    _log.info("link_refused", request_id=request_id, path=request.url.path, why=refused.detail)
    return page(request, "link.html", status=refused.status, request_id=request_id)


def _refused(request: AnyRequest, error: HTTPException) -> Response[Any]:
    """An unknown or misused address: a page for a browser, RFC 9457 for a program."""
    request_id = new_id("request", _clock_of(request))
    template = {404: "error.html", 429: "throttled.html"}.get(error.status_code)
    if template and "text/html" in request.headers.get("accept", ""):
        answer = page(request, template, status=error.status_code, request_id=request_id)
        answer.headers.update(error.headers or {})
        return answer
    missing = NotFound("there is nothing at this address")
    body = problem(missing, request_id=request_id) | {
        "status": error.status_code,
        "code": _CODES.get(error.status_code, "request.invalid"),
        "title": error.detail,
        "detail": error.detail,
    }
    return _problem(body, error.headers)


def _no_file(request: AnyRequest, _error: Exception) -> Response[Any]:
    return _refused(request, NotFoundException())


def _told(request: AnyRequest, error: BanksideError) -> Response[Any]:
    """A refusal that no page tells in its own words."""
    if isinstance(error, NotFound):
        return _refused(request, NotFoundException())
    return _problem(problem(error, request_id=new_id("request", _clock_of(request))))


def _broken(request: AnyRequest, error: Exception) -> Response[Any]:
    """A bug of ours: logged with its id, told without detail."""
    request_id = new_id("request", _clock_of(request))
    # The template of the address: the address itself may hold an enrolment link.
    path = request.scope.get("path_template", "")
    _log.error("page failed", request_id=request_id, path=path, exc_info=error)
    return _problem(
        {"type": "urn:bankside:problem:internal", "title": "Internal error", "status": 500}
        | {"code": "internal", "request_id": request_id}
    )


def _problem(body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Response[bytes]:
    return Response(
        msgspec.json.encode(body),
        status_code=int(body["status"]),
        media_type="application/problem+json",
        headers={**SECURITY_HEADERS, **(headers or {})},
    )


def _clock_of(request: AnyRequest) -> Clock:
    return request.app.state.clock  # type: ignore[no-any-return]
