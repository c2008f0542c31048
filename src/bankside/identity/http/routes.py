"""The endpoints of the authorization server as Litestar handlers. They read, call and answer."""

from collections.abc import Callable
from typing import Any

from litestar import Response, get, post, route
from litestar.enums import HttpMethod

from bankside.identity import addresses
from bankside.identity.authorisations import LinkUnusable, open_interaction, push_request
from bankside.identity.backchannel import ask_approval
from bankside.identity.clients import OPENID
from bankside.identity.errors import RequestInvalid
from bankside.identity.http import discovery
from bankside.identity.http.answers import NO_STORE, answer, answered
from bankside.identity.http.browser import browser_cookie, browser_of, fresh_browser
from bankside.identity.http.forms import parameters_of, read_form
from bankside.identity.http.grants import grant_routes
from bankside.identity.http.server import AnyRequest, AuthorizationServer, Needs
from bankside.identity.messages import (
    INTROSPECTION_TYPE,
    backchannel_request,
    introspection_token,
    unpacked,
)
from bankside.identity.revocations import applied_everywhere
from bankside.identity.signing_keys import KEYS_CACHE_SECONDS, published_keys
from bankside.identity.tokens import (
    Access,
    Asker,
    introspect,
    issue,
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
        *_about_tokens(server),
        _userinfo(server),
        *grant_routes(server),
    ]


def _public(server: AuthorizationServer) -> list[Any]:
    cached = {"cache-control": f"public, max-age={KEYS_CACHE_SECONDS}"}
    document = discovery.metadata(server.issuer, server.mtls_url)

    @get(list(addresses.METADATA))
    async def metadata(request: AnyRequest) -> Response[Any]:
        return answer(document, headers=cached)

    @get(addresses.JWKS)
    async def jwks(request: AnyRequest) -> Response[Any]:
        async def keys() -> Response[Any]:
            async with transaction(server.pool) as db:
                found = await published_keys(db, server.clock, server.vault)
            return answer({"keys": found}, headers=cached)

        return await answered(request, keys)

    return [metadata, jwks]


def _authorize(server: AuthorizationServer, refused_page: RefusedPage) -> Any:
    @get(addresses.AUTHORIZE)
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
                headers={**NO_STORE, "location": f"{addresses.INTERACTIONS}/{found.id}"},
                cookies=[browser_cookie(browser, server.issuer)],
            )

        return await answered(request, opened)

    return authorize


def _for_clients(server: AuthorizationServer) -> list[Any]:
    @post(addresses.PAR)
    async def par(request: AnyRequest) -> Response[Any]:
        async def pushed() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> tuple[str, int]:
                client, binding = await server.key_holder_of(
                    db, request, form, addresses.PAR, needed=False
                )
                jkt = binding.jkt or None if binding else None
                asked = unpacked(form, client, server.issuer, server.clock.now())
                return await push_request(db, server.clock, client, asked, proof_jkt=jkt)

            uri, seconds = await server.decided(work)
            return answer({"request_uri": uri, "expires_in": seconds}, status=201)

        return _with_nonce(server, await answered(request, pushed))

    @post(addresses.TOKEN)
    async def token(request: AnyRequest) -> Response[Any]:
        async def issued() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> Any:
                client, binding = await server.key_holder_of(
                    db, request, form, addresses.TOKEN, needed=True
                )
                assert binding is not None
                asker = Asker(client=client, binding=binding)
                return await issue(db, server.clock, server.minter, asker, form)

            return answer((await server.decided(work)).body)

        return _with_nonce(server, await answered(request, issued))

    @post(addresses.BACKCHANNEL)
    async def backchannel(request: AnyRequest) -> Response[Any]:
        async def asked() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> tuple[str, int, int]:
                client, clock = await server.client_of(db, request, form), server.clock
                said = backchannel_request(form, client, server.issuer, clock.now())
                return await ask_approval(db, clock, client, said)

            value, seconds, interval = await server.decided(work)
            return answer({"auth_req_id": value, "expires_in": seconds, "interval": interval})

        return await answered(request, asked)

    return [par, token, backchannel]


def _about_tokens(server: AuthorizationServer) -> list[Any]:
    @post(addresses.INTROSPECT)
    async def introspection(request: AnyRequest) -> Response[Any]:
        async def described() -> Response[Any]:
            form = await read_form(request)

            signed = f"application/{INTROSPECTION_TYPE}"
            wants_signed = signed in request.headers.get("accept", "").lower()

            async def work(db: Connection) -> dict[str, Any] | str:
                client, clock = await server.client_of(db, request, form), server.clock
                found = await introspect(db, clock, server.issuer, client, _token_of(form))
                if not wants_signed:
                    return found
                return await introspection_token(db, clock, server.minter, client.id, found)

            told = await server.decided(work)
            if isinstance(told, str):
                return Response(told.encode(), media_type=signed, headers=NO_STORE, status_code=200)
            return answer(told)

        return await answered(request, described)

    @post(addresses.REVOKE)
    async def revocation(request: AnyRequest) -> Response[Any]:
        async def revoked() -> Response[Any]:
            form = await read_form(request)

            async def work(db: Connection) -> None:
                client = await server.client_of(db, request, form)
                await revoke(db, server.clock, client, _token_of(form))

            await server.decided(work)
            await applied_everywhere(server.pool)
            return answer({})

        return await answered(request, revoked)

    return [introspection, revocation]


def _userinfo(server: AuthorizationServer) -> Any:
    @route(addresses.USERINFO, http_method=[HttpMethod.GET, HttpMethod.POST], status_code=200)
    async def userinfo(request: AnyRequest) -> Response[Any]:
        async def told() -> Response[Any]:
            async def work(db: Connection) -> Access:
                needs = Needs(addresses.USERINFO, OPENID, customer=True)
                return await server.access_of(db, request, needs)

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
