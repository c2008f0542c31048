"""What every branch of the command tree shares: the `--json` option, and running a command."""

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def run(work: Coroutine[Any, Any, int]) -> None:
    """Carry a command out; its exit code becomes the process's."""
    code = asyncio.run(work)
    if code:
        raise typer.Exit(code)
