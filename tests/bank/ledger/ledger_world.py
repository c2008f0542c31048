"""A small ledger of its own for one test: short names for accounts, short ways to say groups.

Every world is another ledger (its own chain), so tests on one database do not see each other and
each can prove its whole books.
"""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bankside.bank.ledger import (
    AccountClass,
    Balance,
    Books,
    Group,
    Leg,
    NewAccount,
    Report,
    Verdict,
    balances,
    carry_out,
    group_id,
    open_account,
    open_ledger,
    post,
    verify,
)
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Connection, Pool, transaction
from bankside.kernel.money import Money

MORNING = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
EQUITY, HOLD, HOLD_USD, DOLLARS = "equity", "hold", "hold-usd", "dollars"


def legs(*moves: tuple[str, str, int], currency: str = "CNY") -> tuple[Leg, ...]:
    """Legs of (debit, credit, minor units)."""
    return tuple(Leg(debit, credit, Money(minor, currency)) for debit, credit, minor in moves)


def group(name: str, *moves: tuple[str, str, int], **fields: Any) -> Group:
    """A group whose id belongs to ``name``."""
    return Group(group_id(name), legs(*moves), **fields)


class World:
    """One ledger on one connection; what is posted goes through ``post``."""

    def __init__(self, db: Connection, name: str) -> None:
        self.db = db
        self.name = name
        self.clock = FixedClock(MORNING)

    @classmethod
    async def open(cls, db: Connection, accounts: Mapping[str, int | None]) -> "World":
        """A ledger with these accounts (id: floor), an equity account and hold accounts."""
        world = cls(db, f"t-{uuid.uuid4()}")
        opened = [
            NewAccount(id=each, partner="prt_test", currency="CNY", floor=floor)
            for each, floor in accounts.items()
        ]
        opened += [
            _account(EQUITY, "CNY", AccountClass.EQUITY, None),
            _account(HOLD, "CNY", AccountClass.HOLD, 0),
            _account(HOLD_USD, "USD", AccountClass.HOLD, 0),
            _account(DOLLARS, "USD", AccountClass.EQUITY, None),
        ]
        writes = [open_account(each, ledger=world.name) for each in opened]
        await carry_out(db, open_ledger(world.name))
        await carry_out(db, *writes)
        return world

    async def post(self, *groups: Group) -> list[Verdict]:
        """Post now, by the world's clock."""
        return await post(self.db, groups, at=self.clock.now(), ledger=self.name)

    async def fund(self, **minor: int) -> None:
        """Pay these amounts in, from equity."""
        paid = [group(f"fund {each}", (EQUITY, each, amount)) for each, amount in minor.items()]
        assert all(verdict.accepted for verdict in await self.post(*paid))

    async def balance(self, account: str) -> Balance:
        """The account's balance."""
        return (await balances(self.db, [account], ledger=self.name))[account]

    async def free(self, *accounts: str) -> list[int]:
        """What each account has left to debit, in minor units."""
        found = await balances(self.db, accounts, ledger=self.name)
        return [found[each].available.minor for each in accounts]

    async def verify(self) -> Report:
        """Prove the books."""
        return await verify(self.db, self.name)

    async def books(self) -> list[tuple[Any, ...]]:
        """All entries, as values that two worlds can be compared by."""
        rows = await self.db.fetch(
            "select account_id, version, group_id, leg, amount, balance_after "
            "from bank.ledger_entries where ledger_id = $1 order by account_id, version",
            self.name,
        )
        return [tuple(row) for row in rows]

    async def outcomes(self) -> list[tuple[Any, ...]]:
        """All transfers without the batch they came in."""
        rows = await self.db.fetch(
            "select group_id, leg, verdict, reason, debit, credit, amount, currency, hold_id "
            "from bank.ledger_transfers where ledger_id = $1 order by group_id, leg",
            self.name,
        )
        return [tuple(row) for row in rows]


def _account(name: str, currency: str, kind: AccountClass, floor: int | None) -> NewAccount:
    return NewAccount(id=name, partner="bank", currency=currency, account_class=kind, floor=floor)


async def shared_world(pool: Pool, accounts: Mapping[str, int | None], **funds: int) -> str:
    """The name of a committed world, for tests that need several connections."""
    async with transaction(pool) as db:
        world = await World.open(db, accounts)
        await world.fund(**funds)
    return world.name


async def proof(pool: Pool, ledger: str) -> Report:
    """Prove a committed world's books."""
    async with pool.acquire() as db:
        return await verify(db, ledger)


async def commit_all(books: Books, groups: Sequence[Group]) -> list[Verdict]:
    """All groups at once, as that many callers."""
    return list(await asyncio.gather(*(books.commit(each) for each in groups)))


def in_a_day() -> datetime:
    """An instant a day after the worlds begin."""
    return MORNING + timedelta(days=1)


def day(number: int) -> date:
    """A day of March 2026."""
    return date(2026, 3, number)
