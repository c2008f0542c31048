"""Calls per CPU-second of the edge, everything on; and transfers through it into the ledger.

Measured is the process that `bankside serve` starts (see ``edge``), one worker on core 0: HTTP
rules, route, clock window, limiter of strangers, replay look-up, signature, replay claim in the
shared file, subscription, partner's rate in the shared file, JSON, execution, signed answer, call
record with fdatasync, counters. The call is ``POST /v1/platform/echoes`` with 592 bytes of JSON: it
is executed in the process and touches no database, so the figure is the edge's own.

Method: all contestants are up at once; the client on core 1 keeps CONNECTIONS calls in flight;
slices of 1 s in turn, order reversed every second round, first round dropped. Every request has its
own nonce and was signed before its slice; an answer that is not 2xx voids the measurement; sampled
answers' signatures are verified; in the end call records on disk and counted calls must equal the
client's count. Figure: CPU time of the edge's process tree divided by answered calls; the time for
the last records to reach the disk is inside. Beside each row, of the same round: its own crypto
alone (``floors``), and two servers that answer every request alike, from ``http_floor``: a bare
parser loop (the HTTP floor) and our server without a pipeline. Rounds whose calibration before and
after differs by more than 15 % are counted apart, not dropped.
"""

import asyncio
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from bench import transfers
from bench.edge import ALGORITHMS, Edge, running_edge
from bench.floors import Crypto, constant_server
from bench.load import Client, connect, run_slice
from bench.machine import CLIENT_CORE, Speed, Spread, calibrate, cpu_ns, pinned
from bench.report import Result, table
from bench.requests import ECHO_BODY, ECHO_PATH, Template, prove, signed

CONNECTIONS = 32
SLICE_S = 1.0
ROUNDS = 10  # the first is dropped
# Records are written 100 ms after the call at the latest, and counted to the slice.
SETTLE_S = 0.15
# More than the fastest row answers in a slice here; afterwards what a slice sent, and a bit.
REQUESTS_FIRST = 20_000
HEADROOM = 1.3
FLOOR, SERVER = "bare", "bankside"
NAMES = {
    "hmac-sha256": "HMAC / HMAC",
    "rsa-v1_5-sha256": "RSA-2048 / P-256",
    "ecdsa-p256-sha256": "P-256 / P-256",
    "ed25519": "Ed25519 / P-256",
}
# A real disk: on a tmpfs, fdatasync would cost nothing.
HOME = Path(__file__).resolve().parents[1] / "var"


@dataclass(frozen=True)
class Figure:
    """One slice: CPU microseconds a call, calls, and whether the machine stayed the same."""

    us: float
    calls: int
    steady: bool
    crypto_us: float = 0.0


Round = dict[str, Figure]


@dataclass(frozen=True)
class Row:
    """One pair of algorithms (verify / sign). Ratios are of the same round, then the median."""

    name: str
    calls_per_cpu_second: int
    cpu_us: Spread
    crypto_us: float
    crypto_share: float
    ratio_to_http_floor: float
    ratio_to_own_server: float
    calls: int
    unsteady_rounds: int
    rounds_us: list[float]


class Contest:
    """The running contestants, their clients, and what is measured of them."""

    def __init__(self, edge: Edge, constant: Mapping[str, tuple[int, int]]) -> None:
        self.edge = edge
        self.servers = dict(constant) | dict.fromkeys(ALGORITHMS, (edge.pid, edge.port))
        self.order = (*ALGORITHMS, SERVER, FLOOR)
        self.crypto = {alg: Crypto.of(alg, _answer_algorithm(alg), ECHO_BODY) for alg in ALGORITHMS}
        self.clients: dict[str, list[Client]] = {}
        self.wanted = dict.fromkeys(ALGORITHMS, REQUESTS_FIRST)
        self.calls = 0
        self.speeds: list[Speed] = []
        self._unsigned: list[bytes] = []

    async def rounds(self, count: int, seconds: float) -> list[Round]:
        """Rounds of slices; the first is dropped. The clients stay connected throughout."""
        for name, (_, port) in self.servers.items():
            self.clients[name] = await connect(port, CONNECTIONS)
        self._unsigned = self._requests("hmac-sha256", REQUESTS_FIRST)
        measured = []
        for number in range(count):
            names = self.order if number % 2 else tuple(reversed(self.order))
            measured.append({name: await self._slice(name, seconds) for name in names})
            _say(f"round {number + 1} of {count}: " + _shown(measured[-1]))
        return measured[1:]

    async def _slice(self, name: str, seconds: float) -> Figure:
        of_edge = name in self.crypto
        # The constant servers read no signature: they get the bytes of one round again and again.
        requests = self._requests(name, self.wanted[name]) if of_edge else self._unsigned
        pid, before = self.servers[name][0], calibrate()
        with pinned(CLIENT_CORE):
            began = cpu_ns(pid)
            done = await run_slice(self.clients[name], requests, seconds)
            await asyncio.sleep(SETTLE_S)
            cpu = cpu_ns(pid) - began
        after = calibrate()
        self.speeds += [before, after]
        steady = not before.differs(after)
        us = cpu / 1000 / done.answered
        if not of_edge:
            return Figure(us, done.answered, steady)
        self.calls += done.answered
        self.wanted[name] = int(done.answered / done.seconds * seconds * HEADROOM)
        signed_by = prove(self.edge.callers[name], requests, done.samples)
        if signed_by != _answer_algorithm(name):
            raise RuntimeError(f"answers to {name} are signed by {signed_by or 'nobody'}")
        return Figure(us, done.answered, steady, self.crypto[name].us())

    def _requests(self, alg: str, count: int) -> list[bytes]:
        template = Template(ECHO_PATH, f"127.0.0.1:{self.edge.port}")
        return signed(self.edge.callers[alg], template, lambda _: ECHO_BODY, count)


