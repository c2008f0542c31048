"""Claims as hostile input: types are checked before values are used. Source: RFC 7519."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from bankside.identity.assertions.model import AHEAD_SECONDS_MAX, JTI_BYTES_MAX

# Beyond the year 9999 an instant cannot be kept; such a claim is no date at all.
_SECONDS_MAX = 253_402_300_799


class ClaimInvalid(Exception):
    """A claim is missing, of a wrong type, or out of its range; the text names it."""


def instant(claims: Mapping[str, Any], name: str) -> datetime | None:
    """A NumericDate claim; None when it is absent."""
    value = claims.get(name)
    if value is None and name not in claims:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ClaimInvalid(f"{name} is no number")
    if not 0 <= value <= _SECONDS_MAX:
        raise ClaimInvalid(f"{name} is no instant in seconds")
    return datetime.fromtimestamp(value, UTC)


def check_not_ahead(claims: Mapping[str, Any], at: datetime) -> None:
    """``iat`` and ``nbf``, where present, lie at most a clock's error ahead; or ClaimInvalid."""
    for name in ("iat", "nbf"):
        value = instant(claims, name)
        if value is not None and (value - at).total_seconds() > AHEAD_SECONDS_MAX:
            raise ClaimInvalid(f"{name} lies in the future; is your clock right?")


def check_not_expired(claims: Mapping[str, Any], at: datetime) -> None:
    """``exp``, where present, lies ahead; or ClaimInvalid."""
    end = instant(claims, "exp")
    if end is not None and end <= at:
        raise ClaimInvalid("exp has passed; is your clock right?")


def identifier(claims: Mapping[str, Any]) -> str:
    """The ``jti``, or ClaimInvalid."""
    jti = claims.get("jti")
    if not isinstance(jti, str) or not jti:
        raise ClaimInvalid("jti is missing")
    try:
        size = len(jti.encode())
    except UnicodeEncodeError as error:
        raise ClaimInvalid("jti is no text") from error
    if size > JTI_BYTES_MAX:
        raise ClaimInvalid(f"jti has more than {JTI_BYTES_MAX} bytes")
    return jti
