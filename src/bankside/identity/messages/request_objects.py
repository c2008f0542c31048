"""Requests as signed JWTs: at PAR (RFC 9101 under RFC 9126) and at the backchannel endpoint.

``aud`` is our issuer, alone or in an array; ``nbf`` at most an hour old and ``exp`` at most an hour
after it. Source: FAPI 2.0 Message Signing section 5.3.1; OpenID CIBA Core section 7.1.1.
"""

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bankside.identity.assertions import ClaimInvalid, claims
from bankside.identity.clients import Client, registered_key
from bankside.identity.errors import RequestInvalid, RequestObjectInvalid
from bankside.identity.jose import REQUEST_BYTES_MAX, JOSEInvalid, parsed

NBF_AGE_MAX = timedelta(minutes=60)
LIFE_MAX = timedelta(minutes=60)
# RFC 9101 section 10.8; most libraries write none or JWT. Any other type is another message.
TYPES = frozenset({"oauth-authz-req+jwt", "jwt"})
# What the JWT says about itself and not about the request.
_ENVELOPE = frozenset({"iss", "aud", "exp", "nbf", "iat", "jti"})
# The client's credentials: all that stands beside a signed request at the backchannel endpoint.
_CREDENTIALS = frozenset({"request", "client_id", "client_assertion", "client_assertion_type"})


def unpacked(
    form: Mapping[str, str], client: Client, issuer: str, at: datetime
) -> Mapping[str, str]:
    """The parameters of an authorization request: those of its signed object when there is one.

    Parameters beside the object count for nothing (RFC 9101 section 6.3). Raises RequestInvalid
    for a client that signs and did not, RequestObjectInvalid.
    """
    if "request" not in form:
        _check_may_be_unsigned(client)
        return form
    said = _proven(form["request"], client, issuer, at)
    if said.get("client_id") != client.id:
        raise RequestObjectInvalid("request: client_id is the client that pushes it")
    return _parameters(said)


def backchannel_request(
    form: Mapping[str, str], client: Client, issuer: str, at: datetime
) -> Mapping[str, str]:
    """The parameters of a backchannel authentication request, signed or not.

    A signed one stands alone beside the credentials and carries ``iss``, ``iat`` and ``jti`` too.
    """
    if "request" not in form:
        _check_may_be_unsigned(client)
        return form
    if form.keys() - _CREDENTIALS:
        raise RequestInvalid("a signed request carries every parameter itself")
    said = _proven(form["request"], client, issuer, at)
    if {"iss", "iat"} - said.keys():
        raise RequestObjectInvalid("request: iss and iat are required")
    try:
        claims.identifier(said)
    except ClaimInvalid as error:
        raise RequestObjectInvalid(f"request: {error}") from error
    return _parameters(said)


def _check_may_be_unsigned(client: Client) -> None:
    if client.request_object_signing_alg is not None:
        raise RequestInvalid("this client signs its requests: send a request object")


def _proven(text: str, client: Client, issuer: str, at: datetime) -> Mapping[str, Any]:
    """The claims of a request object that the client signed and that counts now."""
    try:
        token = parsed(text, bytes_max=REQUEST_BYTES_MAX)
        if client.request_object_signing_alg not in {None, token.alg}:
            raise ClaimInvalid(f"alg is {client.request_object_signing_alg}, as registered")
        typ = token.header.get("typ", "JWT")
        if not isinstance(typ, str) or typ.lower().removeprefix("application/") not in TYPES:
            raise ClaimInvalid("typ is oauth-authz-req+jwt")
        token.prove(registered_key(client, token))
        _check_envelope(token.claims, client, issuer)
        _check_times(token.claims, at)
    except (JOSEInvalid, ClaimInvalid) as error:
        raise RequestObjectInvalid(f"request: {error}") from error
    return token.claims


def _check_envelope(said: Mapping[str, Any], client: Client, issuer: str) -> None:
    audience = said.get("aud")
    if audience != issuer and not (isinstance(audience, list) and issuer in audience):
        raise ClaimInvalid(f"aud is the issuer {issuer}")
    if said.get("iss", client.id) != client.id:
        raise ClaimInvalid("iss is the client_id")
    # With a subject it would pass for a client assertion (RFC 9101 section 10.8).
    if "sub" in said:
        raise ClaimInvalid("a request object has no sub")
    if {"request", "request_uri"} & said.keys():
        raise ClaimInvalid("a request object holds no other request")


def _check_times(said: Mapping[str, Any], at: datetime) -> None:
    begin, end = claims.instant(said, "nbf"), claims.instant(said, "exp")
    if begin is None or end is None:
        raise ClaimInvalid("nbf and exp are required")
    claims.check_not_ahead(said, at)
    claims.check_not_expired(said, at)
    if at - begin > NBF_AGE_MAX:
        raise ClaimInvalid("nbf is more than 60 minutes old")
    if end - begin > LIFE_MAX:
        raise ClaimInvalid("exp is more than 60 minutes after nbf")


def _parameters(said: Mapping[str, Any]) -> Mapping[str, str]:
    """The claims as the parameters they stand for: what JSON writes otherwise becomes text."""
    found = {}
    for name, value in said.items():
        if name in _ENVELOPE or value is None or value == "":
            continue
        text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
        # Neither can be stored; a form body cannot bring them (http.forms), an escape can.
        if "\0" in text or any("\ud800" <= each <= "\udfff" for each in text):
            raise RequestObjectInvalid("request: a claim holds no text")
        found[name] = text
    return found
