"""The token endpoint's grants, and what becomes of tokens afterwards.

Reads and checks come first, the redemption next, inserts last: a refused call has burnt no code.
Refusals are raised; the endpoint commits what was written before them (a reused code's revocation).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bankside.identity import authorisations, backchannel, signing_keys
from bankside.identity.authorisations import Code, Detail, Grant
from bankside.identity.clients import OFFLINE_ACCESS, OPENID, Client
from bankside.identity.errors import (
    DetailsInvalid,
    GrantInvalid,
    GrantTypeUnsupported,
    RequestInvalid,
)
from bankside.identity.signing_keys import Minter
from bankside.identity.tokens import store
from bankside.identity.tokens.model import (
    ACCESS_SECONDS,
    GRANT_TYPES,
    ID_TOKEN_SECONDS,
    Access,
    Issued,
)
from bankside.identity.values import (
    ACCESS_TOKEN,
    CODE,
    REFRESH_TOKEN,
    Binding,
    Place,
    mint,
    place_of,
)
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for a token: a proven client, and what it proved that the token is bound to."""

    client: Client
    binding: Binding

    @property
    def key(self) -> tuple[str, str]:
        """(partner, client id), the owner in the keys of the tables."""
        return self.client.partner, self.client.id


async def issue(db: Connection, clock: Clock, minter: Minter, asker: Asker, form: Form) -> Issued:
    """Tokens for what the form presents. Raises GrantInvalid and its siblings."""
    match form.get("grant_type"):
        case "authorization_code":
            return await _by_code(db, clock, minter, asker, form)
        case "refresh_token":
            return await _by_refresh(db, clock, asker, form)
        case "client_credentials":
            return await _by_client(db, clock, asker, form)
        case backchannel.GRANT_TYPE:
            return await _by_backchannel(db, clock, minter, asker, form)
        case None:
            raise RequestInvalid("grant_type is missing")
    raise GrantTypeUnsupported(f"grant_type is one of {', '.join(GRANT_TYPES)}")


async def _by_code(
    db: Connection, clock: Clock, minter: Minter, asker: Asker, form: Form
) -> Issued:
    place = place_of(CODE, _required(form, "code"))
    code = await authorisations.find_code(db, asker.key, place) if place else None
    if code is None or place is None:
        raise GrantInvalid("the code is unknown")
    await _check_unused(db, clock, asker, code)
    if form.get("redirect_uri") != code.redirect_uri:
        raise GrantInvalid("redirect_uri is not that of the request")
    if not authorisations.proves(_required(form, "code_verifier"), code.code_challenge):
        raise GrantInvalid("code_verifier does not belong to the code_challenge")
    if code.dpop_jkt not in {None, asker.binding.jkt}:
        raise GrantInvalid("the code is bound to another DPoP key")
    grant = await _live_grant(db, clock, asker, code.grant_id)
    details = _narrowed(form, grant.details)
    if not await authorisations.use_code(db, asker.key, place, clock.now()):
        # It was good a moment ago: another call redeemed it meanwhile, or its time ran out.
        again = await authorisations.find_code(db, asker.key, place)
        await _check_unused(db, clock, asker, again or code)
        raise GrantInvalid("the code has expired")
    return await _first(db, clock, minter, asker, (grant, details, code.nonce))


async def _by_backchannel(
    db: Connection, clock: Clock, minter: Minter, asker: Asker, form: Form
) -> Issued:
    """What the customer answered elsewhere (OpenID CIBA Core section 10.1)."""
    auth_req_id = _required(form, "auth_req_id")
    grant_id = await backchannel.redeem(db, clock, asker.key, auth_req_id)
    grant = await _live_grant(db, clock, asker, grant_id)
    return await _first(db, clock, minter, asker, (grant, grant.details, None))


async def _first(
    db: Connection,
    clock: Clock,
    minter: Minter,
    asker: Asker,
    of: tuple[Grant, Sequence[Detail], str | None],
) -> Issued:
    """The first tokens of a grant; ``of`` is the grant, its details for now, and the nonce."""
    grant, details, nonce = of
    body = await _bear(db, clock, asker, grant.scopes, details, grant)
    if OFFLINE_ACCESS in grant.scopes:
        body["refresh_token"], kept = mint(REFRESH_TOKEN, clock.now())
        until = grant.expires_at
        await store.insert_refresh(db, asker.key, kept, grant.id, at=clock.now(), until=until)
    if OPENID in grant.scopes:
        claims = _id_claims(minter.issuer, grant, nonce, clock.now())
        body["id_token"] = await signing_keys.sign(db, clock, minter.vault, claims)
    return Issued(body=body)


async def _check_unused(db: Connection, clock: Clock, asker: Asker, code: Code) -> None:
    """A code that comes twice may be stolen: its grant ends (RFC 9700 section 4.5)."""
    if code.used_at is not None:
        await authorisations.revoke_grant(db, clock, asker.client.partner, code.grant_id)
        raise GrantInvalid("the code was used before; everything it gave is revoked")
    if code.expires_at <= clock.now():
        raise GrantInvalid("the code has expired")


async def _by_refresh(db: Connection, clock: Clock, asker: Asker, form: Form) -> Issued:
    """No rotation (FAPI 2.0): the token stays, bound to its client; the key may be a new one."""
    place = place_of(REFRESH_TOKEN, _required(form, "refresh_token"))
    held = await store.hold_refresh(db, asker.key, place, clock.now()) if place else None
    if held is None:
        raise GrantInvalid("the refresh token is unknown, revoked or expired")
    grant = await _live_grant(db, clock, asker, held[0])
    asked = authorisations.asked_scopes(form.get("scope", ""), frozenset(grant.scopes))
    details = _narrowed(form, grant.details)
    return Issued(body=await _bear(db, clock, asker, asked or grant.scopes, details, grant))


