"""What a registered client may look like.

Source: RFC 7591 (the words), RFC 8252 section 7.3 (loopback), FAPI 2.0 section 5.3.2.2.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args
from urllib.parse import urlsplit

from joserfc.jwk import Key

from bankside.identity.clients.errors import (
    ClientSettingInvalid,
    KeySetInvalid,
    RedirectURIInvalid,
    ScopeUnknown,
)
from bankside.identity.clients.model import (
    DETAIL_TYPES,
    REDIRECT_URI_LENGTH_MAX,
    REDIRECT_URIS_MAX,
    SCOPES,
    Client,
    NewClient,
    SenderConstraint,
)
from bankside.identity.jose import (
    ALGORITHMS,
    KID_LENGTH_MAX,
    JOSEInvalid,
    Unproven,
    public_key,
)

# What this server signs with (identity.signing_keys).
ANSWER_ALGORITHM = "ES256"
# Room for two generations of a key in each algorithm.
KEYS_MAX = 10
# RFC 3986 characters; what is registered is compared byte by byte later.
_URI = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def checked_keys(jwks: Any) -> tuple[Mapping[str, Any], ...]:
    """The public keys of a set, each with its ``alg``; or KeySetInvalid."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= KEYS_MAX:
        raise KeySetInvalid(f'a JWKS is {{"keys": [...]}} with 1 to {KEYS_MAX} keys')
    checked = tuple(_checked_key(each) for each in keys)
    if len({each["kid"] for each in checked}) != len(checked):
        raise KeySetInvalid("two keys have the same kid")
    return checked


def _checked_key(jwk: Any) -> Mapping[str, Any]:
    try:
        key, alg = public_key(jwk)
    except JOSEInvalid as error:
        raise KeySetInvalid(str(error)) from error
    kid = jwk.get("kid")
    if not isinstance(kid, str) or not 1 <= len(kid) <= KID_LENGTH_MAX or not kid.isprintable():
        raise KeySetInvalid(f"each key has a kid of 1 to {KID_LENGTH_MAX} printable characters")
    if jwk.get("alg", alg) != alg:
        raise KeySetInvalid(f"the key {kid} fits {alg} and nothing else")
    return {**key.as_dict(private=False), "kid": kid, "alg": alg, "use": "sig"}


def checked_redirect_uris(uris: Sequence[str]) -> tuple[str, ...]:
    """The redirect URIs as they came, without repeats; or RedirectURIInvalid."""
    if not 1 <= len(uris) <= REDIRECT_URIS_MAX:
        raise RedirectURIInvalid(f"a client has 1 to {REDIRECT_URIS_MAX} redirect URIs")
    for uri in uris:
        if not _is_redirect_uri(uri):
            raise RedirectURIInvalid(f"{uri[:120]!r} cannot be a redirect URI")
    return tuple(dict.fromkeys(uris))


def _is_redirect_uri(uri: str) -> bool:
    if len(uri) > REDIRECT_URI_LENGTH_MAX or not _URI.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or "@" in parts.netloc:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)


def checked_scopes(scopes: Sequence[str]) -> frozenset[str]:
    """The scopes, at least one; or ScopeUnknown."""
    unknown = set(scopes) - set(SCOPES)
    if unknown or not scopes:
        raise ScopeUnknown(f"scopes are of: {', '.join(SCOPES)}; not {sorted(unknown)}")
    return frozenset(scopes)


def checked_detail_types(types: Sequence[str], scopes: frozenset[str]) -> frozenset[str]:
    """The types of authorization_details; without any named, those the scopes bring."""
    if not types:
        return frozenset(DETAIL_TYPES[scope] for scope in scopes if scope in DETAIL_TYPES)
    unknown = set(types) - set(DETAIL_TYPES.values())
    if unknown:
        raise ScopeUnknown(f"no such authorization details type: {sorted(unknown)}")
    return frozenset(types)


def checked_settings(new: NewClient) -> Mapping[str, Any]:
    """The settings of the record that are one word each; or ClientSettingInvalid."""
    signing, answers = new.request_object_signing_alg, new.authorization_signed_response_alg
    if signing is not None and signing not in ALGORITHMS:
        raise ClientSettingInvalid(
            f"request_object_signing_alg is one of {', '.join(ALGORITHMS)}, or absent"
        )
    if answers is not None and answers != ANSWER_ALGORITHM:
        raise ClientSettingInvalid(
            f"authorization_signed_response_alg is {ANSWER_ALGORITHM}, or absent"
        )
    if new.sender_constraint not in get_args(SenderConstraint):
        raise ClientSettingInvalid("sender_constraint is dpop or mtls")
    return {
        "request_object_signing_alg": signing,
        "authorization_signed_response_alg": answers,
        "sender_constraint": cast("SenderConstraint", new.sender_constraint),
        "backchannel": bool(new.backchannel),
    }


def registered_key(client: Client, token: Unproven) -> Key:
    """The one registered key that the header's kid and alg lead to; or JOSEInvalid.

    What else the header brings along (``jwk``, ``jku``, ``x5u``, ``x5c``) is not looked at.
    """
    kid = token.header.get("kid")
    fitting = [
        jwk for jwk in client.jwks if jwk["alg"] == token.alg and (kid is None or jwk["kid"] == kid)
    ]
    if len(fitting) != 1:
        raise JOSEInvalid("kid and alg do not lead to one registered key of the client")
    key, _ = public_key(fitting[0])
    return key
