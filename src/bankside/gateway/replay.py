"""Used nonces, remembered once for all workers of a machine.

Always true: of all who claim one (app, nonce) at most one is told True, in whatever process; a
nonce is remembered for at least ``window_s``; when there is no room for it the call is refused.
A nonce is a keyed 64-bit hash in an open-addressed table. There are two tables, used in turn for
``window_s`` each; both are searched. Their places alternate in groups of eight, so that both
searches read one page: on a busy machine memory is most of the cost. Each of 256 stripes turns by
itself, at its first claim after the time, so no worker ever clears a whole table at once.
Wires have windows of very different length, so there is one store for the short ones and one for
the long (`ReplayByWire`): what a busy short window needs stays small.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from bankside.gateway.errors import ReplayStoreFull
from bankside.gateway.shared import SharedFile

STRIPES: Final = 256
# 32 MB a table, two tables: 3.3 million nonces a window, which is 2,800 calls a second for 1,200 s.
SLOTS_DEFAULT: Final = 2**22
# Probing gets long beyond this; and what is full must be said while there is still some room.
FILL_MAX_PERCENT: Final = 80
# Stripes fill by chance: the fullest of 256 is at most this much ahead of the mean, when a stripe
# has some thousand places.
_UNEVEN_PERCENT: Final = 5
# Words of a stripe before its slots: the turn each table holds, how many nonces are in it, and
# four unused ones, so that groups of slots begin with a cache line.
_META: Final = 8
# Slots of one table that lie together: a cache line. Those of the other table are the next line.
_GROUP: Final = 8
_EMPTY: Final = memoryview(bytes(8 * _GROUP)).cast("Q")


def slots_for(calls_per_second: int, window_s: int) -> int:
    """Places a table needs to remember so many calls; a store has two tables of 8 B a place."""
    places = calls_per_second * window_s * (100 + _UNEVEN_PERCENT) // FILL_MAX_PERCENT
    return max(1, -(-places // (_GROUP * STRIPES))) * _GROUP * STRIPES


class ReplayByWire:
    """Two stores behind the port of one: wires with a short window do not pay for the long ones.

    A nonce begins with the name of its wire and a colon. Those of the wires named in ``short``
    stand in the store ``brief``, all others in ``long``. ``started_at``: epoch seconds since when
    neither store forgot anything.
    """

    __slots__ = ("_brief", "_long", "_short", "started_at")

    def __init__(self, brief: "ReplayStore", long: "ReplayStore", *, short: Iterable[str]) -> None:
        self._brief = brief
        self._long = long
        self._short = tuple(f"{wire}:" for wire in short)
        self.started_at = max(brief.started_at, long.started_at)

    def seen(self, app: str, nonce: str, now: float) -> bool:
        """Whether the pair was already accepted. Takes no lock and may miss the latest claims."""
        store = self._brief if nonce.startswith(self._short) else self._long
        return store.seen(app, nonce, now)

    def claim(self, app: str, nonce: str, now: float) -> bool:
        """Remember the pair; False when it was there. Raises ReplayStoreFull, SharedStateBusy."""
        store = self._brief if nonce.startswith(self._short) else self._long
        return store.claim(app, nonce, now)


class ReplayStore:
    """The store behind the port of the same name; one object a worker, one file a machine."""

    __slots__ = (
        "_app",
        "_file",
        "_full",
        "_mark",
        "_nonce",
        "_slots",
        "_stripe_words",
        "_window",
        "_words",
    )

    def __init__(
        self, path: Path, *, now: float, window_s: int, slots: int = SLOTS_DEFAULT
    ) -> None:
        """``window_s``: seconds a timestamp may lie behind plus ahead, of the widest wire.

        ``slots``: places of a table, a multiple of 8 STRIPES. ``path`` best lies on a tmpfs.
        Raises SharedFileInvalid, OSError.
        """
        if slots < 1 or slots % (_GROUP * STRIPES) or window_s < 1:
            raise ValueError(f"slots: a multiple of {_GROUP * STRIPES}")
        self._slots = slots // STRIPES
        self._full = self._slots * FILL_MAX_PERCENT // 100
        self._stripe_words = _META + 2 * self._slots
        self._window = window_s
        self._file = SharedFile(
            path,
            layout=f"replay 2, window {window_s} s",
            stripes=STRIPES,
            count=STRIPES * self._stripe_words,
            now=now,
        )
        self._words = self._file.words
        # The pair asked for last and its hash: `claim` mostly follows the `seen` of the same call.
        self._app: str | None = None
        self._nonce: str | None = None
        self._mark = 0

    @property
    def started_at(self) -> float:
        """Epoch seconds since when nothing was forgotten; older requests must be refused."""
        return self._file.started_at

    def seen(self, app: str, nonce: str, now: float) -> bool:
        """Whether the pair was already accepted. Takes no lock and may miss the latest claims."""
        mark = self._marked(app, nonce)
        words, slots = self._words, self._slots
        meta = (mark % STRIPES) * self._stripe_words
        slot = (mark // STRIPES) % slots
        place = meta + _META + slot + slot // _GROUP * _GROUP
        # Nearly always both first places are free, and nothing else need be read.
        if not (words[place] or words[place + _GROUP]):
            return False
        oldest = int(now // self._window) - 1
        for table in (0, 1):
            if words[meta + table] >= oldest and self._find(meta, table, mark) < 0:
                return True
        return False

    def claim(self, app: str, nonce: str, now: float) -> bool:
        """Remember the pair; False when it was there. Raises ReplayStoreFull, SharedStateBusy."""
        # The very same objects come back after `seen`: that costs less than hashing them again.
        known = nonce is self._nonce and app is self._app
        mark = self._mark if known else self._marked(app, nonce)
        stripe = mark % STRIPES
        self._file.lock(stripe)
        try:
            return self._claim(stripe * self._stripe_words, mark, int(now // self._window))
        finally:
            self._file.unlock(stripe)

    def fill_percent(self) -> int:
        """How full the fullest stripe is, for metrics and alarms; 80 refuses calls."""
        words, each = self._words, self._stripe_words
        counts = (max(words[at + 2], words[at + 3]) for at in range(0, STRIPES * each, each))
        return max(counts) * 100 // self._slots

    def close(self) -> None:
        """Let the file go; it stays for the other workers."""
        self._words.release()
        self._file.close()

    def _marked(self, app: str, nonce: str) -> int:
        self._app, self._nonce = app, nonce
        self._mark = mark = self._file.hashed(f"{app}\0{nonce}")
        return mark

    def _claim(self, meta: int, mark: int, turn: int) -> bool:
        words, slots = self._words, self._slots
        # Another worker's clock, or this one's before it was set back, may be ahead: a turn that
        # has begun stays, for going back would clear what must be remembered.
        if words[meta] > turn or words[meta + 1] > turn:
            turn = max(words[meta], words[meta + 1])
        table = turn & 1
        if words[meta + table] != turn:
            self._clear(meta, table, turn)
        slot = (mark // STRIPES) % slots
        first = meta + _META + slot + slot // _GROUP * _GROUP
        place = first + table * _GROUP
        # Both first places free is both tables searched; that is the usual case.
        if words[first] or words[first + _GROUP]:
            if words[meta + 1 - table] == turn - 1 and self._find(meta, 1 - table, mark) < 0:
                return False
            place = self._find(meta, table, mark)
            if place < 0:
                return False
        if words[meta + 2 + table] >= self._full:
            raise ReplayStoreFull(retry_after=1)
        words[place] = mark
        # Counted last: a worker killed in between leaves a nonce too many, never one too few.
        words[meta + 2 + table] += 1
        return True

    def _find(self, meta: int, table: int, mark: int) -> int:
        """-1 when the mark is in the table of this stripe, else the free place for it."""
        words, slots = self._words, self._slots
        first = meta + _META + table * _GROUP
        slot = (mark // STRIPES) % slots
        for _ in range(slots):
            place = first + slot + slot // _GROUP * _GROUP
            word = words[place]
            if not word:
                return place
            if word == mark:
                return -1
            slot += 1
            if slot == slots:
                slot = 0
        raise ReplayStoreFull(retry_after=1)

    def _clear(self, meta: int, table: int, turn: int) -> None:
        # A table that never had a turn is as the file was made: empty, and not in memory yet.
        if self._words[meta + table]:
            first = meta + _META + table * _GROUP
            for group in range(first, first + 2 * self._slots, 2 * _GROUP):
                self._words[group : group + _GROUP] = _EMPTY
        self._words[meta + 2 + table] = 0
        # Last: whoever finds the old turn, also after a crash in between, clears again.
        self._words[meta + table] = turn
