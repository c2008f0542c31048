"""Proving an access token at a resource: header only, DPoP only, everything checked every time.

Source: RFC 9449 section 7, FAPI 2.0 Security Profile section 5.3.4.
"""

from collections.abc import Sequence

from bankside.identity.assertions import Proof, Target, checked_proof, claim_proof
from bankside.identity.clients import ClientUnknown, active_client
from bankside.identity.errors import ScopeInsufficient, TokenInvalid
from bankside.identity.tokens.model import Access
from bankside.identity.tokens.service import access_of
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

_SCHEME = "dpop "


def bearer_of(authorization: Sequence[str]) -> str:
    """The token of the one Authorization header under the scheme DPoP; or TokenInvalid."""
    if len(authorization) != 1 or not authorization[0].lower().startswith(_SCHEME):
        raise TokenInvalid("send the access token in one Authorization header: DPoP <token>")
    return authorization[0][len(_SCHEME) :].strip()


async def prove_access(
    db: Connection,
    clock: Clock,
    target: Target,
    proofs: Sequence[str],
    *,
    scope: str,
) -> Access:
    """What the caller may reach with ``target.access_token`` and its DPoP header.

    A customer stands behind the result. Raises TokenInvalid, ProofInvalid, ScopeInsufficient.
    """
    assert target.access_token is not None
    proof: Proof = checked_proof(clock, proofs, target)
    access = await access_of(db, clock, target.access_token)
    if access is None:
        raise TokenInvalid("the access token is unknown, expired or revoked")
    if access.jkt != proof.jkt:
        raise TokenInvalid("the access token is bound to another key")
    try:
        await active_client(db, access.client_id)
    except ClientUnknown as blocked:
        raise TokenInvalid("the client is blocked") from blocked
    await claim_proof(db, clock, (access.partner, access.client_id), proof)
    if access.subject is None or scope not in access.scopes:
        raise ScopeInsufficient(f"this resource needs a customer's grant with scope {scope}")
    return access
