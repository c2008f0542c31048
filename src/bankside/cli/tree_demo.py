"""The branch `demo` of the command tree: stories told in calls to the running platform."""

from typing import Annotated, Literal

import typer

from bankside.cli.running import AsJson


def add_to(tree: typer.Typer) -> None:
    """The stories."""
    group = typer.Typer(help="Stories to watch, on a running demo.", no_args_is_help=True)
    group.callback()(lambda: None)
    group.command("riders")(_riders)
    tree.add_typer(group, name="demo")


def _riders(
    context: typer.Context,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="language of the story")] = "en",
    json: AsJson = False,
) -> None:
    """A day of a delivery rider: pay, split, income, pension, cover, advance, repayment."""
    from bankside.cli import riders

    raise typer.Exit(riders.run(context.obj, language=lang, as_json=json))
