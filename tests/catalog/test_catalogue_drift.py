"""Committed documents say what the platform does: the OpenAPI file and the published counts."""

import json
import re
from pathlib import Path

from tools.count_apis import counted, table

from bankside import catalog
from bankside.orders import Orders

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_openapi_file_is_the_generated_one() -> None:
    committed = json.loads((ROOT / "sdk" / "openapi.json").read_text(encoding="utf-8"))

    # Made by `bankside catalogue openapi`; when this fails, run it and review the difference.
    made = catalog.openapi(catalog.load(), Orders.runnable, Orders.refusals)
    assert committed == json.loads(json.dumps(made))


def test_the_documented_counts_are_the_counted_ones() -> None:
    text = (ROOT / "docs" / "build" / "catalogue.md").read_text(encoding="utf-8")
    documented = re.search(r"<!-- counts.*?-->\n```\n(.*?)\n```\n<!-- /counts -->", text, re.DOTALL)

    assert documented is not None
    assert documented[1] == table(counted(catalog.load(), Orders.runnable))


def test_the_router_leads_to_every_route_the_snapshot_holds() -> None:
    figures = counted(catalog.load(), Orders.runnable)
    counts = catalog.count(catalog.load(), Orders.runnable)

    assert sum(sum(row.values()) for row in figures.values()) == counts["routes"]
    assert figures["access"] == {"answering": 34, "described": 0}
    assert sum(row["answering"] for row in figures.values()) == counts["routes_answering"]
