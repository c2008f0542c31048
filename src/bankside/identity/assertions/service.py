"""Single use of what clients mint: claimed last, when everything else about it was right."""

from datetime import timedelta

from bankside.identity.assertions import store
from bankside.identity.assertions.model import (
    AHEAD_SECONDS_MAX,
    PROOF_AGE_SECONDS_MAX,
    ClientAssertion,
    Proof,
)
from bankside.identity.clients import Client
from bankside.identity.errors import ClientInvalid, ProofInvalid
from bankside.identity.values import digest, slot_at
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection, Write


async def claim_assertion(db: Connection, clock: Clock, assertion: ClientAssertion) -> Client:
    """The proven client; ClientInvalid when the assertion was used before, at any endpoint."""
    client = assertion.client
    fresh = await store.claim(
        db,
        "assertion_jtis",
        (client.partner, client.id),
        digest(assertion.jti),
        slot=slot_at(clock.now()),
        until=assertion.expires_at,
    )
    if not fresh:
        raise ClientInvalid("client_assertion: its jti was used before")
    return client


async def claim_proof(db: Connection, clock: Clock, client: tuple[str, str], proof: Proof) -> None:
    """The proof is used up; ProofInvalid when it was before. ``client`` is (partner, id)."""
    fresh = await store.claim(
        db,
        "proof_jtis",
        client,
        digest(f"{proof.jkt} {proof.jti}"),
        slot=slot_at(clock.now()),
        until=proof.expires_at,
    )
    if not fresh:
        raise ProofInvalid("DPoP: its jti was used before")


def proof_used(clock: Clock, client: tuple[str, str], jti: str) -> Write:
    """The proof of a call at a resource is used up in the commit of what the call does.

    The edge has claimed it before; this claim outlives the edge. ``client`` is (partner, id).
    """
    at = clock.now()
    until = at + timedelta(seconds=PROOF_AGE_SECONDS_MAX + AHEAD_SECONDS_MAX)
    return store.used(client, digest(f"resource {jti}"), slot=slot_at(at), until=until)
