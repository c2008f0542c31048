"""Formats of values in JSON Schema: what ``format`` says beyond a type, as checks.

Always true: a check takes time linear in its value and raises nothing; a value of another type than
the format's own passes, as JSON Schema wants it; a format without an entry is told, not checked.
Source: JSON Schema 2020-12 validation, section 7.3; RFC 3339 section 5.6; RFC 3986; RFC 5321
section 4.1.2; RFC 1123 section 2.1; RFC 4648 section 4; OpenAPI 3.0.3 section 4.4 (int32, int64).
"""

import ipaddress
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

# Formats that say how a value is shown or kept; every value of the type has them.
WITHOUT_CHECK = frozenset({"float", "double", "binary", "password"})

_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_TIME = re.compile(r"(\d\d:\d\d):(\d\d)(\.\d+)?(z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?", re.ASCII)
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_URI = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*")
_HOST_MAX, _LOCAL_MAX = 253, 64


def _is_date(text: str) -> bool:
    try:
        return bool(_DATE.fullmatch(text) and date.fromisoformat(text))
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    minute, second, _, zone = found.groups()
    # A leap second is one; Python knows none.
    second = "59" if second == "60" else second
    try:
        return bool(datetime.fromisoformat(f"2000-01-01T{minute}:{second}{zone.upper()}"))
    except ValueError:
        return False


def _is_date_time(text: str) -> bool:
    return text[10:11] in {"T", "t"} and _is_date(text[:10]) and _is_time(text[11:])


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


def _is_hostname(text: str) -> bool:
    return len(text) <= _HOST_MAX and all(_LABEL.fullmatch(each) for each in text.split("."))


def _is_email(text: str) -> bool:
    local, at, host = text.rpartition("@")
    return bool(at and len(local) <= _LOCAL_MAX and _LOCAL.fullmatch(local)) and _is_hostname(host)


def _is_uri_reference(text: str) -> bool:
    return _URI.fullmatch(text) is not None


def _is_uri(text: str) -> bool:
    return _SCHEME.match(text) is not None and _is_uri_reference(text)


def _is_ipv4(text: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(text))
    except ValueError:
        return False


def _is_ipv6(text: str) -> bool:
    try:
        return "%" not in text and bool(ipaddress.IPv6Address(text))
    except ValueError:
        return False


def _is_base64(text: str) -> bool:
    try:
        return b64decode(text, validate=True) is not None
    except ValueError:
        return False


def _text(check: Callable[[str], bool]) -> Callable[[Any], bool]:
    return lambda value: not isinstance(value, str) or check(value)


def _bits(count: int) -> Callable[[Any], bool]:
    least, most = -(1 << (count - 1)), (1 << (count - 1)) - 1
    return lambda value: not isinstance(value, int | float) or least <= value <= most


CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "date": _text(_is_date),
    "date-time": _text(_is_date_time),
    "time": _text(_is_time),
    "uuid": _text(_is_uuid),
    "email": _text(_is_email),
    "hostname": _text(_is_hostname),
    "uri": _text(_is_uri),
    "uri-reference": _text(_is_uri_reference),
    "ipv4": _text(_is_ipv4),
    "ipv6": _text(_is_ipv6),
    "byte": _text(_is_base64),
    "int32": _bits(32),
    "int64": _bits(64),
}


def has_format(name: str, value: Any) -> bool:
    """Whether ``value`` has the format; every value has one that nobody checks."""
    check = CHECKS.get(name)
    return check is None or check(value)
