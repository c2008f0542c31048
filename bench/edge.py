"""A real edge for measurements: an installation of its own, and ``bankside edge`` running on it.

Nothing is wired for the bench: database, partners, keys, catalogue and snapshot are made by the
rooms that make them for everybody, and the measured process is the one `bankside serve` starts.
Not running beside it: web and worker (relay of events, shipping of call records).
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from bankside.app.publish import catalogue, publish_snapshot
from bankside.bank.accounts import (
    House,
    Opening,
    ProductClass,
    ensure_house_accounts,
    house_account,
    open_account,
)
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.ledger import Group, Leg, group_id, post
from bankside.gateway import open_listeners, parse_addresses
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import Connection, Pool, open_pool, transaction
from bankside.kernel.metering.blocks import unpack
from bankside.kernel.migrate import migrate
from bankside.kernel.money import Money
from bankside.kernel.postgres import EmbeddedPostgres
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import Verifier, generate, public_der, signer, verifier
from bankside.kernel.signing.rfc9421 import Identity
from bankside.partners import (
    NewApp,
    NewKey,
    Partner,
    create_app,
    create_partner,
    ensure_platform_keys,
    register_key,
    subscribe,
)
from bench.machine import SERVER_CORE, pinned

ALGORITHMS = ("hmac-sha256", "rsa-v1_5-sha256", "ecdsa-p256-sha256", "ed25519")
# The limits must not be what is measured; the same bucket code runs as for any app.
RATE, BURST = 100_000, 200_000
ACCOUNTS = 400
# Products that a measurement may add.
MORE = ("imported.echoes",)
FUNDS = Money(1_000_000_00, "CNY")
START_SECONDS = 60.0
STOP_SECONDS = 40.0

CLOCK = SystemClock()


@dataclass(frozen=True)
class Caller:
    """One app: how it signs, and how it verifies what it is answered."""

    identity: Identity
    answers: Mapping[tuple[str, str], Verifier]

    def answer_key(self, key_id: str, alg: str) -> Verifier:
        """The verifier of an answer's key."""
        return self.answers[(key_id, alg)]


@dataclass(frozen=True)
class Edge:
    """A running edge and who may call it. ``callers``: by algorithm; ``accounts``: all funded."""

    home: Path
    pid: int
    postgres_pid: int
    port: int
    database: str
    callers: Mapping[str, Caller]
    accounts: tuple[str, ...]

    def recorded(self) -> int:
        """How many different calls its segments hold; a call recorded twice raises."""
        ids = []
        for path in sorted((self.home / "segments").glob("*.seg")):
            worker, _, number = path.stem.rpartition("-")
            for block in unpack(worker, int(number), 0, path.read_bytes()):
                ids += [record.request_id for record in block.records]
        if len(set(ids)) != len(ids):
            raise RuntimeError("a call was recorded twice")
        return len(ids)

    def counted(self) -> int:
        """How many calls its metrics say ended well."""
        text = _get(f"http://127.0.0.1:{self.port}/metrics")[1].decode()
        lines = [line for line in text.splitlines() if line.startswith("bankside_calls_total{")]
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if 'outcome="ok"' in line)


# What a measurement adds to the installation before its snapshot is published.
Prepare = Callable[[Connection], Awaitable[None]]


async def _nothing(_: Connection) -> None:
    pass


