"""The values that choose an outcome in the sandbox: the list of codes is made from the classes.

What stands above the mark in ``docs/partner/sandbox-values.md`` is written by hand; below it stands
one line for each refusal that a partner can meet, the same classes as in ``errors.md``. A test
fails when the document is another one, and another asks for each line over a running edge.

Usage: ``python -m tools.sandbox_values`` writes the document.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from bankside.kernel.errors import BanksideError
from tools.error_codes import refusals

DOCUMENT = Path(__file__).resolve().parents[1] / "docs" / "partner" / "sandbox-values.md"
MARK = "<!-- Below: made by `python -m tools.sandbox_values` from the error classes. -->"

# Where plain business leads to the same code, told beside it.
_NATURALLY: Mapping[str, str] = {
    "account.not_found": "name `acc_00000000000000000000000000`",
    "consent.not_active": "revoke the consent, or advance the clock beyond it",
    "idempotency.key_missing": "leave the key out",
    "idempotency.key_reused": "the same key with another body",
    "limit.rate_exceeded": "call faster than the app's rate",
    "loan.declined": "a loan of an amount ending in 666",
    "mandate.not_active": "advance the clock beyond `until`",
    "order.already_paid": "pay a paid order again",
    "order.closed": "advance the clock two hours beyond an unpaid order",
    "order.not_found": "ask for `ord_00000000000000000000000000`",
    "order.number_reused": "the same number with another amount",
    "payer_token.unknown": "pay with `280000000000000000`",
    "payment.funds_insufficient": "pay 1.00 from `wang.sitong`, who has 0.50",
    "refund.exceeds_paid": "refund more than was paid",
    "request.invalid": "leave a required field out",
    "route.not_found": "call a path that is not there",
    "signature.invalid": "sign with another key",
    "signature.replayed": "send the same message twice",
    "signature.stale": "sign with a clock ten minutes late",
    "verification.unavailable": "a number ending in 9999",
}


def wished(each: type[BanksideError]) -> str:
    """The header's value: the code, with its status where the code alone would not say which."""
    statuses = Counter(other.code for other in refusals())
    return f"{each.code} {each.status}" if statuses[each.code] > 1 else each.code


def table() -> str:
    """One line a refusal."""
    lines = ["| `X-Sandbox-Outcome` | status | also happens when you |", "| --- | --- | --- |"]
    lines += [
        f"| `{wished(each)}` | {each.status} | {_NATURALLY.get(each.code, '')} |"
        for each in refusals()
    ]
    return "\n".join(lines)


def document() -> str:
    """The whole text: what was written by hand, and the table of today's classes."""
    written = DOCUMENT.read_text(encoding="utf-8").partition(MARK)[0].rstrip()
    return f"{written}\n\n{MARK}\n\n{table()}\n"


def main() -> None:
    """Write the document."""
    DOCUMENT.write_text(document(), encoding="utf-8")


if __name__ == "__main__":
    main()
