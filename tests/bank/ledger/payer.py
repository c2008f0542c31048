"""One process that pays through its own Books and notes every acknowledged payment on disk.

Run as ``python payer.py URL LEDGER NAME COUNT JOURNAL``: COUNT payments (0: until killed) of one
minor unit between the accounts w0..w9, in waves of 40. The journal gets a payment's name after it
was acknowledged, synced, so that what it says survives the process.
"""

import asyncio
import itertools
import os
import random
import sys
from pathlib import Path

from tests.bank.ledger.ledger_world import group

from bankside.bank.ledger import Books
from bankside.kernel.clock import SystemClock
from bankside.kernel.db import open_pool

WAVE = 40


async def pay(url: str, ledger: str, name: str, count: int, journal: Path) -> None:
    """Pay in waves; each wave's acknowledged names are on disk before the next wave."""
    chance = random.Random(name)
    pool = await open_pool(url, size=2)
    with journal.open("a") as file:
        async with Books(pool, SystemClock(), ledger=ledger) as books:
            for wave in itertools.count():
                if count and wave * WAVE >= count:
                    break
                names = [f"{name}-{wave}-{number}" for number in range(WAVE)]
                groups = []
                for each in names:
                    debit, credit = chance.sample(range(10), 2)
                    groups.append(group(each, (f"w{debit}", f"w{credit}", 1)))
                verdicts = await asyncio.gather(*(books.commit(each) for each in groups))
                assert all(verdict.accepted for verdict in verdicts)
                file.write("".join(f"{each}\n" for each in names))
                file.flush()
                os.fsync(file.fileno())
    await pool.close()


if __name__ == "__main__":
    asyncio.run(pay(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), Path(sys.argv[5])))
