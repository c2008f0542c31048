"""Durable transfers over HTTP: signed, idempotent, through the order runtime into PostgreSQL.

The edge is on core 0, the client on core 1, PostgreSQL wherever there is room: the rate is that of
the machine, not of a core; the CPU figures say who used it. Each call moves 0.01 between two random
accounts under a fresh idempotency key. In the end the ledger is proven and the transfers counted.
"""

import asyncio
import json
import random
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import uvloop

from bankside.bank.ledger import verify
from bankside.kernel.db import open_pool
from bench.edge import Edge
from bench.load import Client, Slice, connect, run_slice
from bench.machine import CLIENT_CORE, Spread, cpu_ns, pinned
from bench.report import table
from bench.requests import Template, prove, signed

PATH = "/v1/internal-transfers"
CONNECTIONS = (16, 64)
REQUESTS_FIRST = 6_000
HEADROOM = 1.5
SETTLE_S = 0.15


@dataclass(frozen=True)
class Row:
    """One number of connections; latencies of all rounds together."""

    connections: int
    transfers_per_second: Spread
    edge_cpu_us: float
    postgres_cpu_us: float
    p50_ms: float
    p99_ms: float
    transfers: int


@dataclass(frozen=True)
class Figure:
    """One slice: transfers a second of wall time, and CPU microseconds a transfer."""

    rate: float
    edge_us: float
    postgres_us: float
    done: Slice


class Payments:
    """The client's side: accounts to move money between, and how many calls it made."""

    def __init__(self, edge: Edge) -> None:
        self.edge = edge
        self.chance = random.Random(1)
        self.count = 0
        self.wanted = REQUESTS_FIRST

    async def slice(self, clients: Sequence[Client], seconds: float) -> Figure:
        """One slice of transfers on these connections."""
        caller = self.edge.callers["hmac-sha256"]
        template = Template(PATH, f"127.0.0.1:{self.edge.port}", keyed=True)
        requests = signed(caller, template, self._body, self.wanted)
        with pinned(CLIENT_CORE):
            edge, postgres = cpu_ns(self.edge.pid), cpu_ns(self.edge.postgres_pid)
            done = await run_slice(clients, requests, seconds)
            await asyncio.sleep(SETTLE_S)
            edge = cpu_ns(self.edge.pid) - edge
            postgres = cpu_ns(self.edge.postgres_pid) - postgres
        prove(caller, requests, done.samples)
        self.count += done.answered
        self.wanted = int(done.answered / done.seconds * seconds * HEADROOM)
        each = 1000 * done.answered
        return Figure(done.answered / done.seconds, edge / each, postgres / each, done)

    def _body(self, _: int) -> bytes:
        payer, payee = self.chance.sample(self.edge.accounts, 2)
        amount = {"amount": "0.01", "currency": "CNY"}
        body = {"payer_account": payer, "payee_account": payee, "amount": amount, "remark": "bench"}
        return json.dumps(body).encode()


def run(edge: Edge, *, rounds: int, seconds: float, say: Callable[[str], None]) -> list[Row]:
    """Measure on a running edge; the first round is dropped."""
    payments = Payments(edge)
    measured = uvloop.run(_rounds(payments, rounds, seconds, say))
    asyncio.run(_prove_books(edge, payments.count))
    return [_row(number, [each[number] for each in measured]) for number in CONNECTIONS]


async def _rounds(
    payments: Payments, rounds: int, seconds: float, say: Callable[[str], None]
) -> list[dict[int, Figure]]:
    clients = {number: await connect(payments.edge.port, number) for number in CONNECTIONS}
    measured = []
    for turn in range(rounds):
        order = CONNECTIONS if turn % 2 else tuple(reversed(CONNECTIONS))
        measured.append({each: await payments.slice(clients[each], seconds) for each in order})
        rates = ", ".join(f"{each} connections {measured[-1][each].rate:.0f}/s" for each in order)
        say(f"transfers, round {turn + 1} of {rounds}: {rates}")
    return measured[1:]


async def _prove_books(edge: Edge, count: int) -> None:
    pool = await open_pool(edge.database, size=1)
    async with pool.acquire() as db:
        report = await verify(db)
        booked = await db.fetchval("select count(*) from orders.orders")
    await pool.close()
    if report.fault is not None or booked != count:
        raise RuntimeError(f"{count} transfers answered, {booked} orders; {report.text()}")


def _row(connections: int, figures: Sequence[Figure]) -> Row:
    latencies = [1000 * each for figure in figures for each in figure.done.latencies]
    percentiles = statistics.quantiles(latencies, n=100)
    return Row(
        connections=connections,
        transfers_per_second=Spread.of([each.rate for each in figures]),
        edge_cpu_us=round(statistics.median(each.edge_us for each in figures), 1),
        postgres_cpu_us=round(statistics.median(each.postgres_us for each in figures), 1),
        p50_ms=round(percentiles[49], 2),
        p99_ms=round(percentiles[98], 2),
        transfers=sum(each.done.answered for each in figures),
    )


def markdown(rows: Sequence[Row]) -> str:
    """The rows as a table."""
    heads = (
        "connections", "transfers/s", "quartiles", "CPU us a call, edge", "PostgreSQL", "together",
        "p50 ms", "p99 ms", "transfers",
    )  # fmt: skip
    return table(heads, [
        (
            str(each.connections), f"**{each.transfers_per_second.median:,.0f}**",
            f"{each.transfers_per_second.low:,.0f}-{each.transfers_per_second.high:,.0f}",
            f"{each.edge_cpu_us:.0f}", f"{each.postgres_cpu_us:.0f}",
            f"{each.edge_cpu_us + each.postgres_cpu_us:.0f}",
            f"{each.p50_ms}", f"{each.p99_ms}", f"{each.transfers:,}",
        )
        for each in rows
    ])  # fmt: skip
