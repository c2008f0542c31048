"""Three-way reconciliation of one date: orders with refunds and split lines, and planted breaks.

Every order is paid, split to three receivers and settled less a fee; one in twenty is refunded in
part before. The postings go through the ledger; orders and their journal are written as the runtime
would leave them; the channel's file has its lines in no order. Breaks of all six kinds are planted
on the sides where they can happen; a process of its own reconciles the date twice.
"""

import asyncio
import json
import random
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import uvloop

from bankside.bank import reconciliation
from bankside.bank.accounts import ensure_house_accounts
from bankside.bank.ledger import Group, Leg, NewAccount, carry_out, open_account, post
from bankside.bank.reconciliation import (
    Chosen,
    Day,
    Head,
    Record,
    head_line,
    record_line,
    trailer_line,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.migrate import migrate
from bankside.kernel.money import Money
from bankside.kernel.postgres import EmbeddedPostgres
from bankside.orders import reconciling
from bench.report import Result, table

PARTNER, CHANNEL, DAY = "prt_bench", "benchpay", date(2026, 3, 2)
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
NIGHT = datetime(2026, 3, 2, 16, tzinfo=UTC)
MERCHANTS, PAYERS, RECEIVERS = 100, 1_000, 300
GROUPS_A_BATCH = 1_500
# Where which break can happen: keys make duplicates impossible on our own sides, and a posting's
# date is the ledger's own.
PLANTS = (
    *(("channel", kind) for kind in ("long", "short", "amount", "date", "duplicate", "status")),
    *(("orders", kind) for kind in ("long", "short", "amount")),
    *(("ledger", kind) for kind in ("long", "short", "amount")),
)
KINDS = frozenset({"payment", "refund", "split", "settlement"})


@dataclass
class World:
    """What is written: rows of orders and journal, groups of the ledger, lines of the file."""

    chance: random.Random
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    lines: list[Record] = field(default_factory=list)
    planted: set[tuple[str, str, str]] = field(default_factory=set)
    count: int = 0

    def order(self, plant: tuple[str, str] | None, *, refunded: bool) -> None:
        """One order's day; ``plant`` is a break of its payment: (side, kind)."""
        number = self.chance.randrange(MERCHANTS)
        amount = self.chance.randrange(1_000, 100_000)
        shares = {
            f"receiver-{(number + n) % RECEIVERS}": amount * part // 100
            for n, part in enumerate((20, 10, 5))
        }
        refund = amount // 10 if refunded else 0
        fee = amount * 38 // 10_000
        settled = amount - sum(shares.values()) - refund - fee
        payer = f"payer-{self.chance.randrange(PAYERS)}"
        roles = {
            "payer": payer,
            "merchant_pending": f"pending-{number}",
            "merchant": f"merchant-{number}",
            "fee_income": "house.fee-income.CNY",
        }
        pending = roles["merchant_pending"]
        order = self._order("collect_split", amount, roles, settled, fee)
        self._pay(order, amount, roles, plant)
        self._step(
            order, 2, "split.execute", "split", [(pending, *each) for each in shares.items()]
        )
        if refund:
            back = self._order("refund", refund, roles, 0, 0)
            moves = [(pending, payer, refund)]
            group = self._step(order, 3, "collect.refund", "refund", moves)
            self._journal(back, 1, "collect.refund", {}, group)
        settling = [(pending, roles["merchant"], settled), (pending, roles["fee_income"], fee)]
        self._step(order, 4, "split.finish", "settlement", settling)

    def _pay(
        self, order: str, amount: int, roles: dict[str, str], plant: tuple[str, str] | None
    ) -> None:
        moves = [(roles["payer"], roles["merchant_pending"], amount)]
        side, kind = plant or ("", "")
        true = len(self.lines), len(self.groups), len(self.journal)
        group = self._step(order, 1, "collect.confirm", "payment", moves)
        if plant:
            self.planted.add((side, kind, str(group)))
        line = self.lines[-1]
        if (side, kind) in {("orders", "long"), ("channel", "long")}:
            del self.groups[true[1] :]
        if (side, kind) in {("ledger", "long"), ("channel", "long"), ("orders", "short")}:
            del self.journal[true[2] :]
        if (side, kind) in {("ledger", "long"), ("orders", "long"), ("channel", "short")}:
            del self.lines[true[0] :]
        if plant == ("ledger", "short"):
            del self.groups[true[1] :]
        elif plant == ("ledger", "amount"):
            self.groups[-1] = _group(group, "payment", [(*moves[0][:2], amount + 1)])
        elif plant == ("orders", "amount"):
            row = list(self.orders[-1])
            row[_AMOUNT] = amount + 1
            self.orders[-1] = tuple(row)
        elif plant == ("channel", "amount"):
            self.lines[-1] = line._replace(amount=amount + 1)
        elif plant == ("channel", "date"):
            self.lines[-1] = line._replace(on=DAY + timedelta(days=1))
        elif plant == ("channel", "status"):
            self.lines[-1] = line._replace(status="refused")
        elif plant == ("channel", "duplicate"):
            self.lines.append(line)

    def _step(
        self, order: str, revision: int, use: str, kind: str, moves: list[tuple[str, str, int]]
    ) -> uuid.UUID:
        group = uuid.UUID(int=self.chance.getrandbits(128))
        output = {to: str(Money(minor, "CNY")) for _, to, minor in moves}
        self._journal(order, revision, use, output if kind == "split" else {}, group)
        self.groups.append(_group(group, kind, moves))
        self.lines += [
            Record(str(group), to, kind, minor, "CNY", DAY) for _, to, minor in moves if minor
        ]
        return group

    def _journal(
        self, order: str, revision: int, use: str, output: dict[str, str], group: uuid.UUID
    ) -> None:
        row = (PARTNER, order, revision, 0, use, use, "done", group, json.dumps(output), AT)
        self.journal.append(row)

    def _order(
        self, family: str, amount: int, roles: dict[str, str], settled: int, fee: int
    ) -> str:
        self.count += 1
        name = f"ord_{self.count:026d}"
        facts = (PARTNER, name, "app_bench", "bench", 1, family, "completed", "settled", "[]", 0)
        about = ("order", b"bench", roles["merchant"], "CNY", amount, settled, fee)
        rest = ("{}", "{}", json.dumps(roles), "{}", "{}", "{}", 4, 1, AT, AT)
        self.orders.append((*facts, *about, *rest))
        return name


_ORDER_COLUMNS = [
    "partner_id",
    "order_id",
    "app_id",
    "product",
    "product_version",
    "family",
    "state",
    "status",
    "plan",
    "position",
    "scope",
    "content_hash",
    "subject",
    "currency",
    "amount",
    "settled",
    "fee",
    "shares",
    "terms",
    "roles",
    "input",
    "output",
    "book",
    "revision",
    "event_seq",
    "created_at",
    "updated_at",
]
_AMOUNT = _ORDER_COLUMNS.index("amount")
_JOURNAL_COLUMNS = [
    "partner_id",
    "order_id",
    "revision",
    "n",
    "step_id",
    "use",
    "status",
    "group_id",
    "output",
    "at",
]


def _group(group: uuid.UUID, kind: str, moves: list[tuple[str, str, int]]) -> Group:
    legs = tuple(Leg(debit, credit, Money(minor, "CNY")) for debit, credit, minor in moves if minor)
    return Group(group, legs, kind=kind, request_hash=b"bench")


def made(orders: int, breaks: int) -> World:
    """The date's world; the planted breaks are spread over its orders and over all kinds."""
    world = World(random.Random(20260302))
    every = orders // breaks
    for number in range(orders):
        plant = PLANTS[number // every % len(PLANTS)] if number % every == 0 else None
        if number // every >= breaks:
            plant = None
        world.order(plant, refunded=number % 20 == 7)
    world.chance.shuffle(world.lines)
    return world


async def stored(pool: Pool, world: World) -> None:
    """The world stands in the database."""
    names = [
        *(f"payer-{n}" for n in range(PAYERS)),
        *(f"receiver-{n}" for n in range(RECEIVERS)),
        *(f"{word}-{n}" for n in range(MERCHANTS) for word in ("merchant", "pending")),
    ]
    accounts = [NewAccount(id=each, partner=PARTNER, currency="CNY", floor=None) for each in names]
    async with transaction(pool) as db:
        await ensure_house_accounts(db, "CNY")
        await carry_out(db, *map(open_account, accounts))
    for start in range(0, len(world.groups), GROUPS_A_BATCH):
        async with transaction(pool) as db:
            batch = world.groups[start : start + GROUPS_A_BATCH]
            verdicts = await post(db, batch, at=AT)
            assert all(each.accepted for each in verdicts)
    for name, columns, rows in (
        ("orders", _ORDER_COLUMNS, world.orders),
        ("journal", _JOURNAL_COLUMNS, world.journal),
    ):
        async with transaction(pool) as db:
            await db.copy_records_to_table(
                name, schema_name="orders", columns=columns, records=rows, timeout=120
            )
    await pool.execute("analyze")


def content(world: World) -> Iterator[bytes]:
    """The channel's file."""
    yield head_line(Head(CHANNEL, PARTNER, DAY, DAY + timedelta(days=1), KINDS)).encode()
    total = 0
    for each in world.lines:
        total += (each.amount or 0) if each.status == "posted" else 0
        yield record_line(each).encode()
    yield trailer_line(len(world.lines), {"CNY": total}).encode()


async def reconcile(url: str, file: Path) -> dict[str, Any]:
    """Reconcile the date twice; seconds, breaks as (side, kind, reference), and the peak memory."""
    pool = await open_pool(url, size=2)
    clock = FixedClock(NIGHT)
    seconds, digests, compared = [], [], 0
    for _ in range(2):
        began = time.perf_counter()
        with file.open("rb") as lines:
            async with transaction(pool) as db:
                outcome = await reconciliation.run(
                    db,
                    clock,
                    Day(PARTNER, DAY, CHANNEL),
                    orders=reconciling.records,
                    file=reconciliation.read(lines),
                )
        seconds.append(time.perf_counter() - began)
        digests.append(outcome.digest)
        compared = outcome.compared
    found: list[tuple[str, str, str]] = []
    cursor: str | None = None
    while True:
        async with pool.acquire() as db:
            page = await reconciliation.list_breaks(
                db, PARTNER, Chosen(channel=CHANNEL), cursor=cursor, limit=200
            )
        found += [(b.found.side.value, b.found.kind.value, b.found.reference) for b in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    await pool.close()
    return {
        "seconds": seconds,
        "digests": digests,
        "compared": compared,
        "found": found,
        "peak_mb": _peak_mb(),
    }


def _peak_mb() -> int:
    """Peak memory of this program alone; ru_maxrss keeps what its parent was when it forked."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


@dataclass(frozen=True)
class Row:
    """What one date took and found; ``rows`` are the records of all three sources."""

    orders: int
    rows: int
    planted: int
    found: int
    missed: int
    false: int
    by_kind: dict[str, int]
    first_run_s: float
    repeat_s: float
    rows_per_second: int
    peak_memory_mb: int
    repeat_is_identical: bool


def measure(home: Path, *, orders: int, breaks: int) -> Row:
    """Make the date, reconcile it in another process, and compare with what was planted."""
    home.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="bench-", dir=home) as folder:
        server = EmbeddedPostgres(Path(folder))
        try:
            url = server.start()
            world = made(orders, breaks)
            uvloop.run(_prepared(url, world))
            file = Path(folder) / "channel.csv"
            with file.open("wb") as out:
                out.writelines(content(world))
            command = [sys.executable, "-m", "bench.reconciliation", url, str(file)]
            told = subprocess.run(command, check=True, capture_output=True, timeout=600)
        finally:
            server.stop()
    result = json.loads(told.stdout)
    found = [tuple(each) for each in result["found"]]
    rows = len(world.lines) + len(world.journal) + sum(len(each.legs) for each in world.groups)
    kinds = sorted({kind for _, kind, _ in world.planted})
    return Row(
        orders=orders,
        rows=rows,
        planted=len(world.planted),
        found=len(found),
        missed=len(world.planted - set(found)),
        false=len([each for each in found if each not in world.planted]),
        by_kind={kind: sum(each[1] == kind for each in found) for kind in kinds},
        first_run_s=round(result["seconds"][0], 1),
        repeat_s=round(result["seconds"][1], 1),
        rows_per_second=round(rows / result["seconds"][0]),
        peak_memory_mb=result["peak_mb"],
        repeat_is_identical=len(set(result["digests"])) == 1,
    )


async def _prepared(url: str, world: World) -> None:
    await migrate(url)
    pool = await open_pool(url, size=2)
    await stored(pool, world)
    await pool.close()


def run(home: Path, *, orders: int, breaks: int) -> Result:
    """The measurement as a table; fails when a break was missed or invented."""
    row = measure(home, orders=orders, breaks=breaks)
    if row.missed or row.false or not row.repeat_is_identical:
        raise RuntimeError(f"reconciliation is wrong: {row}")
    shown = {name.replace("_", " "): value for name, value in asdict(row).items()}
    shown["by kind"] = ", ".join(f"{kind} {count}" for kind, count in row.by_kind.items())
    lines = [
        (name, f"{each:,}" if type(each) is int else str(each)) for name, each in shown.items()
    ]
    return Result(table(("what", "figure"), lines), [asdict(row)])


if __name__ == "__main__":
    print(json.dumps(asyncio.run(reconcile(sys.argv[1], Path(sys.argv[2])))))
