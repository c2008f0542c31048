"""Results as files: a table for people and the same figures for programs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.machine import Speed

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """What one measurement found. ``tables``: Markdown; ``rows``: the same, JSON-able."""

    tables: str
    rows: Any
    speeds: Sequence[Speed] = field(default=())


def write(name: str, result: Result, facts: Mapping[str, str], folder: Path = RESULTS) -> Path:
    """Write ``<name>.md`` and ``<name>.json``; the first one's path."""
    folder.mkdir(parents=True, exist_ok=True)
    known = dict(facts) | calibration(result.speeds)
    lines = [f"# {name}", "", result.tables, "", *(f"- {key}: {known[key]}" for key in known), ""]
    path = folder / f"{name}.md"
    path.write_text("\n".join(lines), encoding="utf-8")
    data = {"facts": known, "rows": result.rows}
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")
    return path


def calibration(speeds: Sequence[Speed]) -> dict[str, str]:
    """The range of the calibration loops over a measurement."""
    if not speeds:
        return {}
    loops = [each.python_ms for each in speeds]
    verifications = [each.rsa_us for each in speeds]
    return {
        "calibration": f"Python loop {min(loops):.1f}-{max(loops):.1f} ms, "
        f"RSA-2048 verify {min(verifications):.1f}-{max(verifications):.1f} us"
    }


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
