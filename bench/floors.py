"""What stands beside the edge's figures: the same crypto alone, and a server that only answers."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256

from bankside.kernel.signing import generate, public_der, signer, verifier
from bench.machine import SERVER_CORE, pinned

# One timing of a row's crypto takes some 5 to 30 ms.
REPEATS = 300
# Lengths of what is signed (bytes): the usual request of the native wire, and its answer.
REQUEST_BASE = 330
ANSWER_BASE = 360


@dataclass(frozen=True)
class Crypto:
    """The operations of one call: digest and verify the request, digest and sign the answer."""

    work: Callable[[], None]

    @classmethod
    def of(cls, verify_alg: str, sign_alg: str, body: bytes) -> "Crypto":
        """Fresh keys of the two algorithms; ``body`` is both the request's and the answer's."""
        private, own = generate(verify_alg), generate(sign_alg)
        asked, answered = bytes(REQUEST_BASE), bytes(ANSWER_BASE)
        signature = signer(verify_alg, private)(asked)
        shared = verify_alg == "hmac-sha256"
        verify = verifier(verify_alg, private if shared else public_der(private))
        sign = signer(sign_alg, own)

        def work() -> None:
            sha256(body).digest()
            verify(asked, signature)
            sha256(body).digest()
            sign(answered)

        return cls(work)

    def us(self) -> float:
        """CPU microseconds of one call's crypto, on the server's core, now."""
        with pinned(SERVER_CORE):
            began = time.thread_time_ns()
            for _ in range(REPEATS):
                self.work()
            return (time.thread_time_ns() - began) / 1000 / REPEATS


@contextmanager
def constant_server(contestant: str) -> Iterator[tuple[int, int]]:
    """A contestant of ``bench.http_floor`` in its own process: its pid and port."""
    with pinned(SERVER_CORE):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.http_floor", "serve", contestant],
            stdout=subprocess.PIPE,
            text=True,
        )
    try:
        assert process.stdout is not None
        yield process.pid, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
