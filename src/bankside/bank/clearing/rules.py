"""What a position claims, how a batch is hashed, what a payout's key is. Pure.

Source: reliability guide, sections 3, 4 and 7.1 (netting, payouts, a key from what is paid).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from bankside.bank.clearing.model import Position
from bankside.kernel.money import Money


@dataclass(frozen=True, slots=True)
class Claim:
    """What leaves the available money: to the bank's advance, the reserve, and the merchant."""

    recovered: int
    kept: int
    payout: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.recovered + self.kept + self.payout


def claim(net: int, *, available: int, owed: int, short: int) -> Claim:
    """Of the net position, as far as it is still there: the advance first, then the reserve.

    ``available`` is the sub-account's balance now: a refund after the seal may have used some of
    the net, and then comes out of the next date's position as well as out of this payout.
    ``owed`` is what the bank advanced, ``short`` what the reserve lacks. Never negative.
    """
    room = max(min(net, available), 0)
    recovered = min(room, owed)
    kept = min(room - recovered, max(short, 0))
    return Claim(recovered, kept, room - recovered - kept)


def funded(minor: int, sources: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """What each source gives to a refund, in their order; a source that gives nothing is left out.

    ``sources``: (ledger account, what it can give). What they do not cover falls to the first, so
    that the ledger refuses the whole.
    """
    parts: list[tuple[str, int]] = []
    left = minor
    for account, has in sources:
        part = min(max(has, 0), left)
        left -= part
        if part:
            parts.append((account, part))
    return [(sources[0][0], minor)] if left else parts


def position_line(position: Position) -> str:
    """The sealed figures of a position as one line of text: what the batch's hash covers."""
    p = position
    figures = (p.paid_in, p.captured, p.refunded, p.split, p.returned, p.fee, p.settled, p.other)
    shown = (str(Money(each, p.currency)) for each in (*figures, p.moved, p.carried_in, p.net))
    word = "net" if p.netted else "direct"
    about = (p.partner, p.tenant or "", p.merchant, p.currency, word, str(p.postings))
    return ",".join((*about, *shown))


def batch_hash(on: date, value_on: date, lines: Iterable[str]) -> bytes:
    """SHA-256 over the dates and the lines of the positions, each ended by a line feed."""
    whole = hashlib.sha256(f"{on.isoformat()},{value_on.isoformat()}\n".encode())
    for each in lines:
        whole.update(each.encode() + b"\n")
    return whole.digest()


def payout_key(position: Position) -> str:
    """The payout's name for the network: from what it pays and for which date, never from a run."""
    text = f"{position.partner},{position.on.isoformat()},{position.merchant},{position.currency}"
    return "clr-" + hashlib.sha256(text.encode()).hexdigest()[:32]
