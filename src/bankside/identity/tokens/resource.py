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

_SCHEME, _CERTIFICATE_SCHEME = "dpop ", "bearer "


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
    customer: bool = True,
) -> Access:
    """What the caller may reach with ``target.access_token`` and its DPoP header.

    ``customer``: one stands behind the result; False: the client alone does. Raises
    TokenInvalid, ProofInvalid, ScopeInsufficient.
    """
    assert target.access_token is not None
    proof: Proof = checked_proof(clock, proofs, target)
    access = await access_of(db, clock, target.access_token)
    if access is None:
        raise TokenInvalid("the access token is unknown, expired or revoked")
    if access.jkt != proof.jkt:
        raise TokenInvalid("the access token is bound to another key")
    await claim_proof(db, clock, (access.partner, access.client_id), proof)
    return await _reaching(db, access, scope, customer=customer)


def is_certificate_call(authorization: Sequence[str]) -> bool:
    """Whether the token comes as one that is bound to a certificate (RFC 8705: Bearer)."""
    return len(authorization) == 1 and authorization[0].lower().startswith(_CERTIFICATE_SCHEME)


async def prove_certificate(
    db: Connection,
    clock: Clock,
    authorization: Sequence[str],
    x5t: str | None,
    *,
    scope: str,
    customer: bool = True,
) -> Access:
    """What the caller may reach whose connection proved the certificate with thumbprint ``x5t``.

    ``customer``: one stands behind the result; False: the client alone does. Raises
    TokenInvalid, ScopeInsufficient.
    """
    if not is_certificate_call(authorization):
        raise TokenInvalid("send the access token in one Authorization header")
    token = authorization[0][len(_CERTIFICATE_SCHEME) :].strip()
    access = await access_of(db, clock, token)
    # A token bound to a key has no x5t: sent as Bearer it is refused here, certificate or not.
    if access is None or not x5t or access.x5t != x5t:
        raise TokenInvalid("the access token is not one of this connection's certificate")
    return await _reaching(db, access, scope, customer=customer)


async def _reaching(db: Connection, access: Access, scope: str, *, customer: bool) -> Access:
    """The access, if its client is active and it holds the scope from whom it has to."""
    try:
        await active_client(db, access.client_id)
    except ClientUnknown as blocked:
        raise TokenInvalid("the client is blocked") from blocked
    if (access.subject is not None) != customer or scope not in access.scopes:
        whose = "a customer's grant" if customer else "the client's own token"
        raise ScopeInsufficient(f"this resource needs {whose} with scope {scope}")
    return access
