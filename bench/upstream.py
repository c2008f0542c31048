"""A service of the bank behind the edge: what forwarding adds, and what a hostile one does to it.

The service (``hostile``) is imported by its description, confirmed, agreed to by two people and
served by the edge that `bankside serve` starts, one worker; every call is signed, and the signature
of every answer to the storm is verified.

Latency: pairs of one direct and one forwarded read, one after the other, order changed with every
pair, so that both meet the same machine; added is the difference within a pair.
Hostile (``storm``): calls of all kinds over CONNECTIONS connections in random order (seeded), and
calls whose signature or body is wrong, which must not reach the service. The run fails on any wrong
answer, on a write that arrived twice, when more than RESTING_SHARE of the calls met the bounds
instead of the service, and when memory or open files of the edge grow past their bounds.
"""

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import uvloop

from bankside.app.publish import catalogue
from bankside.catalog import KINDS, imports, lifecycle
from bankside.identity.people import NewPerson, create_person
from bankside.identity.realms import BANK, Realm
from bankside.kernel.db import Connection
from bench.edge import CLOCK, Edge, running_edge
from bench.hostile import DESCRIPTION
from bench.hostile import KINDS as WAYS
from bench.load import Line
from bench.machine import CLIENT_CORE, pinned
from bench.report import Result, table
from bench.requests import one
from bench.storm import CONNECTIONS, FORGED, MALFORMED, Held, Tally, asking, judge, storm

PRODUCT = "imported.echoes"


@dataclass(frozen=True)
class Added:
    """What forwarding adds to a read (ms), over all pairs."""

    pairs: int
    direct_p50: float
    direct_p99: float
    forwarded_p50: float
    forwarded_p99: float
    added_p50: float
    added_p99: float


class Behind:
    """The running service: its port, and what it saw."""

    def __init__(self, port: int) -> None:
        self.port = port

    def stats(self) -> dict[str, Any]:
        """Requests by kind, and ids written twice."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def service() -> Iterator[Behind]:
    """The hostile service in a process of its own, on the client's core."""
    with pinned(CLIENT_CORE):
        process = subprocess.Popen(
            [sys.executable, "-m", "bench.hostile"], stdout=subprocess.PIPE, text=True
        )
    try:
        assert process.stdout is not None
        yield Behind(int(process.stdout.readline()))
    finally:
        process.kill()
        process.wait()


@contextmanager
def forwarding_edge(home: Path) -> Iterator[tuple[Edge, Behind]]:
    """An edge that forwards to the hostile service."""
    with service() as behind:

        async def prepare(db: Connection) -> None:
            await _import(db, f"http://127.0.0.1:{behind.port}")

        # What goes wrong behind is logged as a warning, and here it is meant to.
        settings = {"BANKSIDE_EGRESS_LOOPBACK": "1", "BANKSIDE_LOG": "error"}
        with running_edge(home, prepare=prepare, settings=settings) as edge:
            yield edge, behind


async def _import(db: Connection, url: str) -> None:
    """The service as a product that sandbox apps may call, as three people of a bank make it."""
    raw = json.dumps(DESCRIPTION).encode()
    review = imports.propose(imports.describe(raw), product=PRODUCT, url=url, file="bench.json")
    review["upstream"] |= {"answer_ms": 1_000, "slow_ms": 900, "connections": 64}
    for each in review["operations"]:
        each["confirmed"] = True
        each["key_header"] = ""
    people = [
        await create_person(
            db,
            CLOCK,
            NewPerson(realm=Realm.STAFF, partner=BANK, login=login, name=login, roles=(role,)),
        )
        for login, role in (
            ("author", "product-manager"),
            ("first", "approver"),
            ("second", "approver"),
        )
    ]
    taken = await imports.take_description(db, CLOCK, raw, review, by=people[0].id)
    given = taken.version.definition or {}
    traits = lifecycle.Terms(confirmed=(given["risk_tier"], given["data_class"]))
    ground = lifecycle.World(catalogue=catalogue(), kinds=KINDS, in_flight=_none_in_flight)
    for person, to, terms in (
        (people[0], lifecycle.State.REVIEW, None),
        (people[1], lifecycle.State.SANDBOX, traits),
        (people[2], lifecycle.State.SANDBOX, traits),
    ):
        wish = lifecycle.Wish(to=to, reason="bench", terms=terms)
        await lifecycle.move(db, CLOCK, ground, person, wish, product=PRODUCT)


async def _none_in_flight(*_: object) -> int:
    return 0


