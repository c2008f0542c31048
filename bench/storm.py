"""Calls of all kinds to a hostile service behind the edge, and whether every answer is right.

Always true: an answer counts as right when its signature verifies, its status and code are among
those that are documented for what the service did, and a 2xx holds the id that was asked for; never
more than one call is under way on a connection.
"""

import asyncio
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bankside.kernel.signing.rfc9421 import Answer, AnswerUntrusted, Request, verify_answer
from bench.edge import Edge
from bench.hostile import KINDS as WAYS
from bench.hostile import Outcome
from bench.load import Line
from bench.requests import Template, one, parsed

PATH = "/v1/echoes"
CONNECTIONS = 48
WRITES_SHARE = 0.3
# Of a hundred calls beside the kinds: a bent signature, and a date that is none.
FORGED, MALFORMED = "forged", "malformed"
REFUSED = {
    FORGED: frozenset({(401, "signature.invalid")}),
    MALFORMED: frozenset({(422, "request.invalid")}),
}
# The edge's own bounds: right answers, though the service was not asked, or its answer not waited
# for (a write whose key is kept on a disk that stands still beyond the call's deadline).
RESTING = frozenset(
    {
        *((503, "upstream.busy"), (503, "upstream.circuit_open")),
        *((503, "unavailable"), (504, "deadline.passed")),
    }
)
RESTING_SHARE = 0.05
ANSWER_S = 30.0
# Growth of a worker that is well: buffers of its connections, and what Python keeps of them.
MEMORY_GROWTH_MB = 64
FILES_GROWTH = 2 * CONNECTIONS + 64
SAMPLED_S = 0.25
SETTLED_S = 3.0


@dataclass
class Held:
    """What the edge held while the hostile calls ran."""

    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)

    def quarters(self) -> list[float]:
        """Memory before, after each quarter of the calls, and when all was over."""
        last = len(self.memory_mb) - 2
        return [self.memory_mb[max(0, last * part // 4)] for part in range(5)] + self.memory_mb[-1:]

    def sample(self, pid: int) -> None:
        """Look now."""
        status = Path(f"/proc/{pid}/status").read_text()
        # Its own: the stores that workers share are files of a fixed size.
        kib = int(status.partition("RssAnon:")[2].split()[0])
        self.memory_mb.append(round(kib / 1024, 1))
        self.files.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))


@dataclass
class Tally:
    """What came of the calls: by kind and outcome; ``wrong`` in words."""

    ends: Counter[tuple[str, int, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def resting(self) -> int:
        """How many met the edge's own bounds."""
        return sum(n for (_, *end), n in self.ends.items() if tuple(end) in RESTING)


def asking(edge: Edge, method: str, asked: str) -> Template:
    """A read of an id, or the write that makes it."""
    path = PATH if method == "POST" else f"{PATH}/{asked}"
    return Template(path, f"127.0.0.1:{edge.port}", keyed=method == "POST", method=method)


async def storm(edge: Edge, calls: int, held: Held) -> Tally:
    """``calls`` calls of all kinds; never more than one on a connection."""
    tally, chance = Tally(), random.Random(7)
    kinds = [*WAYS, FORGED, MALFORMED]
    weights = [each.weight for each in WAYS.values()] + [1, 1]
    numbered = iter(enumerate(chance.choices(kinds, weights, k=calls)))
    began = time.monotonic()

    async def customer(line: Line) -> None:
        for number, kind in numbered:
            is_write = kind == MALFORMED or chance.random() < WRITES_SHARE
            await _called(edge, line, tally, (kind, f"{kind}-{number}", is_write))
        line.close()

    async def watch() -> None:
        while True:
            held.sample(edge.pid)
            await asyncio.sleep(SAMPLED_S)

    watching = asyncio.ensure_future(watch())
    await asyncio.gather(*(customer(Line(edge.port)) for _ in range(CONNECTIONS)))
    watching.cancel()
    tally.seconds = time.monotonic() - began
    await asyncio.sleep(SETTLED_S)
    held.sample(edge.pid)
    return tally


async def _called(edge: Edge, line: Line, tally: Tally, what: tuple[str, str, bool]) -> None:
    """One call, and whether its answer is right."""
    kind, asked, is_write = what
    method = "POST" if is_write else "GET"
    content = {"id": asked} | ({"day": "2026-02-30"} if kind == MALFORMED else {})
    body = json.dumps(content).encode() if is_write else b""
    caller = edge.callers["hmac-sha256"]
    message = sent = one(caller, asking(edge, method, asked), body)
    if kind == FORGED:
        at = message.index(b"signature: sig1=:") + 20
        sent = message[:at] + (b"A" if message[at : at + 1] != b"A" else b"B") + message[at + 1 :]
    try:
        async with asyncio.timeout(ANSWER_S):
            answer = await line.ask(sent)
    except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
        tally.wrong.append(f"{asked}: no answer: {type(error).__name__}")
        line.close()
        return
    try:
        end = _end(edge, message, answer, asked)
    except (AnswerUntrusted, ValueError, KeyError) as error:
        tally.wrong.append(f"{asked}: {type(error).__name__}: {answer[:300]!r}")
        return
    tally.ends[kind, *end] += 1
    way = WAYS.get(kind)
    right = REFUSED[kind] if way is None else (way.write if is_write else way.read) | RESTING
    if end not in right or (end[0] == 200 and is_write) or (end[0] == 201 and not is_write):
        tally.wrong.append(f"{method} {asked}: {end}")


def _end(edge: Edge, message: bytes, raw: bytes, asked: str) -> Outcome:
    """Status and code of an answer whose signature verifies; of a 2xx, the id must be ours."""
    line, headers, body = parsed(raw)
    status, content = int(line.split(" ")[1]), json.loads(body)
    first, sent, given = parsed(message)
    method, path, _ = first.split(" ")
    if status != 401:
        # Who a stranger is told by has no secret shared with it.
        request = Request(method, path, "", sent, given)
        key = edge.callers["hmac-sha256"].answer_key
        verify_answer(Answer(status, headers, body), request, key)
    if status < 300:
        if content["id"] != asked:
            raise ValueError(f"the answer is another's: {content}")
        return status, ""
    return status, str(content["code"])


def judge(tally: Tally, held: Held, stats: dict[str, Any], calls: int) -> None:
    """Raises RuntimeError when an answer was wrong or a bound did not hold."""
    faults = tally.wrong[:10]
    if sum(tally.ends.values()) + len(tally.wrong) < calls:
        faults.append(f"{sum(tally.ends.values())} of {calls} calls were answered")
    if stats["twice"]:
        faults.append(f"written twice: {stats['twice'][:5]}")
    if {FORGED, MALFORMED} & stats["seen"].keys():
        faults.append("what is refused reached the service")
    if tally.resting > RESTING_SHARE * calls:
        faults.append(f"{tally.resting} calls met only the edge's bounds")
    if max(held.memory_mb) > held.memory_mb[0] + MEMORY_GROWTH_MB:
        faults.append(f"memory grew: {held.memory_mb[0]} to {max(held.memory_mb)} MB")
    if max(held.files) > held.files[0] + FILES_GROWTH:
        faults.append(f"open files grew: {held.files[0]} to {max(held.files)}")
    if faults:
        raise RuntimeError("\n".join(faults))