def _answer_algorithm(alg: str) -> str:
    return alg if alg == "hmac-sha256" else "ecdsa-p256-sha256"


def run(*, rounds: int = ROUNDS, seconds: float = SLICE_S, home: Path = HOME) -> Result:
    """Measure; raises RuntimeError or SliceVoid when anything of it was not honest."""
    with ExitStack() as stack:
        edge = stack.enter_context(running_edge(home))
        constant = {each: stack.enter_context(constant_server(each)) for each in (SERVER, FLOOR)}
        contest = Contest(edge, constant)
        measured = uvloop.run(contest.rounds(rounds, seconds))
        _check_records(edge, contest.calls)
        moved = transfers.run(edge, rounds=max(3, rounds // 2), seconds=seconds, say=_say)
    echo = [row(alg, measured) for alg in ALGORITHMS]
    floors = {name: Spread.of([each[name].us for each in measured]) for name in (FLOOR, SERVER)}
    return Result(
        _tables(echo, floors, moved),
        {
            "echo": [asdict(each) for each in echo],
            "http_floor_us": asdict(floors[FLOOR]),
            "own_server_us": asdict(floors[SERVER]),
            "transfers": [asdict(each) for each in moved],
        },
        contest.speeds,
    )


def row(alg: str, rounds: Sequence[Round]) -> Row:
    """The figures of one pair of algorithms over all rounds."""
    own = [each[alg] for each in rounds]
    cost = Spread.of([each.us for each in own])
    crypto = Spread.of([each.crypto_us for each in own]).median
    floor = Spread.of([each[alg].us / each[FLOOR].us for each in rounds]).median
    server = Spread.of([each[alg].us / each[SERVER].us for each in rounds]).median
    share = Spread.of([each.crypto_us / each.us for each in own]).median
    return Row(
        name=NAMES[alg],
        calls_per_cpu_second=round(1e6 / cost.median),
        cpu_us=cost,
        crypto_us=crypto,
        crypto_share=share,
        ratio_to_http_floor=floor,
        ratio_to_own_server=server,
        calls=sum(each.calls for each in own),
        unsteady_rounds=sum(not each.steady for each in own),
        rounds_us=[round(each.us, 2) for each in own],
    )


def _check_records(edge: Edge, calls: int) -> None:
    recorded, counted = edge.recorded(), edge.counted()
    if not recorded == counted == calls:
        raise RuntimeError(f"{calls} calls answered, {recorded} recorded, {counted} counted")


def _tables(
    rows: Sequence[Row], floors: Mapping[str, Spread], moved: Sequence[transfers.Row]
) -> str:
    heads = (
        "verify / sign", "calls per CPU-second", "best second", "CPU us a call", "quartiles",
        "crypto us", "crypto share", "x HTTP floor", "x own server", "calls", "unsteady rounds",
    )  # fmt: skip
    lines = [
        (
            each.name, f"**{each.calls_per_cpu_second:,}**", f"{1e6 / each.cpu_us.least:,.0f}",
            f"{each.cpu_us.median:.1f}", f"{each.cpu_us.low:.1f}-{each.cpu_us.high:.1f}",
            f"{each.crypto_us:.1f}", f"{each.crypto_share:.0%}",
            f"{each.ratio_to_http_floor:.2f}", f"{each.ratio_to_own_server:.2f}",
            f"{each.calls:,}", str(each.unsteady_rounds),
        )
        for each in rows
    ]  # fmt: skip
    floor, server = floors[FLOOR], floors[SERVER]
    return "\n".join([
        "Embedded: `POST /v1/platform/echoes`, 592 B, executed in the edge, no database touched.",
        "",
        table(heads, lines),
        "",
        f"HTTP floor (uvloop and httptools, constant reply): {floor.median:.1f} us "
        f"({floor.low:.1f}-{floor.high:.1f}). Our server, constant reply: {server.median:.1f} us "
        f"({server.low:.1f}-{server.high:.1f}).",
        "",
        "Durable: `POST /v1/internal-transfers`, HMAC-signed, with an idempotency key; order, "
        "postings, journal, event and answer commit in one transaction before the answer leaves.",
        "",
        transfers.markdown(moved),
    ])  # fmt: skip


def _shown(measured: Round) -> str:
    return ", ".join(f"{name} {measured[name].us:.1f} us" for name in measured)


def _say(text: str) -> None:
    print(f"  {text}", file=sys.stderr, flush=True)
