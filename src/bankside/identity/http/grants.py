"""Grant management: a client looks at a grant it holds, and gives it back.

The address of a grant is a resource: the client comes with a token of its own under the scope of
the act. Unknown, ended and foreign grants answer alike. Source: OAuth Grant Management draft,
sections 6.3 and 6.4.
"""

from typing import Any

from litestar import Response, delete, get
from litestar.params import FromPath

from bankside.identity import addresses
from bankside.identity.authorisations import Grant, read_grant
from bankside.identity.clients import GRANT_QUERY, GRANT_REVOKE
from bankside.identity.decisions import give_back_grant
from bankside.identity.errors import GrantIdInvalid
from bankside.identity.http.answers import NO_STORE, answer, answered
from bankside.identity.http.server import AnyRequest, AuthorizationServer, Needs
from bankside.identity.revocations import applied_everywhere
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.kernel.ids import is_reference


def grant_routes(server: AuthorizationServer) -> list[Any]:
    """``GET`` and ``DELETE`` of one grant."""
    address = f"{addresses.GRANTS}/{{grant_id:str}}"

    @get(address)
    async def query(request: AnyRequest, grant_id: FromPath[str]) -> Response[Any]:
        async def told() -> Response[Any]:
            needs = Needs(f"{addresses.GRANTS}/{grant_id}", GRANT_QUERY, customer=False)

            async def work(db: Connection) -> Grant:
                access = await server.access_of(db, request, needs)
                found = None
                if is_reference(grant_id):
                    found = await read_grant(db, access.partner, grant_id)
                mine = found is not None and found.client_id == access.client_id
                if found is None or not mine or not found.is_live(server.clock.now()):
                    raise GrantIdInvalid
                return found

            return answer(_shown(await server.decided(work)))

        return await answered(request, told, resource=True)

    @delete(address, status_code=200)
    async def revoke(request: AnyRequest, grant_id: FromPath[str]) -> Response[Any]:
        async def ended() -> Response[Any]:
            needs = Needs(f"{addresses.GRANTS}/{grant_id}", GRANT_REVOKE, customer=False)

            async def work(db: Connection) -> None:
                access, clock = await server.access_of(db, request, needs), server.clock
                if not is_reference(grant_id) or not await give_back_grant(
                    db, clock, access.partner, grant_id, client=access.client_id
                ):
                    raise GrantIdInvalid

            await server.decided(work)
            # No edge answers under the grant any more when the client hears that it is gone.
            await applied_everywhere(server.pool)
            return Response(b"", status_code=204, headers=NO_STORE)

        return await answered(request, ended, resource=True)

    return [query, revoke]


def _shown(grant: Grant) -> dict[str, Any]:
    """The draft's words, and when it ends."""
    shown: dict[str, Any] = {
        "scopes": [{"scope": each} for each in grant.scopes],
        "authorization_details": list(grant.details),
        "created_at": rfc3339(grant.created_at),
        "expires_at": rfc3339(grant.expires_at),
    }
    return shown
