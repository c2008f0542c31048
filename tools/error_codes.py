"""The table of codes a partner can meet, made from the error classes themselves.

Which classes: everything the edge and the orders refuse with, and what lower rooms raise through
them. Each row asks the wires' own tables how they spell the code, so a document made by this can
only be wrong together with the code; a test fails when ``docs/partner/errors.md`` is another one.

Usage: ``python -m tools.error_codes`` writes the document.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import bankside.gateway
import bankside.orders
from bankside.app import outcomes
from bankside.bank import accounts, clearing, ledger
from bankside.gateway.exchange import Refusal
from bankside.gateway.wires.alipay import method_table
from bankside.gateway.wires.alipay.mapping import code_of
from bankside.gateway.wires.alipay.v3 import v3_code
from bankside.gateway.wires.icbc.codes import return_code
from bankside.identity import consents, revocations
from bankside.kernel import errors as families
from bankside.kernel import paging
from bankside.kernel.errors import BanksideError
from bankside.kernel.signing import content
from bankside.partners import sandboxes

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "partner" / "errors.md"

# Rooms all of whose refusals a partner can meet; the doctor's are the operator's.
ROOMS = (bankside.gateway, bankside.orders)
OPERATORS = ("bankside.gateway.doctor",)
# What lower rooms refuse and the rooms above pass on as it is.
PASSED_ON: tuple[type[BanksideError], ...] = (
    accounts.AccountNotFound,
    accounts.PeriodInvalid,
    accounts.StatementTooLong,
    accounts.PayerTokenUnknown,
    accounts.PayerTokenExpired,
    accounts.PayerTokenUsed,
    accounts.PayerTokenReusable,
    clearing.BatchNotFound,
    clearing.BatchTransitionRefused,
    ledger.LedgerBusy,
    ledger.LedgerUnavailable,
    ledger.OutcomeUnknown,
    consents.ConsentUnknown,
    consents.ConsentInvalid,
    consents.ConsentNotActive,
    consents.ConsentNotEnough,
    consents.PaymentDiffers,
    consents.LimitOfConsentExceeded,
    revocations.RevocationUnconfirmed,
    paging.CursorInvalid,
    paging.LimitInvalid,
    content.ContentUnreadable,
    sandboxes.SpaceUnknown,
    sandboxes.SpaceExists,
    sandboxes.SpacesTooMany,
    sandboxes.NotASandbox,
    sandboxes.ClockBackwards,
    outcomes.OutcomeInvalid,
    families.NotBuilt,
    families.Unavailable,
)

# What to do, by status; a code of its own text below wins.
_BY_STATUS: Mapping[int, str] = {
    400: "Correct the request. Sent again unchanged it fails again.",
    401: "Sign a new message; `bankside doctor signature` names the mistake.",
    403: "Ask the bank for the right; repeating does not help.",
    404: "Check the id, and whose it is: what is not yours does not exist.",
    405: "Use one of the methods in `Allow`.",
    408: "Send it again, faster.",
    409: "A rule of the bank says no. Look at the object, then decide anew.",
    410: "It will not come back: call the successor that the text names.",
    413: "Send less at once.",
    414: "Move what you can into the body.",
    415: "Send the body as JSON in UTF-8.",
    417: "Leave `Expect` out, or send `100-continue`.",
    422: "Correct the fields that `errors` points at.",
    429: "Wait `Retry-After` seconds.",
    431: "Send fewer or shorter header fields.",
    500: "Tell the bank the request id. A write may have happened: ask with the same key.",
    501: "Not offered; see the shelf for what is.",
    502: "The bank's own system answered badly. Ask again with the **same** key.",
    503: "Wait `Retry-After` seconds, repeat with the **same** key.",
    504: "Ask again with the **same** key: it may have happened.",
    505: "Speak HTTP/1.1.",
}
_BY_CODE: Mapping[str, str] = {
    "signature.stale": "Set your clock by the time in the text; sign and send at once.",
    "signature.replayed": "Use a new nonce (ICBC-style `msg_id`) for every message, retries too.",
    "signature.digest_mismatch": "Hash the bytes you send; a proxy or encoder changed them.",
    "signature.component_missing": "Cover the component the text names.",
    "signature.algorithm_mismatch": "Name the algorithm your key is registered for.",
    "tenant.token_unknown": "Use the token the tenant was given last.",
    "idempotency.in_progress": "Wait `Retry-After` seconds, repeat with the same key.",
    "idempotency.key_reused": "The key names another request: use a new key for a new one.",
    "idempotency.key_missing": "Send `Idempotency-Key`, your own number for this operation.",
    "order.number_reused": "The number names another order: use a new number for a new one.",
    "order.already_paid": "Refund it.",
    "order.closed": "Begin a new order under a new number.",
    "payment.funds_insufficient": "Ask the payer for another account or a smaller amount.",
    "payer_token.used": "Ask the payer to show a new code.",
    "payer_token.expired": "Ask the payer to show a new code.",
    "payer_token.unknown": "Ask the payer to show a new code.",
    "refund.funds_insufficient": "Fund the merchant's settlement account.",
    "refund.split_return_first": "Return the receivers' shares first.",
    "content.unreadable": "Encrypt with the app's content key (AES/CBC/PKCS5, zero IV), then sign.",
    "content.key_missing": "Register a content key for this wire.",
    "consent.not_active": "Ask the customer for a new consent.",
    "consent.not_enough": "Ask the customer for a consent that covers it.",
    "consent.limit_exceeded": "Pay less, or wait for the next period the text names.",
    "open_banking.permission_missing": "Ask the customer for a consent with this permission.",
    "record.impossible": "Wait `Retry-After` seconds; nothing was done.",
}

_ALL = frozenset({"native", "icbc", "alipay", "alipay3"})
# Codes of one dialect's own fields; what does not begin so is met in all of them.
_ONLY_ON: Mapping[str, frozenset[str]] = {
    "alipay.": frozenset({"alipay", "alipay3"}),
    "icbc.": frozenset({"icbc"}),
    "ui.": frozenset({"icbc"}),
    "form.": _ALL - {"native"},
    "content.": _ALL - {"native"},
    "request.body_malformed": _ALL - {"native"},
    "body.not_object": frozenset({"native"}),
    "body.malformed": frozenset({"native"}),
    "body.media_type": frozenset({"native"}),
    "query.": frozenset({"native"}),
    "route.method_not_allowed": frozenset({"native"}),
    "idempotency.key_m": frozenset({"native"}),
    "signature.digest_mismatch": frozenset({"native"}),
    "signature.component_missing": frozenset({"native"}),
}
# The server's refusals that come after the head was read, and so in the caller's dialect.
_WORDED = frozenset(
    {"http.body_too_large", "http.body_unexpected", "http.request_timeout", "http.busy"}
)
_SECTIONS: Mapping[str, tuple[int, ...]] = {
    "Who calls": (401, 403),
    "What was sent": (400, 405, 408, 413, 414, 415, 417, 422, 431, 501, 505),
    "What is there": (404,),
    "What the bank allows": (409, 410),
    "Not now": (429, 500, 502, 503, 504),
}
_HEAD = """# Error codes

