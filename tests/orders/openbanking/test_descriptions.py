"""Every answer keeps our own description, and UK Open Banking's public one where it has one."""

import gzip
import json
import os
import re
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from jsonschema import Draft202012Validator, FormatChecker
from tests.orders.openbanking.every_answer import Said, every_answer
from tests.orders.openbanking.open_bank import OpenBank

from bankside import catalog

ROOT = Path(__file__).resolve().parents[3]
# Public data that lies beside the project on the builders' machine; absent elsewhere.
SHARED = Path(os.environ.get("BANKSIDE_SHARED_DATA", ROOT.parent / "shared" / "data"))
PUBLIC = SHARED / "openapi" / "openbanking.org.uk"
FILES = {
    "aisp": "account-info",
    "pisp": "payment-initiation",
    "cbpii": "confirmation-funds",
}
BASE = "/open-banking/v3.1"
FORMATS = FormatChecker(formats=[])
JSON_TYPE = "application/json"


@FORMATS.checks("date-time")
def is_instant(value: object) -> bool:
    """RFC 3339, with a zone."""
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None


@FORMATS.checks("uri")
def is_uri(value: object) -> bool:
    """An absolute address."""
    return not isinstance(value, str) or bool(urlsplit(value).scheme and urlsplit(value).netloc)


@cache
def ours() -> dict[str, Any]:
    return catalog.openapi(catalog.load(), lambda product, operation: True)


@cache
def public(family: str) -> dict[str, Any]:
    path = PUBLIC / f"{FILES[family]}-openapi.json.gz"
    found: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return found


def faults(document: Mapping[str, Any], schema: Any, value: Any) -> list[str]:
    whole = {**schema, "components": document["components"]}
    validator = Draft202012Validator(whole, format_checker=FORMATS)
    return [
        f"{list(error.absolute_path)}: {error.message[:200]}"
        for error in validator.iter_errors(value)
    ]


def resolved(document: Mapping[str, Any], node: Any) -> Any:
    while "$ref" in node:
        found: Any = document
        for part in node["$ref"].split("/")[1:]:
            found = found[part]
        node = found
    return node


def schema_of(content: Mapping[str, Any]) -> Any:
    """The JSON schema among the media types."""
    return next(each["schema"] for name, each in content.items() if name.startswith(JSON_TYPE))


async def test_every_operation_answers_as_our_document_says(open_bank: OpenBank) -> None:
    said = await every_answer(open_bank)

    for each in said:
        operation = catalog.load().operations[f"open-banking.{each.name}"]
        node = ours()["paths"][operation.path][operation.method.lower()]
        if each.asked is not None:
            asked = schema_of(node["requestBody"]["content"])
            assert faults(ours(), asked, each.asked) == [], each.name
        answered = node["responses"][str(each.answer.status)]
        if each.answer.status == 204:
            assert "content" not in answered
            continue
        assert faults(ours(), schema_of(answered["content"]), each.answer.body) == [], each.name
    described = {
        each.removeprefix("open-banking.")
        for each in catalog.load().operations
        if each.startswith("open-banking.")
    }
    assert {each.name for each in said} == described


@pytest.mark.shared
@pytest.mark.skipif(not PUBLIC.exists(), reason="the public descriptions are not on this machine")
async def test_every_answer_keeps_the_public_description(
    open_bank: OpenBank, capsys: pytest.CaptureFixture[str]
) -> None:
    compared = 0
    for each in await every_answer(open_bank):
        compared += _compared(each)

    left_out = sorted(_public_operations() - _our_operations())
    with capsys.disabled():
        print("\nleft out of the public descriptions:", *left_out, sep="\n  ")
    documented = (ROOT / "docs" / "partner" / "open-banking.md").read_text(encoding="utf-8")
    listed = re.search(r"<!-- left out -->\n```\n(.*?)\n```", documented, re.DOTALL)
    assert compared >= len(_public_operations() & _our_operations()) > 20
    assert listed is not None
    assert listed[1].splitlines() == left_out


def _compared(said: Said) -> int:
    """Check one call against the public description; 0 when that has no such operation."""
    operation = catalog.load().operations[f"open-banking.{said.name}"]
    _, family, rest = operation.path.removeprefix(BASE).split("/", 2)
    document = public(family)
    node = document["paths"].get(f"/{rest}", {}).get(operation.method.lower())
    if node is None:
        return 0
    if said.asked is not None:
        body = resolved(document, node["requestBody"])
        assert faults(document, schema_of(body["content"]), said.asked) == [], said.name
    answered = resolved(document, node["responses"][str(said.answer.status)])
    if said.answer.status != 204:
        found = faults(document, schema_of(answered["content"]), said.answer.body)
        assert found == [], said.name
    return 1


def _public_operations() -> set[str]:
    return {
        f"{method.upper()} /{family}{path}"
        for family in FILES
        for path, item in public(family)["paths"].items()
        for method in item
        if method in {"get", "post", "put", "delete", "patch"}
    }


def _our_operations() -> set[str]:
    return {
        f"{each.method} {each.path.removeprefix(BASE)}"
        for each in catalog.load().open_banking.operations
    }
