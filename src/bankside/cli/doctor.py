"""`bankside doctor signature`: why a signature fails, in words one can act on."""

import sys
from pathlib import Path
from typing import Any

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, REFUSED, USAGE, emit, fail


async def signature(
    installation: Installation, request: Path, string: Path | None, *, as_json: bool
) -> int:
    """Examine the raw request in a file (``-``: stdin); exit 0 when its signature is valid."""
    data, theirs = _read(request, string)
    async with installation.pool() as pool:
        report = await installation.examine(pool, data, theirs)
    emit(report, as_json=as_json, text=lambda: _text(dict(report)))
    return DONE if report["valid"] else REFUSED


def _read(request: Path, string: Path | None) -> tuple[bytes, str | None]:
    try:
        data = sys.stdin.buffer.read() if str(request) == "-" else request.read_bytes()
        return data, string.read_text(encoding="utf-8") if string else None
    except (OSError, UnicodeDecodeError) as error:
        fail(f"cannot read it: {error}", USAGE)


def _text(report: dict[str, Any]) -> str:
    lines = ["the signature is valid" if report["valid"] else "the signature does NOT verify", ""]
    for name in ("expected_string", "received_string"):
        if report.get(name) is not None:
            lines += [f"{name.replace('_', ' ')}:", *_indented(report[name]), ""]
    difference = report.get("first_difference")
    if difference:
        lines += [
            f"first differing byte: offset {difference['offset']}",
            f"  expected {difference['expected_hex'] or '(end)'}"
            f"  {difference['expected_context']!r}",
            f"  received {difference['received_hex'] or '(end)'}"
            f"  {difference['received_context']!r}  in {difference['part']}",
            "",
        ]
    for cause in report.get("causes", []):
        mark = "confirmed" if cause["confirmed"] else "suspected"
        lines += [f"{mark}: {cause['code']}: {cause['evidence']}"]
        lines += [f"  fix: {cause['fix']['en']}", f"  {cause['fix']['zh']}"]
    return "\n".join(lines)


def _indented(text: str) -> list[str]:
    return [f"  {line}" for line in text.split("\n")]
