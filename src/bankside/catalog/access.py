"""The access to customers' accounts by token, read from its definition.

Its paths, member names and scopes are UK Open Banking's; whole schemas stand beside it
(``open-banking-schemas.yaml``), because nested bodies have no use for the fields of orders.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bankside.catalog.model import Input, Product, ProductOperation, Step, Text
from bankside.catalog.naming import icbc_path
from bankside.catalog.reading import beside_the_shelf

Row = Mapping[str, Any]

QUERY_TEXT_MAX = 128


def access_product(row: Row) -> Product:
    """The definition as a product that every client has and nobody subscribes to."""
    operations = tuple(_operation(row["id"], each) for each in row["operations"])
    return replace(
        beside_the_shelf(row, "access", operations),
        # What a payment runs through is the family of transfers.
        archetype="transfer",
        steps=tuple(
            Step(each["id"], each["use"], each["when"], each["on_failure"], each["with"])
            for each in row["steps"]
        ),
    )


def _operation(product: str, row: Row) -> ProductOperation:
    return ProductOperation(
        id=f"{product}.{row['noun']}.{row['word']}",
        product=product,
        method=row["method"],
        path=row["path"],
        purpose=row["purpose"],
        word=row["word"],
        icbc_path=icbc_path(f"{product}.{row['noun']}", row["word"]),
        runs=row.get("runs"),
        inputs=tuple(
            Input(name, "text", False, max=QUERY_TEXT_MAX) for name in row.get("query", ())
        ),
        moves_money=row.get("moves_money", False),
        added=True,
        description=_text(row["description"]),
        access=row["access"],
        scopes=frozenset({row["scope"]}),
        keyed=row.get("keyed", False),
        body=row.get("body"),
        answer=row.get("answer"),
        status=row.get("status", 200),
    )


def _text(row: Row) -> Text:
    return Text(row["zh"], row["en"])