@contextmanager
def running_edge(
    folder: Path, *, prepare: Prepare = _nothing, settings: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Edge]:
    """An edge on a new installation below ``folder``, all of it gone afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=folder) as name:
        home = Path(name)
        server = EmbeddedPostgres(home)
        url = server.start()
        try:
            callers, accounts = asyncio.run(_furnish(home, url, prepare))
            with _process(home, url, settings) as (pid, port):
                postgres = server.pid
                assert postgres is not None
                yield Edge(home, pid, postgres, port, url, callers, accounts)
        finally:
            server.stop()


async def _furnish(
    home: Path, url: str, prepare: Prepare
) -> tuple[dict[str, Caller], tuple[str, ...]]:
    await migrate(url)
    pool = await open_pool(url, size=2)
    vault = Vault.at(home)
    async with transaction(pool) as db:
        platform = await ensure_platform_keys(db, CLOCK, vault)
        partner = await create_partner(db, CLOCK, name_zh="压测", name_en="Bench")
        bank = {
            (key.id, key.alg): verifier(key.alg, key.public_der)
            for key in platform
            if key.wire == "native"
        }
        callers = {alg: await _caller(db, vault, partner, alg, bank) for alg in ALGORITHMS}
    accounts = await _accounts(pool, partner)
    async with transaction(pool) as db:
        await prepare(db)
    await publish_snapshot(home, pool, CLOCK)
    await pool.close()
    return callers, accounts


async def _caller(
    db: Connection,
    vault: Vault,
    partner: Partner,
    alg: str,
    bank: Mapping[tuple[str, str], Verifier],
) -> Caller:
    new = NewApp(name=f"bench {alg}", rate_per_second=RATE, burst=BURST)
    app = await create_app(db, CLOCK, partner.id, new)
    await subscribe(db, CLOCK, partner.id, app.id, [*sorted(catalogue().products), *MORE])
    private = generate(alg)
    material = private if alg == "hmac-sha256" else public_der(private)
    registered = await register_key(
        db, CLOCK, vault, partner.id, app.id, NewKey(wire="native", alg=alg, material=material)
    )
    shared: Mapping[tuple[str, str], Verifier] = bank
    if alg == "hmac-sha256":
        shared = {(str(registered.id), alg): verifier(alg, private)}
    return Caller(Identity(key_id=registered.id, alg=alg, sign=signer(alg, private)), shared)


async def _accounts(pool: Pool, partner: Partner) -> tuple[str, ...]:
    """Accounts with money, ACCOUNTS of them, all of one customer."""
    async with transaction(pool) as db:
        papers = Registration(kind=CustomerKind.RETAIL, name_zh="压测客户", name_en="Bench")
        owner = await register(db, CLOCK, partner.id, papers)
        opening = Opening(customer=owner.id, product_class=ProductClass.CURRENT, currency="CNY")
        opened = [await open_account(db, CLOCK, partner.id, opening) for _ in range(ACCOUNTS)]
        await ensure_house_accounts(db, "CNY")
        source = house_account(House.OPENING, "CNY")
        groups = [
            Group(id=group_id("bench", each.id), legs=(Leg(source, each.ledger_account, FUNDS),))
            for each in opened
        ]
        for verdict in await post(db, groups, at=CLOCK.now()):
            assert verdict.accepted, verdict.reason
    return tuple(each.id for each in opened)


@contextmanager
def _process(home: Path, url: str, more: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """``bankside edge`` on the server's core: its pid and port."""
    (listener,) = open_listeners(parse_addresses("127.0.0.1:0"))[0]
    port = listener.getsockname()[1]
    settings = {
        "BANKSIDE_HOME": str(home),
        "BANKSIDE_DATABASE_URL": url,
        "BANKSIDE_EDGE_LISTEN": f"127.0.0.1:{port}",
        "BANKSIDE_SOCKETS": str(listener.fileno()),
        "BANKSIDE_INDEX": "0",
        "BANKSIDE_LOG": "warning",
        **more,
    }
    log = home / "edge.log"
    with pinned(SERVER_CORE), log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bankside", "edge"],
            env={**os.environ, **settings},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=[listener.fileno()],
        )
    listener.close()
    try:
        _wait(process, port, log)
        yield process.pid, port
        if log.stat().st_size:
            raise RuntimeError(f"the edge had something to say:\n{log.read_text()[-4_000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if _get(f"http://127.0.0.1:{port}/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"the edge did not start:\n{log.read_text()[-4_000:]}")


def _get(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
