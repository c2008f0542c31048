"""What the table of results says each product answers is what it answers."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.orders.requests import begins, preceding, stand_up, valid
from tests.orders.solutions.solution_bank import RunningBank

from bankside.catalog import load
from bankside.catalog.solution_definitions import STATUS_WORDS
from bankside.catalog.solutions.answers import results

CATEGORIES = sorted({each.partition(".")[0] for each in results()["products"]})


@pytest.mark.parametrize("category", CATEGORIES)
async def test_the_sections_of_answers_are_as_the_table_says(
    runs: RunningBank, category: str
) -> None:
    for product_id, sections in results()["products"].items():
        if not product_id.startswith(f"{category}."):
            continue
        product = load().products[product_id]
        operation = begins(product)
        assert operation is not None
        runs.customer = None  # Somebody new: a person has one pension account.
        world = await stand_up(runs)
        for each in preceding(product):
            made = await runs.shown(each.operation, each.body(world), path=each.path(world))
            world[each.kept_as] = each.found(made)
        shown = await runs.shown(operation.id, valid(product, operation, world))

        assert set(sections) <= set(shown["result"]), (product_id, sorted(shown["result"]))
        assert shown["status"] in STATUS_WORDS, (product_id, shown["status"])
        for section in sections:
            for path, word in results()["sections"][section].items():
                if not word.endswith("?"):
                    assert _at(shown["result"][section], path) is not None, (product_id, path)


def _at(found: Mapping[str, Any], path: str) -> Any:
    value: Any = found
    for name in path.split("."):
        value = value[name]
    return value
