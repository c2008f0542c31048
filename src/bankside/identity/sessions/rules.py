"""How long sessions live, how many attempts may fail, and how a session's secret is written.

Source: OWASP ASVS 5.0 level 2 (idle and absolute limits, a new secret at each step), NIST SP
800-63B section 5.2.2 (limited attempts).
"""

import hashlib
import re
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from bankside.identity.realms import Realm
from bankside.identity.sessions.model import Session

IDLE_TTL = timedelta(minutes=15)
ABSOLUTE_TTL = timedelta(hours=8)
# Between password and code: long enough to find the phone.
SECOND_FACTOR_TTL = timedelta(minutes=5)
# What moves money is confirmed by somebody who proved both factors just now.
FRESH_TTL = timedelta(minutes=5)
# A page view must not write a row each time; half a minute is exact enough for the idle limit.
SEEN_NOTED_EVERY = timedelta(seconds=30)

# Per login and per source: the next attempt waits until the fifth last one is this old.
ATTEMPTS_MAX = 5
ATTEMPTS_WINDOW = timedelta(minutes=15)

# A browser that has typed this many wrong codes starts again with the password, whenever they were.
CODES_FAILED_MAX = 5

DEVICE_LENGTH_MAX = 200
# What a user agent holds, and what people call it; the first that fits wins, because each browser
# also names those it wants to be taken for.
_BROWSERS = (
    *(("MicroMessenger", "WeChat"), ("AlipayClient", "Alipay"), ("HarmonyOS", "HarmonyOS")),
    *(("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet")),
    *(("Firefox", "Firefox"), ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome")),
    *(("Safari", "Safari"), ("curl", "curl")),
)
_SYSTEMS = (
    *(("iPhone", "iPhone"), ("iPad", "iPad"), ("HarmonyOS", "HarmonyOS"), ("Android", "Android")),
    *(("Windows", "Windows"), ("Mac OS X", "macOS"), ("CrOS", "ChromeOS"), ("Linux", "Linux")),
)
# A household or a rented machine has this much of the IPv6 space to itself: one source.
_IPV6_SOURCE_BITS = 64
_TOKEN = re.compile(r"([A-Za-z0-9_]{1,64})\.([A-Za-z0-9_-]{43})")


def new_token(partner: str) -> str:
    """A session's secret as the cookie carries it: the data space in clear and 256 random bits."""
    return f"{partner}.{secrets.token_urlsafe(32)}"


def place_of(token: str) -> tuple[str, bytes] | None:
    """Data space and hash under which a token is stored; None when it is no token of ours."""
    match = _TOKEN.fullmatch(token)
    return (match[1], hashlib.sha256(token.encode()).digest()) if match else None


def is_live(session: Session, at: datetime) -> bool:
    """Whether the session counts at this instant; at its limit it does not."""
    if not session.is_full:
        return at < session.started_at + SECOND_FACTOR_TTL
    return at < session.seen_at + IDLE_TTL and at < session.started_at + ABSOLUTE_TTL


def is_fresh(session: Session, at: datetime) -> bool:
    """Whether both factors were proven just now."""
    return session.is_full and at < session.authenticated_at + FRESH_TTL


def login_hash(realm: Realm, partner: str, login: str) -> bytes:
    """What is stored of a login that was tried."""
    told = f"{realm}\x1f{partner}\x1f{login.strip().lower()}"
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).digest()


def wait_after(attempts: Sequence[datetime], at: datetime) -> timedelta | None:
    """How long the next attempt has to wait; None: it may be made now.

    ``attempts`` are the failed ones of a login or a source, newest first.
    """
    if len(attempts) < ATTEMPTS_MAX:
        return None
    wait = attempts[ATTEMPTS_MAX - 1] + ATTEMPTS_WINDOW - at
    return wait if wait > timedelta(0) else None


def device_name(user_agent: str) -> str:
    """What people call a browser and its system (``Chrome · Android``); "" when nothing fits."""
    words = [
        next((name for sign, name in known if sign in user_agent), "")
        for known in (_BROWSERS, _SYSTEMS)
    ]
    return " · ".join(dict.fromkeys(filter(None, words)))


def printable(text: str) -> str:
    """What a browser calls itself, without what a page or a log could not show."""
    return "".join(each for each in text if each.isprintable())[:DEVICE_LENGTH_MAX]


def source_of(host: str) -> str:
    """For which source an address counts: itself, or its network of 64 bits (IPv6)."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return host
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ip_network((address, _IPV6_SOURCE_BITS), strict=False))
