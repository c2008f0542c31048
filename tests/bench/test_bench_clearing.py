"""The measured date is what it says: every kind of break on every side where it can happen."""

import random
from typing import Any

import pytest
from bench.__main__ import main
from bench.clearing_date import MERCHANTS, PLANTS, Chunk

from bankside.bank.merchants import Merchant


@pytest.mark.parametrize("wrong", [["--orders"], ["--orders", "many"], ["--orders", "100"]])
def test_a_number_of_orders_that_is_none_is_refused(wrong: list[str]) -> None:
    assert main([*wrong, "clearing"]) == 2


def test_a_chunk_plants_each_break_once_and_keeps_the_books_whole_otherwise() -> None:
    facts: dict[str, Any] = dict.fromkeys(Merchant.__dataclass_fields__)
    merchants = [
        Merchant(**{**facts, "id": f"mch_{n}", "pending_ledger_account": f"mch_{n}.pending"})
        for n in range(MERCHANTS)
    ]
    chunk = Chunk(random.Random(1), merchants, 0)
    for plant in PLANTS:
        chunk.order(plant, refunded=False)
    chunk.order(None, refunded=True)

    assert {(side, kind) for side, kind, _ in chunk.planted} == set(PLANTS)
    # A payment, three shares, two legs of a settlement; three orders have no payment in the ledger.
    legs = sum(len(each.legs) for each in chunk.groups)
    assert legs == 6 * (len(PLANTS) + 1) + 1 - 3
