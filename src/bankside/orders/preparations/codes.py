"""One-time codes: six digits, good for five minutes, kept as a salted hash.

A code is sent through the bank's message channel. The sandbox has none that leaves the house: there
the order itself shows the code, labelled as such, and ``MAGIC`` stands for any code.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bankside.kernel.clock import rfc3339
from bankside.orders.primitives.verify import ATTEMPTS_MAX, Check

DIGITS = 6
# Long enough to change to another app and type; short enough that six digits cannot be tried out.
TTL = timedelta(minutes=5)
# The sandbox's code that is always right, for scripts that cannot read messages.
MAGIC = "123456"


def drawn(at: datetime, *, shown: bool) -> dict[str, Any]:
    """A fresh code as an order keeps it; ``shown``: with the code itself (sandbox only)."""
    code = str(secrets.randbelow(10**DIGITS)).zfill(DIGITS)
    return sealed(code, at + TTL) | ({"sandbox_code": code} if shown else {})


def sealed(code: str, until: datetime) -> dict[str, Any]:
    """Any text that has to be told back until an instant, as an order keeps it."""
    salt = secrets.token_hex(16)
    return {
        "_hash": _hash(salt, code),
        "_salt": salt,
        "expires_at": rfc3339(until),
        "attempts": 0,
    }


def of_amounts(minor: Iterable[int]) -> str:
    """The amounts of small deposits as a code: whoever was paid them tells them in any order."""
    return ":".join(str(each) for each in sorted(minor))


def compared(sent: Mapping[str, Any], given: str, *, at: datetime) -> Check:
    """Whether ``given`` is the code that was sent, in time and within the attempts allowed."""
    if sent["attempts"] >= ATTEMPTS_MAX:
        return Check(False, ("code.attempts",))
    if at >= datetime.fromisoformat(sent["expires_at"]):
        return Check(False, ("code.expired",))
    if not hmac.compare_digest(_hash(sent["_salt"], given), sent["_hash"]):
        return Check(False, ("code.wrong",))
    return Check(True)


def _hash(salt: str, code: str) -> str:
    return hashlib.sha256(f"{salt}:{code}".encode()).hexdigest()
