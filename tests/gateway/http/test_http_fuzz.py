"""Whatever bytes arrive, however cut: no crash, no hang, no second answer, no doubtful call.

``BANKSIDE_FUZZ_EXAMPLES=50000`` runs the long version.
"""

import os
from itertools import pairwise

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.gateway.http.corpus import ACCEPTED, BODY_ON_GET, REFUSED
from tests.gateway.http.rig import Rig

EXAMPLES = int(os.environ.get("BANKSIDE_FUZZ_EXAMPLES", "1200"))
SEEDS = [
    case.sent for case in ACCEPTED + REFUSED + BODY_ON_GET
    if b"HEAD" not in case.sent and len(case.sent) < 600
]  # fmt: skip
TOKENS = [
    b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b":", b"\0", b"0", b"0\r\n\r\n", b"\xff",
    b"Content-Length: 3\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n", b"Upgrade: h2c\r\nConnection: upgrade\r\n", b"Host: b\r\n",
    b"Expect: 100-continue\r\n", b"GET /b HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.0", b"HTTP/2.0",
    b"http://h/p", b"*", b"#", b"?", b"a" * 9_000, b"X-A: b\r\n" * 70,
]  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One to three requests of the corpus, damaged in a few places."""
    sent = b"".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(sent)))
        to = min(len(sent), at + draw(st.sampled_from([0, 0, 1, 2, 7])))
        sent = sent[:at] + draw(st.sampled_from(TOKENS) | st.binary(max_size=3)) + sent[to:]
    return sent


def outcome(rig: Rig) -> tuple[list[tuple[int, str, bytes]], list[str], bool]:
    answers = rig.answers()  # asserts that the stream is whole answers and nothing else
    told = [(each.status, each.code, b"" if each.code else each.body) for each in answers]
    calls = [f"{x.method} {x.path} {x.query} {sorted(x.headers.items())} {x.body!r}"
             for x in rig.calls]  # fmt: skip
    return told, calls, rig.transport.ended


@settings(
    max_examples=EXAMPLES, deadline=2_000, suppress_health_check=list(HealthCheck), database=None
)
@given(requests(), st.lists(st.floats(0, 1), max_size=4))
def test_damaged_requests_are_refused_or_understood_one_way(sent: bytes, at: list[float]) -> None:
    cuts = sorted({int(each * len(sent)) for each in at} | {0, len(sent)})
    pieces = [sent[start:end] for start, end in pairwise(cuts)]

    whole, cut = Rig().send(sent), Rig().send(*pieces)

    told, calls, ended = outcome(whole)
    assert outcome(cut) == (told, calls, ended)
    assert sum(body.startswith(b"GET ") or b" /" in body for _, _, body in told) == len(calls)
    assert whole.server.buffered == cut.server.buffered or not ended
    closing = [each for each in whole.answers() if each.headers.get("connection") == "close"]
    assert len(closing) <= 1
    assert not closing or whole.answers()[-1] == closing[0], "nothing follows the last answer"
    assert all(status < 500 or status in {501, 505} for status, _, _ in told)


@settings(max_examples=EXAMPLES // 3, deadline=2_000, database=None)
@given(st.binary(max_size=300))
def test_noise_reaches_no_stage(noise: bytes) -> None:
    rig = Rig().send(noise)
    rig.wait(12)

    assert not rig.calls
    assert len(rig.answers()) <= 1
