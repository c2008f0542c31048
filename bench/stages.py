"""Where the CPU of one HMAC-signed call goes: each step alone, warm, in one process.

Method: the edge's own classes in its own order, on files below ``var/``; instead of a socket the
connection gets bytes and a transport that drops what is written. BATCH requests go through one step
after the other and each step is timed over the batch (CPU time of the thread); the least of ROUNDS
is shown, and the whole call beside it. So this is the code alone, with warm caches: the kernel's
part and cold caches are in the row ``gateway``, which is what counts; this one says where to look.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import uvloop

from bankside.gateway import (
    Alipay3Wire,
    AlipayWire,
    IcbcWire,
    NativeWire,
    Pipeline,
    Ports,
    RecordMeter,
    ReplayStore,
    Reply,
    Server,
    Serving,
    SharedLimits,
)
from bankside.gateway.exchange import Exchange
from bankside.gateway.http.connection import Connection
from bankside.kernel import telemetry
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller as Proven
from bankside.kernel.clock import SystemClock
from bankside.kernel.metering import SegmentWriter
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, signer
from bankside.kernel.signing.rfc9421 import Identity
from bankside.kernel.snapshot import App, Key, Operation, Snapshot
from bench.edge import BURST, RATE, Caller
from bench.report import Result, table
from bench.requests import ECHO_BODY, ECHO_PATH, Template, signed

BATCH = 1_000
ROUNDS = 12
ALG = "hmac-sha256"
HOST = "127.0.0.1:8080"
KEY, ANSWER_KEY = "key_01j9z3k8c2v5m7n4p6q8r0s2t4", "bank-native-1"
ECHO = Operation(
    id="platform.echoes.create",
    method="POST",
    path=ECHO_PATH,
    product="platform",
    purpose="echo",
    icbc_path="/api/platform/echoes/create/V1",
)
CONSTANT = Reply(200, [("content-type", "application/json")], b"{}")

Step = Callable[[Any], Any]


class Dropped:
    """A transport without a socket."""

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 50_000) if name == "peername" else None

    def set_write_buffer_limits(self, high: int) -> None:
        """There is no buffer."""

    def write(self, data: bytes) -> None:
        if not data.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(data.decode("latin-1"))


class Workbench:
    """The edge's parts, wired once; what each step took, by name."""

    def __init__(self, home: Path) -> None:
        vault, secret, now = Vault.at(home), generate(ALG), time.time()
        app = App(
            id="app_01j9z3k8c2v5m7n4p6q8r0s2t4",
            partner="prt_01j9z3k8c2v5m7n4p6q8r0s2t4",
            products=frozenset({"platform"}),
            rate_per_second=RATE,
            burst=BURST,
            keys={"native": (Key(KEY, ALG, vault.seal(secret, purpose=f"key:{KEY}")),)},
        )
        bank = vault.seal(generate("ecdsa-p256-sha256"), purpose=f"key:{ANSWER_KEY}")
        snapshot = Snapshot(
            version=1,
            built_at=int(now),
            operations={ECHO.id: ECHO},
            apps={app.id: app},
            platform_keys={ANSWER_KEY: Key(ANSWER_KEY, "ecdsa-p256-sha256", bank)},
            default_answer_keys={"native": ANSWER_KEY},
        )
        self.current = Serving.of(snapshot, vault)
        self.caller = Caller(Identity(key_id=KEY, alg=ALG, sign=signer(ALG, secret)), {})
        self.writer = SegmentWriter(home / "segments", "bench-0", SystemClock())
        self.meter = telemetry.counting(RecordMeter(self.writer))
        self.native = NativeWire(f"http://{HOST}")
        self.pipeline = Pipeline(
            Ports(
                snapshots=self,
                wires=(AlipayWire(), Alipay3Wire(), IcbcWire(), self.native),
                handle=lambda call: Answer(200, dict(call.body)),
                # Small enough that its first touch of each page does not become the figure.
                replay=ReplayStore(home / "replay", now=now - 60, window_s=1_200, slots=2**17),
                limits=SharedLimits(home / "limits", now=now),
                meter=self.meter,
            )
        )
        self.taken: list[Exchange] = []
        self.us: dict[str, list[float]] = {}

    async def connection(self, call: Callable[[Exchange], Any]) -> Connection:
        """A connection whose requests go to ``call``."""
        server = Server(call)
        await server.start([])
        connection = Connection(server)
        connection.connection_made(cast("asyncio.BaseTransport", Dropped()))
        return connection

    def take(self, x: Exchange) -> Reply:
        """Keep the request instead of answering it."""
        self.taken.append(x)
        return CONSTANT

    def lap(self, name: str, step: Step, items: Sequence[Any]) -> list[Any]:
        """Do a step for all items; what it returned."""
        began = time.thread_time_ns()
        results = [step(each) for each in items]
        spent = (time.thread_time_ns() - began) / 1000 / len(items)
        self.us.setdefault(name, []).append(spent)
        return results

    def requests(self) -> list[bytes]:
        """A batch, freshly signed."""
        return signed(self.caller, Template(ECHO_PATH, HOST), lambda _: ECHO_BODY, BATCH)

    def steps(self, taking: Connection) -> None:
        """One batch through every step."""
        self.taken.clear()
        self.lap("server: bytes to request, reply to bytes", taking.data_received, self.requests())
        calls, s = list(self.taken), self.current
        for x in calls:
            x.serving = s
        for name, stage in self.pipeline.stages:
            refusals = self.lap(f"stage {name}", lambda x, stage=stage: stage(x, s), calls)
            if any(refusals):
                raise RuntimeError(f"stage {name} refused: {refusals[0]}")
        self.lap("execute: call object and echo", _execute, calls)
        replies = self.lap(
            "answer: JSON, digest, signature", lambda x: self.native.reply(x, s), calls
        )
        pairs = list(zip(calls, replies, strict=True))
        self.lap("record and count", lambda each: self.meter.record(*each, seconds=0.0001), pairs)


def _execute(x: Exchange) -> None:
    assert x.app is not None
    assert x.operation is not None
    caller = Proven(partner=x.app.partner, app=x.app.id, request_id=x.request_id)
    call = Call(x.operation, caller, x.path_params, x.query_params, x.body_json)
    x.answer = Answer(200, dict(call.body))


async def _measure(home: Path, rounds: int) -> Workbench:
    bench = Workbench(home)
    taking, whole = await bench.connection(bench.take), await bench.connection(bench.pipeline)
    for _ in range(rounds):
        bench.steps(taking)
        bench.lap("whole call", whole.data_received, bench.requests())
        await bench.writer.flushed()
    await bench.writer.close()
    return bench


def run(*, rounds: int, home: Path) -> Result:
    """Measure on files below ``home``."""
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=home) as folder:
        bench = uvloop.run(_measure(Path(folder), rounds))
    least = {name: round(min(spent), 2) for name, spent in bench.us.items()}
    whole = least.pop("whole call")
    rest = whole - sum(least.values())
    rows = sorted(least.items(), key=lambda each: -each[1])
    shown = [
        *rows,
        ("between the steps: loop, frames, a longer reply, colder caches", rest),
        ("**whole call**", whole),
    ]
    lines = [(name, f"{us:.2f}", f"{us / whole:.0%}") for name, us in shown]
    return Result(table(("step", "CPU us", "share"), lines), least | {"whole call": whole})
