"""The date that is cleared and reconciled: orders in chunks, with breaks planted on every side.

Every order is paid, split to three receivers and settled less a fee to a merchant that is cleared
net; one in twenty is refunded in part before. The postings go through the ledger; orders and their
journal are written as the runtime would leave them; the channel's file has its lines in no order
within a chunk. Nothing of a chunk is kept once it is written, so memory does not grow with N.
"""

import json
import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from bankside.bank import clearing
from bankside.bank.accounts import Opening, ProductClass, ensure_house_accounts
from bankside.bank.accounts import open_account as open_customers
from bankside.bank.clearing import Outside, Terms
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.ledger import (
    Group,
    Leg,
    NewAccount,
    carry_out,
    open_account,
    post,
    set_floor,
)
from bankside.bank.merchants import Merchant, MerchantTerms, register_merchant
from bankside.bank.reconciliation import Head, Record, head_line, record_line, trailer_line
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.money import Money

PARTNER, CHANNEL, DAY = "prt_bench", "benchpay", date(2026, 3, 2)
AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
MERCHANTS, PAYERS, RECEIVERS = 100, 1_000, 300
CHUNK = 1_500
COPY_SECONDS_MAX = 600
# Where which break can happen: keys make duplicates impossible on our own sides, and a posting's
# date is the ledger's own.
PLANTS = (
    *(("channel", kind) for kind in ("long", "short", "amount", "date", "duplicate", "status")),
    *(("orders", kind) for kind in ("long", "short", "amount")),
    *(("ledger", kind) for kind in ("long", "short", "amount")),
)
# The example of GB 11643, of nobody.
RESIDENT = "11010519491231002X"
KINDS = frozenset({"payment", "refund", "split", "settlement"})
ELSEWHERE = Outside("102100099996", "6222020200112230000", "海棠小馆")


@dataclass
class Chunk:
    """Rows of orders and journal, groups of the ledger, lines of the file, breaks among them."""

    chance: random.Random
    merchants: Sequence[Merchant]
    first: int
    orders: list[tuple[Any, ...]] = field(default_factory=list)
    journal: list[tuple[Any, ...]] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    lines: list[Record] = field(default_factory=list)
    planted: set[tuple[str, str, str]] = field(default_factory=set)

    def order(self, plant: tuple[str, str] | None, *, refunded: bool) -> None:
        """One order's day; ``plant`` is a break of its payment: (side, kind)."""
        number = self.chance.randrange(MERCHANTS)
        merchant = self.merchants[number]
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
            "merchant_pending": merchant.pending_ledger_account,
            "merchant": merchant.sub_account("available"),
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
        name = f"ord_{self.first + len(self.orders):026d}"
        facts = (PARTNER, name, "app_bench", "bench", 1, family, "completed", "settled", "[]", 0)
        about = ("order", b"bench", roles["merchant"], "CNY", amount, settled, fee)
        rest = ("{}", "{}", json.dumps(roles), "{}", "{}", "{}", 4, 1, AT, AT)
        self.orders.append((*facts, *about, *rest))
        return name


_ORDER_COLUMNS = [
    *("partner_id", "order_id", "app_id", "product", "product_version", "family", "state"),
    *("status", "plan", "position", "scope", "content_hash", "subject", "currency", "amount"),
    *("settled", "fee", "shares", "terms", "roles", "input", "output", "book", "revision"),
    *("event_seq", "created_at", "updated_at"),
]
_AMOUNT = _ORDER_COLUMNS.index("amount")
_JOURNAL_COLUMNS = [
    *("partner_id", "order_id", "revision", "n", "step_id", "use", "status", "group_id"),
    *("output", "at"),
]


def _group(group: uuid.UUID, kind: str, moves: list[tuple[str, str, int]]) -> Group:
    legs = tuple(Leg(debit, credit, Money(minor, "CNY")) for debit, credit, minor in moves if minor)
    return Group(group, legs, kind=kind, request_hash=b"bench")


