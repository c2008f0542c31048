"""Used nonces, remembered once for all workers of a machine.

Always true: of all who claim one (app, nonce) at most one is told True, in whatever process; a
nonce is remembered for at least ``window_s``; when there is no room for it the call is refused.
A nonce is a keyed 64-bit hash in an open-addressed table. There are two tables, used in turn for
``window_s`` each; both are searched. Each of 1,024 stripes turns by itself, at its first claim
after the time, so no worker ever clears a whole table at once.
"""

from pathlib import Path
from typing import Final

from bankside.gateway.errors import ReplayStoreFull
from bankside.gateway.shared import SharedFile

STRIPES: Final = 1024
# 32 MB a table, two tables: 3.3 million nonces a window, which is 2,800 calls a second for 1,200 s.
SLOTS_DEFAULT: Final = 2**22
# Probing gets long beyond this; and what is full must be said while there is still some room.
FILL_MAX_PERCENT: Final = 80
# Words of a stripe before its slots: the turn each table holds, and how many nonces are in it.
_META: Final = 4


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

        ``slots``: places of a table, a multiple of STRIPES. ``path`` best lies on a tmpfs.
        Raises SharedFileInvalid, OSError.
        """
        if slots < 8 * STRIPES or slots % STRIPES or window_s < 1:
            raise ValueError(f"slots: a multiple of {STRIPES}, at least {8 * STRIPES}")
        self._slots = slots // STRIPES
        self._full = self._slots * FILL_MAX_PERCENT // 100
        self._stripe_words = _META + 2 * self._slots
        self._window = window_s
        self._file = SharedFile(
            path,
            layout=f"replay 1, {STRIPES} stripes, window {window_s} s",
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
        place = meta + _META + (mark // STRIPES) % slots
        # Nearly always both first places are free, and nothing else need be read.
        if not (words[place] or words[place + slots]):
            return False
        oldest = int(now // self._window) - 1
        for table in (0, 1):
            if words[meta + table] >= oldest and self._find(meta, table, mark) < 0:
                return True
        return False

    def claim(self, app: str, nonce: str, now: float) -> bool:
        """Remember the pair; False when it was there. Raises ReplayStoreFull, SharedStateBusy."""
        mark = self._marked(app, nonce)
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
        # The very same objects come back: comparing them costs less than joining them again.
        if nonce is not self._nonce or app is not self._app:
            self._mark = self._file.hashed(f"{app}\0{nonce}")
            self._app, self._nonce = app, nonce
        return self._mark

    def _claim(self, meta: int, mark: int, turn: int) -> bool:
        words = self._words
        # Another worker's clock, or this one's before it was set back, may be ahead: a turn that
        # has begun stays, for going back would clear what must be remembered.
        turn = max(turn, words[meta], words[meta + 1])
        table = turn & 1
        if words[meta + table] != turn:
            self._clear(meta, table, turn)
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
        first = meta + _META + table * slots
        place = first + (mark // STRIPES) % slots
        for _ in range(slots):
            word = words[place]
            if not word:
                return place
            if word == mark:
                return -1
            place += 1
            if place == first + slots:
                place = first
        raise ReplayStoreFull(retry_after=1)

    def _clear(self, meta: int, table: int, turn: int) -> None:
        first = meta + _META + table * self._slots
        self._words[first : first + self._slots] = memoryview(bytes(8 * self._slots)).cast("Q")
        self._words[meta + 2 + table] = 0
        # Last: whoever finds the old turn, also after a crash in between, clears again.
        self._words[meta + table] = turn
