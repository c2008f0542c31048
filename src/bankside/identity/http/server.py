"""What the routes need, handed in by `app`; and the checks every authenticated endpoint shares."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
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
from bankside.identity.clients import Client
from bankside.identity.errors import ClientInvalid, OAuthRefused
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.secrets import Vault

AnyRequest = Request[Any, Any, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """The server's dependencies. ``issuer`` is its public address, byte for byte, without a slash
    at the end: what clients compare, what assertions and proofs are made for.
    """

    pool: Pool
    clock: Clock
    vault: Vault
    issuer: str

    def url(self, path: str) -> str:
        """The public address of a path."""
        return self.issuer + path

    def nonce(self) -> str:
        """The DPoP nonce to send along."""
        return fresh_nonce(self.vault, self.clock)

    async def decided(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run ``work`` in one transaction that commits also when it is refused.

        Use cases write before a refusal only what must stay: used-up proofs, a revoked grant.
        """
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
        return await claim_assertion(db, self.clock, assertion)

    async def key_holder_of(
        self,
        db: Connection,
        request: AnyRequest,
        form: Mapping[str, str],
        path: str,
        *,
        needed: bool,
    ) -> tuple[Client, str | None]:
        """The proven client and the thumbprint of its proven key; None when no proof was sent.

        ``path`` is the endpoint's, below the issuer: what the proof must be made for.

        Both are claimed when both are right: a client that is told to repeat with our nonce may
        repeat its assertion too.
        """
        check_one_credential(request)
        assertion = await prove_client(db, self.clock, self.issuer, form)
        proof: Proof | None = None
        headers = request.headers.getall("dpop", [])
        if needed or headers:
            proof = checked_proof(self.clock, headers, Target("POST", self.url(path)))
            check_nonce(self.vault, self.clock, proof.nonce)
        client = await claim_assertion(db, self.clock, assertion)
        if proof is None:
            return client, None
        await claim_proof(db, self.clock, (client.partner, client.id), proof)
        return client, proof.jkt


def check_one_credential(request: AnyRequest) -> None:
    """The assertion is the only credential of a call (OAuth 2.1 section 2.3); or ClientInvalid."""
    if request.headers.getall("authorization", []):
        raise ClientInvalid("a client authenticates with private_key_jwt and nothing beside it")
