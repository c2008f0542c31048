"""Access tokens as this worker knows them: asked for once, kept until they end or are revoked.

Always true: a token is answered for only while this worker's lease runs and nothing it stands on
was revoked after it was looked up; the look-up is by the token's SHA-256, and the token itself is
kept nowhere. An entry carries the number of the last revocation that was known before its look-up
began, so an answer that was under way while something was revoked is asked for again.
Source: gateway guide section 5, security guide section 6.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from time import CLOCK_BOOTTIME, clock_gettime
from typing import Any

import msgspec

from bankside.gateway.errors import LookupsBusy

# The guide's bound: about 100 MB. Tokens live for 300 s, so this is 330 new ones a second.
TOKENS_KEPT_MAX = 100_000
# What is no token of ours may become none of ours for a second only.
ABSENT_SECONDS = 1.0
ABSENT_KEPT_MAX = 10_000
# Strangers can invent tokens faster than a database answers; so many questions at once, no more.
LOOKUPS_MAX = 64
# A token lives for 300 s; what was revoked longer ago can be in no entry.
MARKS_SECONDS = 900.0
MARKS_MAX = 500_000
# Each is a full round trip; more in a row means the revocations come faster than the answers.
_ASKED_MAX = 3


def since_boot() -> float:
    """Seconds of a clock that nobody sets and that runs on while the machine sleeps."""
    return clock_gettime(CLOCK_BOOTTIME)


class Access(msgspec.Struct, frozen=True):
    """What a good token stands for. ``customer`` and ``grant`` are None for a client's own.

    ``jkt``: thumbprint of the key it is bound to; "" when it is bound to the certificate ``x5t``.
    ``expires_at``: epoch seconds. ``marks`` are the names under which its end would be told;
    ``seq`` the last revocation known before the look-up.
    """

    partner: str
    client: str
    grant: str | None
    customer: str | None
    scopes: frozenset[str]
    details: tuple[Mapping[str, Any], ...]
    jkt: str
    expires_at: float
    x5t: str = ""
    marks: tuple[str, ...] = ()
    seq: int = 0


class Ended(msgspec.Struct, frozen=True):
    """One revocation, as this worker applies it: ``marks`` name what is over.

    ``seq`` is its number. A mark of a token or grant ends it; a mark ``consents of ...`` says that
    what a grant allows has changed.
    """

    seq: int
    marks: tuple[str, ...]


def token_mark(digest: bytes) -> str:
    """The mark of a token, by its SHA-256."""
    return f"token {digest.hex()}"


def grant_marks(partner: str, grant: str) -> tuple[str, str]:
    """The marks of a grant's end and of a change of its consents."""
    return f"grant {partner} {grant}", f"consents of {partner} {grant}"


def consent_mark(partner: str, consent: str) -> str:
    """The mark of a consent's end."""
    return f"consent {partner} {consent}"


# The token by its SHA-256 and itself; None when it is no good token of ours.
LookUp = Callable[[str], Awaitable[Access | None]]


class Tokens:
    """The tokens of one worker; its lease is renewed from outside (``hold``)."""

    def __init__(
        self,
        look_up: LookUp,
        *,
        keep: int = TOKENS_KEPT_MAX,
        clock: Callable[[], float] = since_boot,
    ) -> None:
        self._look_up = look_up
        self._keep = keep
        self._clock = clock
        self._live_until = 0.0
        self._kept: OrderedDict[bytes, Access] = OrderedDict()
        self._absent: OrderedDict[bytes, float] = OrderedDict()
        self._asking: dict[bytes, asyncio.Future[Access | None]] = {}
        self._marks: dict[str, int] = {}
        self._marked: deque[tuple[float, str, int]] = deque()
        # The last revocation applied; entries from before ``_floor`` are worth nothing.
        self.applied = 0
        self._floor = 0

    @property
    def live(self) -> bool:
        """Whether this worker hears of revocations: only then may it answer for tokens."""
        return self._clock() < self._live_until

    def seconds(self) -> float:
        """Now, by the clock that leases are counted with."""
        return self._clock()

    def hold(self, until: float) -> None:
        """The lease runs until then (``seconds()``), everything up to now has been applied."""
        self._live_until = until

    def begin(self, applied: int) -> None:
        """Know nothing but that ``applied`` was the last revocation: all entries are forgotten."""
        self.applied = self._floor = applied
        self._kept.clear()
        self._absent.clear()
        self._marks.clear()
        self._marked.clear()

    def apply(self, ended: Iterable[Ended]) -> None:
        """What these name is over from now on, in calls that run too."""
        now = self._clock()
        for each in ended:
            for mark in each.marks:
                self._marks[mark] = each.seq
                self._marked.append((now, mark, each.seq))
            self.applied = max(self.applied, each.seq)
        while self._marked and self._marked[0][0] < now - MARKS_SECONDS:
            _, mark, seq = self._marked.popleft()
            if self._marks.get(mark) == seq:
                del self._marks[mark]
        if len(self._marks) > MARKS_MAX:
            self.begin(self.applied)

    def ended(self, marks: Iterable[str], since: int) -> str | None:
        """The first of ``marks`` that ended after the revocation ``since``; None: all stand."""
        if since < self._floor:
            return "everything"
        if not self._marks:
            return None
        for mark in marks:
            if self._marks.get(mark, 0) > since:
                return mark
        return None

    def known(self, digest: bytes, now: float) -> Access | None:
        """The token with this SHA-256 when this worker knows it to be good; costs no question."""
        found = self._kept.get(digest)
        if found is None:
            return None
        if found.expires_at <= now or self.ended(found.marks, found.seq):
            del self._kept[digest]
            return None
        self._kept.move_to_end(digest)
        return found

    def absent(self, digest: bytes, now: float) -> bool:
        """Whether the database said a moment ago that there is no such good token."""
        until = self._absent.get(digest)
        return until is not None and now < until

    def ask(self, token: str, digest: bytes, now: float) -> Awaitable[Access | None]:
        """Ask for a token that is not known here; callers at once share one question.

        Raises LookupsBusy and what the look-up raises.
        """
        asking = self._asking.get(digest)
        if asking is None:
            if len(self._asking) >= LOOKUPS_MAX:
                raise LookupsBusy
            asking = asyncio.ensure_future(self._asked(token, digest, now))
            self._asking[digest] = asking
            asking.add_done_callback(lambda _: self._asking.pop(digest, None))
        # A caller that gives up must not end the question of the others.
        return asyncio.shield(asking)

    async def _asked(self, token: str, digest: bytes, now: float) -> Access | None:
        for _ in range(_ASKED_MAX):
            since = self.applied
            found = await self._look_up(token)
            if found is None:
                self._remember_absent(digest, now)
                return None
            marks = (token_mark(digest), *_grant_marks(found))
            entry = msgspec.structs.replace(found, marks=marks, seq=since)
            if not self.ended(marks, since):
                self._kept[digest] = entry
                if len(self._kept) > self._keep:
                    self._kept.popitem(last=False)
                return entry
        raise LookupsBusy

    def _remember_absent(self, digest: bytes, now: float) -> None:
        self._absent[digest] = now + ABSENT_SECONDS
        self._absent.move_to_end(digest)
        if len(self._absent) > ABSENT_KEPT_MAX:
            self._absent.popitem(last=False)


def _grant_marks(access: Access) -> tuple[str, ...]:
    return grant_marks(access.partner, access.grant) if access.grant is not None else ()
