"""The endpoints of the authorization server as Litestar handlers. They read, call and answer."""

from collections.abc import Callable
from typing import Any

from litestar import Response, get, post, route
from litestar.enums import HttpMethod

from bankside.identity.assertions import Target
from bankside.identity.authorisations import LinkUnusable, open_interaction, push_request
from bankside.identity.clients import OPENID
from bankside.identity.errors import RequestInvalid
from bankside.identity.http import discovery
from bankside.identity.http.answers import NO_STORE, answer, answered
from bankside.identity.http.browser import browser_cookie, browser_of, fresh_browser
from bankside.identity.http.forms import parameters_of, read_form
from bankside.identity.http.server import AnyRequest, AuthorizationServer
from bankside.identity.signing_keys import KEYS_CACHE_SECONDS, published_keys
from bankside.identity.tokens import (
    Asker,
    Minter,
    bearer_of,
    introspect,
    issue,
    prove_access,
    revoke,
)
from bankside.kernel.db import Connection, transaction

# Shows a person that the link they followed cannot be used; there is nowhere safe to send them.
RefusedPage = Callable[[AnyRequest, LinkUnusable], Response[Any]]


def routes(server: AuthorizationServer, *, refused_page: RefusedPage) -> list[Any]:
    """All handlers: /.well-known/*, /oauth/* but for the interaction pages."""
    return [
        *_public(server),
        _authorize(server, refused_page),
        *_for_clients(server),
        _userinfo(server),
    ]


def _public(server: AuthorizationServer) -> list[Any]:
    cached = {"cache-control": f"public, max-age={KEYS_CACHE_SECONDS}"}
    document = discovery.metadata(server.issuer)

    @get(["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"])
    async def metadata(request: AnyRequest) -> Response[Any]:
        return answer(document, headers=cached)

    @get(discovery.JWKS)
    async def jwks(request: AnyRequest) -> Response[Any]:
        async def keys() -> Response[Any]:
            async with transaction(server.pool) as db:
                found = await published_keys(db, server.clock, server.vault)
            return answer({"keys": found}, headers=cached)

        return await answered(request, keys)

    return [metadata, jwks]


def _authorize(server: AuthorizationServer, refused_page: RefusedPage) -> Any:
    @get(discovery.AUTHORIZE)
    async def authorize(request: AnyRequest) -> Response[Any]:
        """Only client_id and request_uri are read; everything else was pushed before."""
        browser = browser_of(request, server.issuer) or fresh_browser()

        async def opened() -> Response[Any]:
            try:
                asked = parameters_of(request.scope.get("query_string", b""))
                async with transaction(server.pool) as db:
                    found = await open_interaction(
                        db,
                        server.clock,
                        client_id=asked.get("client_id", ""),
                        request_uri=asked.get("request_uri", ""),
                        browser=browser,
                    )
            except RequestInvalid as invalid:
                return refused_page(request, LinkUnusable(invalid.detail))
            except LinkUnusable as unusable:
                return refused_page(request, unusable)
            return Response(
                b"",
                status_code=303,
                headers={**NO_STORE, "location": f"{discovery.INTERACTIONS}/{found.id}"},
                cookies=[browser_cookie(browser, server.issuer)],
            )

        return await answered(request, opened)

    return authorize


def _for_clients(server: AuthorizationServer) -> list[Any]:
    @post(discovery.PAR)
    async def par(request: AnyRequest) -> Response[Any]:
        async def pushed() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> tuple[str, int]:
                client, jkt = await server.key_holder_of(
                    db, request, form, discovery.PAR, needed=False
                )
                return await push_request(db, server.clock, client, form, proof_jkt=jkt)

            uri, seconds = await server.decided(work)
            return answer({"request_uri": uri, "expires_in": seconds}, status=201)

        return _with_nonce(server, await answered(request, pushed))

    @post(discovery.TOKEN)
    async def token(request: AnyRequest) -> Response[Any]:
        async def issued() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> Any:
                client, jkt = await server.key_holder_of(
                    db, request, form, discovery.TOKEN, needed=True
                )
                assert jkt is not None
                minter, asker = Minter(server.vault, server.issuer), Asker(client=client, jkt=jkt)
                return await issue(db, server.clock, minter, asker, form)

            return answer((await server.decided(work)).body)

        return _with_nonce(server, await answered(request, issued))

    @post(discovery.INTROSPECT)
    async def introspection(request: AnyRequest) -> Response[Any]:
        async def described() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> dict[str, Any]:
                client = await server.client_of(db, request, form)
                value = _token_of(form)
                return await introspect(db, server.clock, server.issuer, client, value)

            return answer(await server.decided(work))

        return await answered(request, described)

    @post(discovery.REVOKE)
    async def revocation(request: AnyRequest) -> Response[Any]:
        async def revoked() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> None:
                client = await server.client_of(db, request, form)
                await revoke(db, server.clock, client, _token_of(form))

            await server.decided(work)
            return answer({})

        return await answered(request, revoked)

    return [par, token, introspection, revocation]


def _userinfo(server: AuthorizationServer) -> Any:
    @route(discovery.USERINFO, http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200)
    async def userinfo(request: AnyRequest) -> Response[Any]:
        async def told() -> Response[Any]:
            headers = request.headers
            presented = bearer_of(headers.getall("authorization", []))
            target = Target(str(request.method), server.url(discovery.USERINFO), presented)
            proofs = headers.getall("dpop", [])

            async def work(db: Connection) -> Any:
                return await prove_access(db, server.clock, target, proofs, scope=OPENID)

            return answer({"sub": (await server.decided(work)).subject})

        return await answered(request, told, resource=True)

    return userinfo


def _token_of(form: Any) -> str:
    value = form.get("token")
    if value is None:
        raise RequestInvalid("token is missing")
    return str(value)


def _with_nonce(server: AuthorizationServer, response: Response[Any]) -> Response[Any]:
    response.headers["dpop-nonce"] = server.nonce()
    return response
