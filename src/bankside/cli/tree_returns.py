"""The branch `return-address` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Partner = Annotated[str, typer.Option(help="id of the app's partner")]
App = Annotated[str, typer.Option(help="app id")]
Address = Annotated[
    str, typer.Argument(help="https address: scheme, host and the beginning of the path")
]


def add_to(tree: typer.Typer) -> None:
    """The commands for the ways back from hosted pages."""
    text = "Where an app's payers may be sent back to from a hosted page."
    group = typer.Typer(help=text, no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {"add": _add, "list": _list, "remove": _remove}
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="return-address")


def _add(
    context: typer.Context, address: Address, partner: Partner, app: App, json: AsJson = False
) -> None:
    """Let the app name this address, and those below it, as `return_url`."""
    from bankside.cli import returns

    run(returns.add(context.obj, partner, app, address, as_json=json))


def _list(context: typer.Context, partner: Partner, app: App, json: AsJson = False) -> None:
    """The app's addresses; none: a sandbox app may name any, a live app none."""
    from bankside.cli import returns

    run(returns.listed(context.obj, partner, app, as_json=json))


def _remove(
    context: typer.Context, address: Address, partner: Partner, app: App, json: AsJson = False
) -> None:
    """Refuse this address from now on; pages that were ordered before keep theirs."""
    from bankside.cli import returns

    run(returns.remove(context.obj, partner, app, address, as_json=json))