async def latency(edge: Edge, behind: Behind, pairs: int) -> Added:
    """Reads in pairs, direct and forwarded."""
    direct, through = Line(behind.port), Line(edge.port)
    plain = f"GET /echoes/well-1 HTTP/1.1\r\nhost: 127.0.0.1:{behind.port}\r\n\r\n".encode()
    times: list[tuple[float, float]] = []
    for number in range(pairs + pairs // 10):
        signed = one(edge.callers["hmac-sha256"], asking(edge, "GET", "well-1"), b"")
        asks = [(direct, plain), (through, signed)]
        took = [0.0, 0.0]
        for at in (0, 1) if number % 2 else (1, 0):
            began = time.perf_counter()
            answer = await asks[at][0].ask(asks[at][1])
            took[at] = 1000 * (time.perf_counter() - began)
            if b" 200 " not in answer[:16] or b'"well-1"' not in answer:
                raise RuntimeError(f"a pair went wrong: {answer[:200]!r}")
        times.append((took[0], took[1]))
    # The first tenth warms both.
    kept = times[pairs // 10 :]
    direct_ms, through_ms = [each[0] for each in kept], [each[1] for each in kept]
    added = [each[1] - each[0] for each in kept]
    figures = [_percentiles(each) for each in (direct_ms, through_ms, added)]
    return Added(len(kept), *(round(each, 3) for pair in figures for each in pair))


def _percentiles(values: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


def run(home: Path, *, pairs: int, calls: int) -> Result:
    """Measure; raises RuntimeError when an answer was wrong or a bound did not hold."""
    held = Held()
    with forwarding_edge(home) as (edge, behind):
        added = uvloop.run(latency(edge, behind, pairs))
        held.sample(edge.pid)
        tally = uvloop.run(storm(edge, calls, held))
        stats = behind.stats()
    judge(tally, held, stats, calls)
    kinds = {kind: _of(tally, kind) for kind in (*WAYS, FORGED, MALFORMED)}
    rows = {
        "added_ms": asdict(added),
        "hostile": {
            "calls": calls,
            "seconds": round(tally.seconds, 1),
            "wrong": len(tally.wrong),
            "resting": tally.resting,
            "arrived": sum(stats["seen"].values()),
            "written_twice": len(stats["twice"]),
            "memory_mb": {"quarters": held.quarters(), "most": max(held.memory_mb)},
            "files": [held.files[0], max(held.files), held.files[-1]],
            "kinds": kinds,
        },
    }
    return Result(_tables(added, tally, held, stats, kinds), rows)


def _of(tally: Tally, kind: str) -> dict[str, int]:
    ends = {(s, c): n for (each, s, c), n in tally.ends.items() if each == kind}
    return {f"{s} {c}".strip(): n for (s, c), n in sorted(ends.items(), key=lambda one: -one[1])}


def _tables(
    added: Added, tally: Tally, held: Held, stats: dict[str, Any], kinds: dict[str, dict[str, int]]
) -> str:
    ms = [
        ("direct", f"{added.direct_p50:.2f}", f"{added.direct_p99:.2f}"),
        ("through the edge", f"{added.forwarded_p50:.2f}", f"{added.forwarded_p99:.2f}"),
        ("added, of a pair", f"**{added.added_p50:.2f}**", f"**{added.added_p99:.2f}**"),
    ]
    ends = [
        (kind, f"{sum(found.values()):,}", f"{stats['seen'].get(kind, 0):,}",
         "; ".join(f"{end} {count:,}" for end, count in found.items()))
        for kind, found in kinds.items()
    ]  # fmt: skip
    calls = sum(tally.ends.values())
    return "\n".join([
        f"A read of a service of the bank: {added.pairs:,} pairs, one connection each, every call "
        "signed, checked, recorded and its answer signed.",
        "",
        table(("read", "p50 ms", "p99 ms"), ms),
        "",
        f"Hostile: **{calls:,} calls, {len(tally.wrong)} wrong answers**, "
        f"{len(stats['twice'])} writes that arrived twice; {CONNECTIONS} connections, "
        f"{tally.seconds:.0f} s. {tally.resting:,} calls met the edge's own bounds (busy, "
        "circuit open, deadline). Memory of the edge (private): "
        f"{held.memory_mb[0]} MB before, {max(held.memory_mb)} at most; before, after each quarter "
        f"and in the end {', '.join(f'{each:.0f}' for each in held.quarters())}. Open files "
        f"{held.files[0]}, {max(held.files)} at most, {held.files[-1]} in the end.",
        "",
        table(("kind", "calls", "requests that arrived", "ends"), ends),
    ])  # fmt: skip
