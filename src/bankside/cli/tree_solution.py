"""The branch `solution` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

File = Annotated[Path, typer.Argument(help="a solution as YAML: one entry of solutions.yaml")]
Partner = Annotated[str, typer.Option(help="for this partner alone; default: for all")]
App = Annotated[str, typer.Option(help="as this app of the partner could run it")]


def add_to(tree: typer.Typer) -> None:
    """The commands that put products together to solutions."""
    group = typer.Typer(help="Products put together by data, and run as one.", no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "check": _check,
        "install": _install,
        "withdraw": _withdraw,
        "list": _list,
        "show": _show,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="solution")


def _check(
    context: typer.Context, file: File, partner: Partner = "", app: App = "", json: AsJson = False
) -> None:
    """Say whether an assembly can run, and name every broken link; exit code 1 when it cannot."""
    from bankside.cli import solution

    run(solution.check_file(context.obj, file, solution.Whose(partner, app), as_json=json))


def _install(
    context: typer.Context, file: File, partner: Partner = "", json: AsJson = False
) -> None:
    """Offer an assembly that can run, from now on and without a restart; prints its version."""
    from bankside.cli import solution

    run(solution.install_file(context.obj, file, partner, as_json=json))


def _withdraw(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="id of an installed solution")],
    partner: Partner = "",
    json: AsJson = False,
) -> None:
    """Let an installed solution begin no run any more; runs that began go on."""
    from bankside.cli import solution

    run(solution.withdraw_it(context.obj, name, partner, as_json=json))


def _list(context: typer.Context, partner: Partner = "", json: AsJson = False) -> None:
    """Every solution: those of the catalogue and those that were installed."""
    from bankside.cli import solution

    run(solution.every(context.obj, partner, as_json=json))


def _show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="id of the solution")],
    partner: Partner = "",
    json: AsJson = False,
) -> None:
    """What a solution asks for, and its steps with what they wait for."""
    from bankside.cli import solution

    run(solution.show(context.obj, name, partner, as_json=json))
