"""How commands print and how they end."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NoReturn

import msgspec

from bankside.kernel.errors import BanksideError, Forbidden, Unauthenticated, Unavailable

DONE, REFUSED, USAGE, UNAUTHENTICATED, NETWORK, BUG = range(6)


def emit(value: Any, *, as_json: bool, text: Callable[[], str]) -> None:
    """Print ``value`` as one JSON document, or ``text()`` for a person."""
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
    else:
        sys.stdout.write(text().rstrip("\n") + "\n")


def table(rows: Sequence[Mapping[str, Any]], columns: list[str]) -> str:
    """Aligned columns under their names; ``-`` where a row has nothing."""
    cells = [columns] + [[str(row.get(name, "-")) for name in columns] for row in rows]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def note(text: str) -> None:
    """Progress and hints: to stderr, so that stdout stays the result."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def fail(text: str, code: int) -> NoReturn:
    """Say what went wrong and what to do, and end."""
    note(f"bankside: {text}")
    raise SystemExit(code)


def date_of(text: str) -> date:
    """The business date a command is about; ends the command when the text is no date."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is not a date such as 2026-03-02", USAGE)


def exit_code(error: BanksideError) -> int:
    """The exit code of a refusal."""
    if isinstance(error, Unauthenticated | Forbidden):
        return UNAUTHENTICATED
    return NETWORK if isinstance(error, Unavailable) else REFUSED


def exit_code_of_status(status: int) -> int:
    """The exit code of an HTTP answer."""
    if status < 400:
        return DONE
    if status in {401, 403}:
        return UNAUTHENTICATED
    return BUG if status == 500 else REFUSED