<!-- Made by `python -m tools.error_codes` from the error classes. Do not edit. -->

Switch on `code` (native), `error_code` (ICBC-style) or `sub_code` (Alipay-style): they never change. Every answer, refusals too, is signed and carries the request id: `x-request-id` on each wire, `request_id` in native and ICBC-style bodies, `trace_id` and `alipay-trace-id` on the Alipay-style ones.

- **Native**: the HTTP status below and `application/problem+json` (RFC 9457) with `code`, `detail`, `request_id`, and `errors[]` with a JSON Pointer for each faulty field.
- **ICBC-style**: HTTP 200, `return_code` as below (0 done, above 0 refused, below 0 unknown: query first), `error_code` is the native code.
- **Alipay-style v2**: HTTP 200, `code` and `sub_code` as below. Single methods may answer a closer `sub_code`.
- **Alipay-style v3**: the status below and `code`, the last part of the v2 `sub_code`.

`outcome: unknown` in a 500, 503 or 504 of a write means: it may have happened. Ask again with the same key and the body unchanged; the answer is the first one, with `Idempotency-Hit: true`. A refusal without it changed nothing.

An unknown app gets `signature.invalid` on the native wire, `400016` on the ICBC-style one and `isv.invalid-app-id` on the Alipay-style ones.
"""  # noqa: E501 - a document


_EARLY = """Bytes in which no request can be found are answered with unsigned problem+json, whatever was meant; the connection is closed.
"""  # noqa: E501 - a document


def refusals() -> list[type[BanksideError]]:
    """The classes a partner can meet, one per code and status, by code."""
    found = {(each.code, each.status): each for each in PASSED_ON}
    for room in ROOMS:
        for each in _classes(room.__name__, room.__path__):
            found[each.code, each.status] = each
    return [found[key] for key in sorted(found)]


def field_codes() -> list[str]:
    """The codes that stand in ``errors[]``, as the sources write them."""
    pattern = re.compile(r'"((?:field|amount)\.[a-z_]+)"')
    sources = [*(ROOT / "src/bankside").glob("orders/**/*.py")]
    sources += [ROOT / "src/bankside/kernel/money.py"]
    sources += [*(ROOT / "src/bankside/gateway/wires").glob("**/*.py")]
    return sorted({code for each in sources for code in pattern.findall(each.read_text("utf-8"))})


def document() -> str:
    """The whole text of ``docs/partner/errors.md``."""
    parts = [_HEAD]
    rest = refusals()
    early = [each for each in rest if each.code.startswith("http.") and each.code not in _WORDED]
    rest = [each for each in rest if each not in early]
    for title, statuses in _SECTIONS.items():
        rows = [each for each in rest if each.status in statuses]
        rest = [each for each in rest if each.status not in statuses]
        parts.append(f"## {title}\n\n{_table(rows)}\n")
    assert not rest, f"no section for {rest}"
    codes = ", ".join(f"`{each}`" for each in field_codes())
    parts.append(f"## Before a dialect is known\n\n{_EARLY}\n{_before(early)}\n")
    parts.append(f"## Single fields\n\nIn `errors[].code` of `request.invalid`: {codes}.\n")
    return "\n".join(parts)


def _classes(name: str, path: list[str]) -> Iterator[type[BanksideError]]:
    """Refusals defined in a room, in any of its modules."""
    modules = [name, *(each.name for each in pkgutil.walk_packages(path, f"{name}."))]
    for module in modules:
        if module.startswith(OPERATORS):
            continue
        for each in vars(importlib.import_module(module)).values():
            own = isinstance(each, type) and each.__module__ == module
            if own and issubclass(each, BanksideError) and "code" in vars(each):
                yield each


def _table(rows: list[type[BanksideError]]) -> str:
    lines = [
        "| code | native | ICBC-style | Alipay-style v2 | v3 | means | do |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *map(_row, rows)])


def _before(rows: list[type[BanksideError]]) -> str:
    """Refusals of bytes that no dialect could be found in."""
    lines = ["| code | HTTP | means | do |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{each.code}` | {each.status} | {each.headline()} | {_BY_STATUS[each.status]} |"
        for each in rows
    ]
    return "\n".join(lines)


def wires_of(code: str) -> frozenset[str]:
    """The dialects in which a code is met."""
    found = [wires for start, wires in _ONLY_ON.items() if code.startswith(start)]
    return found[0] if found else _ALL


def _row(each: type[BanksideError]) -> str:
    refusal = Refusal.of(each())
    alipay = code_of(method_table(), None, refusal)
    status, name = v3_code(alipay, refusal)
    means = each.headline() + (f" (ISO 20022 {each.iso_reason})" if each.iso_reason else "")
    do = _BY_CODE.get(each.code) or _BY_STATUS[each.status]
    spelled = {
        "native": each.status,
        "icbc": return_code(refusal),
        "alipay": f"{alipay.code} `{alipay.sub_code}`",
        "alipay3": f"{status} `{name}`",
    }
    here = wires_of(each.code)
    words = [str(word) if wire in here else "-" for wire, word in spelled.items()]
    return f"| `{each.code}` | {' | '.join(words)} | {means} | {do} |"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
