"""What a browser gets that carried a signed form here: on to the hosted page, or a page of no.

Always true: a browser is sent to the address the executing room answered and to no other; the page
of a refusal names the dialect's codes and nothing that the sender wrote; it needs no script and no
style. Source: wire-protocol rules, sections 3 (UI form) and 4 (pages).
"""

from collections.abc import Mapping, Sequence
from html import escape

from bankside.gateway.exchange import Exchange, Reply

# Where the answer of an operation with a hosted page names that page.
ADDRESS = "pay_url"
_HEADERS = (
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
)
_PAGE = """<!doctype html>
<html lang="zh"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title></head>
<body><main><h1>无法打开付款页面 <span lang="en">/ The payment page cannot be opened</span></h1>
<p>没有发生任何扣款。请返回商户重新下单，或将下列代码告知商户。</p>
<p lang="en">Nothing was paid. Go back to the shop and order again, or tell it these codes.</p>
<dl>{rows}</dl></main></body></html>
"""


def page_address(x: Exchange) -> str | None:
    """The hosted page of what was carried out; None when there is nothing to open."""
    body = x.answer.body if x.answer is not None else None
    address = body.get(ADDRESS) if isinstance(body, Mapping) else None
    return address if isinstance(address, str) else None


def sent_on(address: str) -> Reply:
    """The browser goes on by GET, whatever it came with (303, RFC 9110 section 15.4.4)."""
    return Reply(303, [("location", address), ("content-type", "text/plain"), *_HEADERS], b"")


def refused_page(x: Exchange, codes: Sequence[tuple[str, str]]) -> Reply:
    """The page of a refusal; ``codes``: the dialect's names and values, the first is the title."""
    shown = [*codes, ("request", x.request_id)]
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in shown)
    headers = [
        ("content-type", "text/html;charset=UTF-8"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        *_HEADERS,
    ]
    if x.refusal is not None and x.refusal.retry_after is not None:
        headers.append(("retry-after", str(x.refusal.retry_after)))
    status = x.refusal.status if x.refusal is not None else 500
    return Reply(status, headers, _PAGE.format(title=escape(codes[0][1]), rows=rows).encode())
