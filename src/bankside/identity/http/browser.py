"""The cookie that ties an interaction to one browser.

It holds a secret and nothing else; only its SHA-256 is stored. Behind https it is a ``__Host-``
cookie; the demo's plain loopback address cannot set one.
"""

import re
import secrets

from litestar.datastructures import Cookie

from bankside.identity.authorisations import INTERACTION_SECONDS
from bankside.identity.http.server import AnyRequest

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def cookie_name(issuer: str) -> str:
    """The name of the cookie under this issuer."""
    return "__Host-bankside-browser" if issuer.startswith("https:") else "bankside-browser"


def browser_of(request: AnyRequest, issuer: str) -> str | None:
    """The secret this browser brought, if it looks like ours."""
    value = request.cookies.get(cookie_name(issuer), "")
    return value if _SECRET.fullmatch(value) else None


def fresh_browser() -> str:
    """A secret for a browser that brought none."""
    return secrets.token_urlsafe(32)


def browser_cookie(secret: str, issuer: str) -> Cookie:
    """The cookie to set, for as long as an interaction lives."""
    return Cookie(
        key=cookie_name(issuer),
        value=secret,
        path="/",
        max_age=INTERACTION_SECONDS,
        secure=issuer.startswith("https:"),
        httponly=True,
        samesite="lax",
    )