async def furnished(pool: Pool) -> list[Merchant]:
    """The merchants, every third paid at another bank; payers and receivers."""
    clock = FixedClock(AT)
    names = [
        *(f"payer-{n}" for n in range(PAYERS)),
        *(f"receiver-{n}" for n in range(RECEIVERS)),
    ]
    accounts = [NewAccount(id=each, partner=PARTNER, currency="CNY", floor=None) for each in names]
    async with transaction(pool) as db:
        await ensure_house_accounts(db, "CNY")
        await carry_out(db, *map(open_account, accounts))
        person = Registration(
            kind=CustomerKind.RETAIL, name_zh="林晓雨", name_en="Lin Xiaoyu", resident_id=RESIDENT
        )
        owner = await register(db, clock, PARTNER, person)
        return [await _merchant(db, clock, owner.id, number) for number in range(MERCHANTS)]


async def _merchant(db: Connection, clock: FixedClock, owner: Any, number: int) -> Merchant:
    opening = Opening(customer=owner, product_class=ProductClass.CURRENT, currency="CNY")
    settlement = await open_customers(db, clock, PARTNER, opening)
    terms = MerchantTerms(
        customer=owner, name_zh="海棠小馆", name_en="Begonia", settlement_account=settlement.id
    )
    made = await register_merchant(db, clock, PARTNER, terms)
    to = ELSEWHERE if number % 3 == 0 else None
    agreed = Terms(partner=PARTNER, merchant=made.id, payout_to=to, reserve=10_000)
    await clearing.agree(db, clock, agreed)
    # A payment that was planted away would leave the account short.
    await carry_out(db, set_floor(made.pending_ledger_account, None))
    return made


async def stored(pool: Pool, file: Path, *, orders: int, breaks: int) -> dict[str, Any]:
    """The date stands in the database and in the channel's file; what was planted, and counts."""
    merchants = await furnished(pool)
    chance = random.Random(20260302)
    every = orders // breaks
    planted: set[tuple[str, str, str]] = set()
    counts = {"lines": 0, "journal": 0, "legs": 0, "orders": 0}
    total = 0
    with file.open("wb") as out:
        out.write(head_line(Head(CHANNEL, PARTNER, DAY, DAY + timedelta(days=1), KINDS)).encode())
        for first in range(0, orders, CHUNK):
            chunk = Chunk(chance, merchants, counts["orders"])
            for number in range(first, min(first + CHUNK, orders)):
                at, rest = divmod(number, every)
                plant = PLANTS[at % len(PLANTS)] if rest == 0 and at < breaks else None
                chunk.order(plant, refunded=number % 20 == 7)
            await _written(pool, chunk)
            total += _lines(chunk, chance, out)
            planted |= chunk.planted
            counts["lines"] += len(chunk.lines)
            counts["journal"] += len(chunk.journal)
            counts["legs"] += sum(len(each.legs) for each in chunk.groups)
            counts["orders"] += len(chunk.orders)
        out.write(trailer_line(counts["lines"], {"CNY": total}).encode())
    await pool.execute("analyze", timeout=COPY_SECONDS_MAX)
    return {"planted": planted, **counts}


def _lines(chunk: Chunk, chance: random.Random, out: BinaryIO) -> int:
    """The chunk's lines in no order; what the posted ones add up to."""
    chance.shuffle(chunk.lines)
    out.writelines(record_line(each).encode() for each in chunk.lines)
    return sum(each.amount or 0 for each in chunk.lines if each.status == "posted")


async def _written(pool: Pool, chunk: Chunk) -> None:
    async with transaction(pool) as db:
        for name, columns, rows in (
            ("orders", _ORDER_COLUMNS, chunk.orders),
            ("journal", _JOURNAL_COLUMNS, chunk.journal),
        ):
            await db.copy_records_to_table(
                name,
                schema_name="orders",
                columns=columns,
                records=rows,
                timeout=COPY_SECONDS_MAX,
            )
        verdicts = await post(db, chunk.groups, at=AT)
        assert all(each.accepted for each in verdicts)
