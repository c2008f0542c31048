"""The proposal for a whole description: the review a person reads, changes and confirms.

Always true: nothing in a proposal is confirmed; the same description gives the same proposal.
Source: catalogue guide section 8, step 2.
"""

from collections import Counter
from typing import Any

from bankside.catalog.imports.guessing import Guess, guess
from bankside.catalog.imports.model import Described, DescribedOperation
from bankside.catalog.imports.naming import Names, names_of

FORMAT = 1
_TIERS = ("R1", "R2", "R3", "R4")
_CLASSES = ("C1", "C2", "C3")
_UNITS = {"integer": "minor", "number": "major", "string": "text"}

Review = dict[str, Any]


def propose(described: Described, *, product: str, url: str, file: str = "") -> Review:
    """The review of a description as product ``product`` (``category.set``), none of it confirmed.

    ``url`` is where its service is; ``file`` is told for people.
    """
    set_ = product.partition(".")[2]
    names = names_of(set_, described.operations)
    guesses = [guess(each) for each in described.operations]
    title = described.title or set_
    return {
        "format": FORMAT,
        "product": product,
        "name": {"zh": title, "en": title},
        "description": {
            "zh": f"由行内服务提供：{title}",
            "en": f"Carried out by a service of the bank: {title}",
        },
        "scenes": [],
        "industries": [],
        "access": "signature",
        "risk_tier": max((each.risk_tier for each in guesses), default="R1"),
        "data_class": max((each.data_class for each in guesses), default="C1"),
        "scopes": sorted({scope for each in guesses for scope in each.scopes}),
        "source": {
            "file": file,
            "sha256": described.sha256,
            "openapi": described.openapi,
            "title": described.title,
            "version": described.version,
        },
        "upstream": {
            "url": url,
            "connect_ms": 1_000,
            "answer_ms": 5_000,
            "slow_ms": 3_000,
            "connections": 32,
            "answer_bytes_max": 1_048_576,
            "credential_header": "",
        },
        "operations": [
            _operation(each, name, what)
            for each, name, what in zip(described.operations, names, guesses, strict=True)
        ],
    }


def figures(review: Review) -> dict[str, Any]:
    """What a report says of a proposal in numbers."""
    operations = review["operations"]
    return {
        "operations": len(operations),
        "moves_money": sum(each["moves_money"] for each in operations),
        "by_risk_tier": _counted(each["risk_tier"] for each in operations),
        "by_data_class": _counted(each["data_class"] for each in operations),
        "without_scope": sum(not each["scopes"] for each in operations),
        "confirmed": sum(each["confirmed"] for each in operations),
    }


def _counted(values: Any) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _operation(operation: DescribedOperation, names: Names, what: Guess) -> dict[str, Any]:
    return {
        "upstream": f"{operation.method} {operation.path}",
        "keep": True,
        "confirmed": False,
        "path": names.path,
        "word": names.word,
        "holes": names.holes,
        "summary": operation.summary,
        "deprecated": operation.deprecated,
        "risk_tier": what.risk_tier,
        "data_class": what.data_class,
        "scopes": list(what.scopes),
        "moves_money": what.moves_money,
        "key_header": what.key_header,
        "headers": {},
        "map_request": _amounts(operation) if what.moves_money else [],
        "map_answer": [],
        "refusals": [],
        "because": list(what.because),
    }


def _amounts(operation: DescribedOperation) -> list[dict[str, str]]:
    """Amounts of the request as ours, where a currency stands beside them."""
    rules = []
    for pointer, kind, currency in operation.money:
        if not currency:
            continue
        # {"value": 1234, "currency": "CNY"} is one amount of ours; a flat pair becomes one member.
        owner = pointer.rpartition("/")[0]
        last = pointer.rpartition("/")[2]
        source = owner if owner and last.lower() in {"value", "amount"} else pointer
        rules.append(
            {"source": source, "target": pointer, "unit": _UNITS[kind], "currency": currency}
        )
    # Two amounts beside one currency cannot both carry it: those stay as they are.
    shared = Counter(rule["currency"] for rule in rules)
    return [rule for rule in rules if shared[rule["currency"]] == 1]