async def _by_client(db: Connection, clock: Clock, asker: Asker, form: Form) -> Issued:
    """A token of the client itself: no customer stands behind it."""
    if "authorization_details" in form:
        raise DetailsInvalid("only a customer can grant authorization_details")
    allowed = asker.client.scopes - {OPENID, OFFLINE_ACCESS}
    scopes = authorisations.asked_scopes(form.get("scope", ""), allowed)
    body = await _bear(db, clock, asker, scopes or tuple(sorted(allowed)), (), None)
    return Issued(body=body)


async def _live_grant(db: Connection, clock: Clock, asker: Asker, grant_id: str) -> Grant:
    grant = await authorisations.read_grant(db, asker.client.partner, grant_id)
    if grant is None or not grant.is_live(clock.now()):
        raise GrantInvalid("what was granted has ended")
    return grant


def _narrowed(form: Form, granted: Sequence[Detail]) -> tuple[Detail, ...]:
    """What was granted, or the part of it that the form names (RFC 9396 section 6)."""
    text = form.get("authorization_details")
    if text is None:
        return tuple(granted)
    asked = authorisations.parsed_details(text)
    return authorisations.narrowed(asked, granted)


async def _bear(
    db: Connection,
    clock: Clock,
    asker: Asker,
    scopes: Sequence[str],
    details: Sequence[Detail],
    grant: Grant | None,
) -> dict[str, Any]:
    """Store a new access token; the answer that hands it out."""
    at = clock.now()
    until = at + timedelta(seconds=ACCESS_SECONDS)
    if grant is not None:
        until = min(until, grant.expires_at)
    value, place = mint(ACCESS_TOKEN, at)
    access = Access(
        partner=asker.client.partner,
        client_id=asker.client.id,
        grant_id=grant.id if grant else None,
        subject=grant.subject if grant else None,
        scopes=tuple(scopes),
        details=tuple(details),
        jkt=asker.binding.jkt,
        x5t=asker.binding.x5t,
        issued_at=at,
        expires_at=until,
    )
    await store.insert_access(db, place, access)
    body: dict[str, Any] = {
        "access_token": value,
        "token_type": access.token_type,
        "expires_in": int((until - at).total_seconds()),
        "scope": " ".join(scopes),
    }
    if grant is not None:
        body["grant_id"] = grant.id
    if details:
        body["authorization_details"] = list(details)
    return body


def _id_claims(issuer: str, grant: Grant, nonce: str | None, at: datetime) -> dict[str, Any]:
    """OpenID Connect Core 1.0 section 2."""
    issued = int(at.timestamp())
    claims: dict[str, Any] = {
        "iss": issuer,
        "sub": grant.subject,
        "aud": grant.client_id,
        "iat": issued,
        "exp": issued + ID_TOKEN_SECONDS,
        "auth_time": int(grant.auth_time.timestamp()),
        "amr": list(grant.amr),
    }
    return claims if nonce is None else {**claims, "nonce": nonce}


async def access_of(db: Connection, clock: Clock, token: str) -> Access | None:
    """What an access token stands for while it is good; None for everything else."""
    place = place_of(ACCESS_TOKEN, token)
    return await store.find_access(db, place, clock.now()) if place else None


async def introspect(
    db: Connection, clock: Clock, issuer: str, client: Client, token: str
) -> dict[str, Any]:
    """RFC 7662: about the client's own good tokens; of all others only that they are not active."""
    access = await access_of(db, clock, token)
    if access is not None and (access.partner, access.client_id) == (client.partner, client.id):
        found = _described(issuer, client, access.subject, access.scopes, access.details)
        return found | {
            "token_type": access.token_type,
            "cnf": dict(access.confirmation),
            "iat": int(access.issued_at.timestamp()),
            "exp": int(access.expires_at.timestamp()),
        }
    place = place_of(REFRESH_TOKEN, token)
    owner = (client.partner, client.id)
    held = await store.hold_refresh(db, owner, place, clock.now()) if place else None
    grant = await authorisations.read_grant(db, client.partner, held[0]) if held else None
    if held is None or grant is None or not grant.is_live(clock.now()):
        return {"active": False}
    found = _described(issuer, client, grant.subject, grant.scopes, grant.details)
    return found | {
        "iat": int(held[1].timestamp()),
        "exp": int(grant.expires_at.timestamp()),
    }


def _described(
    issuer: str,
    client: Client,
    subject: str | None,
    scopes: Sequence[str],
    details: Sequence[Detail],
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "active": True,
        "iss": issuer,
        "client_id": client.id,
        "scope": " ".join(scopes),
    }
    if subject is not None:
        found["sub"] = subject
    if details:
        found["authorization_details"] = list(details)
    return found


async def revoke(db: Connection, clock: Clock, client: Client, token: str) -> None:
    """RFC 7009: the client's own token is dead; any other stays, and nothing is told of it."""
    owner = (client.partner, client.id)
    place: Place | None
    if place := place_of(ACCESS_TOKEN, token):
        await store.revoke_access(db, owner, place, clock.now())
    elif place := place_of(REFRESH_TOKEN, token):
        await store.revoke_refresh(db, owner, place, clock.now())


def _required(form: Form, name: str) -> str:
    if name not in form:
        raise RequestInvalid(f"{name} is missing")
    return form[name]
