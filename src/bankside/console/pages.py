"""Pages as HTML: templates, the look chosen by the reader, and the headers that guard them.

Always true: no page names an address outside our origin, no script runs, every response carries the
content security policy; language and type size travel in two cookies that hold nothing else.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from litestar import MediaType, Request, Response
from litestar.datastructures import Cookie

from bankside.console.texts import Language, choose, text

_HERE = Path(__file__).parent
LANGUAGE_COOKIE, TYPE_COOKIE = "bankside-lang", "bankside-type"
COOKIE_SECONDS = 365 * 24 * 3600

SECURITY_HEADERS: Mapping[str, str] = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}

_templates = Environment(
    loader=FileSystemLoader(_HERE / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


class Look:
    """How one reader wants the pages: language and type size, from address, cookie or browser."""

    def __init__(self, request: Request[Any, Any, Any]) -> None:
        asked = request.query_params
        self.lang: Language = choose(
            asked.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language", ""),
        )
        size = asked.get("type") or request.cookies.get(TYPE_COOKIE)
        self.large = size == "large"
        self._path = request.url.path
        self._query = dict(asked.items())

    def here(self, **change: str) -> str:
        """The address of this page with a setting changed."""
        return f"{self._path}?{urlencode({**self._query, **change})}"

    def cookies(self) -> list[Cookie]:
        """Remember a choice that was made by the address."""
        chosen = {
            "lang": (LANGUAGE_COOKIE, str(self.lang)),
            "type": (TYPE_COOKIE, "large" if self.large else "normal"),
        }
        return [
            Cookie(key=key, value=value, max_age=COOKIE_SECONDS, httponly=True, samesite="lax")
            for name, (key, value) in chosen.items()
            if name in self._query
        ]


def page(
    request: Request[Any, Any, Any], template: str, *, status: int = 200, **values: Any
) -> Response[str]:
    """One rendered page in the reader's language and type size."""
    look = Look(request)
    html = _templates.get_template(template).render(
        t=lambda key, **parts: text(look.lang, key, **parts),
        lang=look.lang,
        large=look.large,
        here=look.here,
        **values,
    )
    return Response(
        html,
        status_code=status,
        media_type=MediaType.HTML,
        headers=dict(SECURITY_HEADERS),
        cookies=look.cookies(),
    )


def theme_css() -> str:
    """The colour tokens as CSS variables, for light and dark."""
    tokens = cast(
        "dict[str, dict[str, str]]",
        msgspec.json.decode((_HERE / "theme" / "tokens.json").read_bytes()),
    )

    def block(name: str) -> str:
        return "".join(f"--{key}:{value};" for key, value in tokens[name].items())

    return (
        f":root{{color-scheme:light dark;{block('light')}}}\n"
        f"@media (prefers-color-scheme:dark){{:root{{{block('dark')}}}}}\n"
    )
