"""The branch `sandbox` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from bankside.cli.output import USAGE, fail
from bankside.cli.running import AsJson, run

App = Annotated[str, typer.Option(help="app id")]


def add_to(tree: typer.Typer) -> None:
    """The commands for sandbox apps' data spaces."""
    text = "A sandbox app's own data space: test people, money, and a clock to move."
    group = typer.Typer(help=text, no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "create": _create,
        "reset": _reset,
        "show": _show,
        "people": _people,
        "fund": _fund,
        "advance": _advance,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="sandbox")


def _create(
    context: typer.Context,
    partner: Annotated[str, typer.Option(help="partner id")],
    name: Annotated[str, typer.Option(help="the app's name")] = "sandbox",
    json: AsJson = False,
) -> None:
    """A new app with a key, the whole shelf and a data space of its own."""
    from bankside.cli import sandbox

    run(sandbox.create(context.obj, partner, name, as_json=json))


def _reset(context: typer.Context, app: App, json: AsJson = False) -> None:
    """Give the app a fresh space at the present time; its keys and tenants stay."""
    from bankside.cli import sandbox

    run(sandbox.reset(context.obj, app, as_json=json))


def _show(context: typer.Context, app: App, json: AsJson = False) -> None:
    """Which space the app has and what time it is there."""
    from bankside.cli import sandbox

    run(sandbox.show(context.obj, app, as_json=json))


def _people(context: typer.Context, app: App, json: AsJson = False) -> None:
    """The test people: accounts, balances, logins, payment codes."""
    from bankside.cli import sandbox

    run(sandbox.people(context.obj, app, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _fund(
    context: typer.Context,
    app: App,
    account: Annotated[str, typer.Option(help="account id or number")],
    amount: Annotated[str, typer.Option(help="such as 100.00")],
    currency: Annotated[str, typer.Option(help="the account's currency")] = "CNY",
    json: AsJson = False,
) -> None:
    """Pay test money into an account."""
    from bankside.cli import sandbox

    run(sandbox.fund(context.obj, app, account, (amount, currency), as_json=json))


def _advance(
    context: typer.Context,
    app: App,
    days: Annotated[int | None, typer.Option(help="this many days")] = None,
    seconds: Annotated[int | None, typer.Option(help="this many seconds")] = None,
    to: Annotated[str | None, typer.Option(help="to this instant, as 2026-03-31T09:00Z")] = None,
    json: AsJson = False,
) -> None:
    """Move the space's clock forwards; all that falls due in between happens in its order."""
    from bankside.cli import sandbox

    given: dict[str, Any] = {"days": days, "seconds": seconds, "to": to}
    by = {name: value for name, value in given.items() if value is not None}
    if len(by) != 1:
        fail("give one of --days, --seconds and --to", USAGE)
    run(sandbox.advance(context.obj, app, by, as_json=json))
