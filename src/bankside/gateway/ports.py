"""What the edge needs from outside, as small protocols; `app/edge.py` supplies the real ones."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from bankside.gateway.exchange import Exchange, Refusal, Reply
from bankside.gateway.serving import Serving
from bankside.gateway.tokens import Access
from bankside.kernel.call import Answer, Call
from bankside.kernel.snapshot import Key

# Executes one proven call. A direct Answer costs no task; raises BanksideError to refuse.
Handle = Callable[[Call], Answer | Awaitable[Answer]]


class Wire(Protocol):
    """One dialect: bytes to Exchange fields, and an answer or refusal back to bytes.

    The four steps are called in this order by the pipeline; each returns a Refusal or None.
    `read` touches no key material and decodes no business content; `decode` runs after the
    signature was verified and fills ``body_json``, ``query_params`` and ``idempotency_key``.

    ``s`` is a Snapshot with what is derived from it (`serving.py`): ``s.verifier(key)``,
    ``s.signer(key)``, ``s.opened(key)`` (AES keys), ``s.answer_key(wire, app)``, ``s.icbc_paths``,
    ``s.routes``. In `verify` the same object is ``x.serving``. The pipeline itself finds the app
    (``x.app_id``; an unknown one stays None until the signature stage, so that strangers cannot
    tell), checks clock, replay, tenant token, subscription, scope, rate, availability and that an
    idempotency key is there, and puts what it refuses into ``x.refusal`` (codes: `errors.py`).
    """

    name: str
    # How far a timestamp may lie behind and ahead of our clock, in seconds.
    window_behind: int
    window_ahead: int

    def claims(self, x: Exchange) -> bool:
        """Whether this request speaks the dialect; looks at method, path and headers only."""

    def read(self, x: Exchange, s: Serving) -> Refusal | None:
        """Find app id, operation, timestamp, replay key and signature."""

    def verify(self, x: Exchange, key: Key) -> bool:
        """Whether the signature verifies under this key of the app, over the received bytes.

        On False the wire may leave a more precise refusal in ``x.refusal``; without one the caller
        hears ``signature.invalid``. Called for each valid key of the app's wire (at most 4), or
        only for ``x.key_id`` when `read` set it.
        """

    def decode(self, x: Exchange, s: Serving) -> Refusal | None:
        """Turn the business content into the native JSON body and query."""

    def reply(self, x: Exchange, s: Serving) -> Reply:
        """Write ``x.answer`` or ``x.refusal`` in the dialect, signed. Never raises."""


class ReplayStore(Protocol):
    """Remembers used nonces over all workers of the machine.

    ``started_at``: epoch seconds since when it remembers; older requests are refused, because a
    reboot may have lost their nonces.
    """

    @property
    def started_at(self) -> float:
        """Epoch seconds since when nothing was forgotten."""

    def seen(self, app: str, nonce: str, now: float) -> bool:
        """Whether the pair was already accepted (read only; costs no lock)."""

    def claim(self, app: str, nonce: str, now: float) -> bool:
        """Remember the pair; False when it was there. Of two racing callers one gets True."""


class TokenResolver(Protocol):
    """Access tokens, asked for once; what this worker hears of revocations (`tokens.py`)."""

    applied: int

    @property
    def live(self) -> bool:
        """Whether this worker may answer for tokens and consents now."""

    def known(self, digest: bytes, now: float) -> Access | None:
        """The token with this SHA-256, when it is known here to be good."""

    def absent(self, digest: bytes, now: float) -> bool:
        """Whether it is known here to be no good token."""

    def ask(self, token: str, digest: bytes, now: float) -> Awaitable[Access | None]:
        """Look the token up."""

    def ended(self, marks: Iterable[str], since: int) -> str | None:
        """The first of ``marks`` that ended after revocation number ``since``."""


class LimitStore(Protocol):
    """Token buckets shared by all workers of the machine."""

    def take(self, bucket: str, now: float, *, rate: int, burst: int) -> float:
        """Take one token: 0.0 when granted, else the seconds until one is there."""


class Meter(Protocol):
    """Takes one call record a call; money calls wait until their record is on disk."""

    @property
    def failing(self) -> bool:
        """Whether records cannot be written now: then no money is moved."""

    def record(self, x: Exchange, reply: Reply, *, seconds: float) -> None:
        """Append the call record; written out within 100 ms."""

    def flushed(self) -> Awaitable[None]:
        """Resolves when everything recorded so far is on disk; raises OSError when it cannot be."""


__all__ = [
    "Answer",
    "Call",
    "Handle",
    "LimitStore",
    "Meter",
    "ReplayStore",
    "TokenResolver",
    "Wire",
]
