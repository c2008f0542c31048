"""The sandbox's network: nothing leaves the machine, and every answer says that it is simulated.

The last four digits of the payee's account choose the answer (documented for partners):

====  ==========================================
9001  refused, AC01 (no such account)
9002  refused, AC04 (account closed)
9003  refused, RR04 (regulatory reason)
9101  unknown at first, done when asked again
9102  unknown at first, refused when asked again
9103  unknown for ever
====  ==========================================

Everything else is done.
"""

import hashlib
from collections.abc import Mapping

from bankside.bank.networks.port import Outcome, Outgoing

_REFUSED: Mapping[str, str] = {"9001": "AC01", "9002": "AC04", "9003": "RR04"}
_UNKNOWN: Mapping[str, Outcome] = {
    "9101": Outcome("done", source="sandbox", simulated=True),
    "9102": Outcome("refused", reason="AC04", source="sandbox", simulated=True),
    "9103": Outcome("unknown", source="sandbox", simulated=True),
}


class SandboxNetwork:
    """Answers by the payee's account and keeps nothing: the same question, the same answer."""

    real = False

    async def send(self, key: str, payment: Outgoing) -> Outcome:
        """The answer to a first request."""
        last = payment.account[-4:]
        if last in _UNKNOWN:
            return Outcome("unknown", source="sandbox", simulated=True)
        return _settled(key, last)

    async def ask(self, key: str, payment: Outgoing) -> Outcome:
        """The answer to a query about an earlier request."""
        last = payment.account[-4:]
        found = _UNKNOWN.get(last)
        if found is None or found.state == "done":
            return _settled(key, last)
        return found


def _settled(key: str, last: str) -> Outcome:
    if last in _REFUSED:
        return Outcome("refused", reason=_REFUSED[last], source="sandbox", simulated=True)
    reference = "SBX" + hashlib.sha256(key.encode()).hexdigest()[:13].upper()
    return Outcome("done", reference=reference, source="sandbox", simulated=True)
