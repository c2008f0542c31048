"""What the routes need, handed in by `app`; and the checks every authenticated endpoint shares."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Any, TypeVar

from litestar import Request

from bankside.identity.assertions import (
    Proof,
    Target,
    check_nonce,
    checked_proof,
    claim_assertion,
    claim_proof,
    fresh_nonce,
    prove_client,
)
from bankside.identity.certificates import presented_thumbprint
from bankside.identity.clients import Client, KeysDue, fetch_keys
from bankside.identity.errors import (
    ClientInvalid,
    ClientThrottled,
    OAuthRefused,
    ProofInvalid,
    RequestInvalid,
)
from bankside.identity.signing_keys import Minter
from bankside.identity.tokens import (
    Access,
    bearer_of,
    is_certificate_call,
    prove_access,
    prove_certificate,
)
from bankside.identity.values import Binding
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.egress import Egress
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.secrets import Vault

# Calls a second of one client in one web process, and how many at once. A call costs some 10 ms of
# processor and connection, so one client alone never keeps the others out.
CLIENT_RATE, CLIENT_BURST = 50, 200

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Needs:
    """What a resource of this server asks of a token: for its ``path``, with which scope, and from
    a customer or (``customer`` False) of the client itself.
    """

    path: str
    scope: str
    customer: bool


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """The server's dependencies. ``issuer`` is its public address, byte for byte, without a slash
    at the end: what clients compare, what assertions and proofs are made for. ``mtls_url`` is where
    clients present certificates ("": nowhere); it may be the issuer's own address.
    """

    pool: Pool
    clock: Clock
    vault: Vault
    issuer: str
    mtls_url: str = ""
    egress: Egress = field(default_factory=Egress)
    pace: LocalLimits = field(default_factory=LocalLimits)

    def url(self, path: str) -> str:
        """The public address of a path."""
        return self.issuer + path

    @property
    def minter(self) -> Minter:
        """Who signs as this server."""
        return Minter(self.vault, self.issuer)

    def nonce(self) -> str:
        """The DPoP nonce to send along."""
        return fresh_nonce(self.vault, self.clock)

    async def decided(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction that commits also when it is refused.

        Use cases write before a refusal only what must stay: used-up proofs, a revoked grant.
        When a client's key set by URL is due it is fetched, outside the transaction, and ``work``
        begins again.
        """
        try:
            return await self._once(work)
        except KeysDue as due:
            await fetch_keys(self.pool, self.clock, self.egress.get, due.client)
            return await self._once(work)

    async def _once(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        refused: OAuthRefused | None = None
        async with transaction(self.pool) as db:
            try:
                result = await work(db)
            except OAuthRefused as error:
                refused = error
        if refused is not None:
            raise refused
        return result

    async def client_of(
        self, db: Connection, request: AnyRequest, form: Mapping[str, str]
    ) -> Client:
        """The proven client of a call that needs no key."""
        check_one_credential(request)
        assertion = await prove_client(db, self.clock, self.issuer, form)
        self._in_pace(assertion.client)
        return await claim_assertion(db, self.clock, assertion)

    async def key_holder_of(
        self,
        db: Connection,
        request: AnyRequest,
        form: Mapping[str, str],
        path: str,
        *,
        needed: bool,
    ) -> tuple[Client, Binding | None]:
        """The proven client and what its tokens are bound to; None when nothing was proven.

        ``path`` is the endpoint's, below the issuer: what a DPoP proof must be made for. The
        client's record says whether it proves a key or a certificate; nothing else is taken.
        Assertion and proof are claimed when both are right: a client that is told to repeat with
        our nonce may repeat its assertion too.
        """
        check_one_credential(request)
        assertion = await prove_client(db, self.clock, self.issuer, form)
        self._in_pace(assertion.client)
        headers = request.headers.getall("dpop", [])
        if assertion.client.sender_constraint == "mtls":
            binding = _certificate(request, headers, needed=needed)
            return await claim_assertion(db, self.clock, assertion), binding
        proof: Proof | None = None
        if needed or headers:
            proof = checked_proof(self.clock, headers, Target("POST", self.url(path)))
            check_nonce(self.vault, self.clock, proof.nonce)
        client = await claim_assertion(db, self.clock, assertion)
        if proof is None:
            return client, None
        await claim_proof(db, self.clock, (client.partner, client.id), proof)
        return client, Binding(jkt=proof.jkt)

    def _in_pace(self, client: Client) -> None:
        """The proven client takes one of its calls; only proven ones count. Or ClientThrottled."""
        wait = self.pace.take(client.id, monotonic(), rate=CLIENT_RATE, burst=CLIENT_BURST)
        if wait:
            raise ClientThrottled(retry_after=ceil(wait))

    async def access_of(self, db: Connection, request: AnyRequest, needs: Needs) -> Access:
        """What the caller of a resource of ours proved to reach: by key or by certificate.

        Raises TokenInvalid, ProofInvalid, ScopeInsufficient.
        """
        sent, scope = request.headers.getall("authorization", []), needs.scope
        if is_certificate_call(sent):
            x5t = presented_thumbprint(request.scope)
            return await prove_certificate(
                db, self.clock, sent, x5t, scope=scope, customer=needs.customer
            )
        target = Target(str(request.method), self.url(needs.path), bearer_of(sent))
        proofs = request.headers.getall("dpop", [])
        return await prove_access(
            db, self.clock, target, proofs, scope=scope, customer=needs.customer
        )


def _certificate(request: AnyRequest, proofs: Sequence[str], *, needed: bool) -> Binding | None:
    """The certificate of the connection, for a client that is registered for certificates."""
    if proofs:
        raise ProofInvalid("this client's tokens are bound to its certificate: send no DPoP proof")
    x5t = presented_thumbprint(request.scope)
    if x5t is None and needed:
        raise RequestInvalid("this client's tokens are bound to a TLS certificate: present it")
    return Binding(x5t=x5t) if x5t else None


def check_one_credential(request: AnyRequest) -> None:
    """The assertion is the only credential of a call (OAuth 2.1 section 2.3); or ClientInvalid."""
    if request.headers.getall("authorization", []):
        raise ClientInvalid("a client authenticates with private_key_jwt and nothing beside it")
