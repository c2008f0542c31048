"""private_key_jwt: the only way a client authenticates.

``aud`` is our issuer as one string: no endpoint's address, no array. The key comes from the
client's record by ``kid`` and algorithm; what the header brings along is not looked at.
Source: RFC 7523 section 3, FAPI 2.0 Security Profile section 5.3.2.1.
"""

from collections.abc import Mapping
from datetime import datetime

from bankside.identity.assertions import claims
from bankside.identity.assertions.claims import ClaimInvalid
from bankside.identity.assertions.model import (
    AHEAD_SECONDS_MAX,
    ASSERTION_SECONDS_MAX,
    ClientAssertion,
)
from bankside.identity.clients import (
    Client,
    ClientUnknown,
    active_client,
    check_keys_fresh,
    registered_key,
)
from bankside.identity.errors import ClientInvalid, RequestInvalid
from bankside.identity.jose import JOSEInvalid, Unproven, parsed
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def prove_client(
    db: Connection, clock: Clock, issuer: str, form: Mapping[str, str]
) -> ClientAssertion:
    """The client that the form's assertion proves, its ``jti`` not yet claimed; or ClientInvalid.

    Raises KeysDue, with nothing written, when the client's key set should be fetched first.
    The reason is told: only who holds a client's key can get past the first of them.
    """
    if "client_secret" in form:
        raise ClientInvalid("a client authenticates with private_key_jwt and nothing beside it")
    if form.get("client_assertion_type") != ASSERTION_TYPE or "client_assertion" not in form:
        raise ClientInvalid("client_assertion and its client_assertion_type are required")
    try:
        token = parsed(form["client_assertion"])
        client = await _named(db, token, form)
        check_keys_fresh(client, clock, kid=token.header.get("kid"))
        token.prove(registered_key(client, token))
        jti, end = _checked(token, issuer, clock.now())
    except (JOSEInvalid, ClaimInvalid) as error:
        raise ClientInvalid(f"client_assertion: {error}") from error
    return ClientAssertion(client, jti, end)


async def _named(db: Connection, token: Unproven, form: Mapping[str, str]) -> Client:
    name = token.claims.get("sub")
    if not isinstance(name, str) or token.claims.get("iss") != name:
        raise ClaimInvalid("iss and sub are the client_id")
    if form.get("client_id", name) != name:
        raise RequestInvalid("client_id is not the client of the assertion")
    try:
        return await active_client(db, name)
    except ClientUnknown as unknown:
        raise ClientInvalid("the client is unknown or blocked") from unknown


def _checked(token: Unproven, issuer: str, at: datetime) -> tuple[str, datetime]:
    """The jti and the end of a proven assertion, or ClaimInvalid."""
    if token.claims.get("aud") != issuer:
        raise ClaimInvalid(f"aud is the issuer {issuer}, as one string")
    claims.check_not_ahead(token.claims, at)
    claims.check_not_expired(token.claims, at)
    end = claims.instant(token.claims, "exp")
    if end is None:
        raise ClaimInvalid("exp is missing")
    if (end - at).total_seconds() > ASSERTION_SECONDS_MAX + AHEAD_SECONDS_MAX:
        raise ClaimInvalid(f"exp lies more than {ASSERTION_SECONDS_MAX} s ahead")
    return claims.identifier(token.claims), end
