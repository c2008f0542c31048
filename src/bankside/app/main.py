"""The command line's entry: the terminal's commands, plus the processes that only `app` knows."""

from typing import Annotated

import typer

from bankside.app.installation import Local
from bankside.app.settings import SettingInvalid, Settings
from bankside.cli import NETWORK, USAGE, build, fail, main_with


def main() -> None:
    """`bankside ...`"""
    tree = build()
    for command in (serve, edge, web, worker):
        tree.command(command.__name__, rich_help_panel="Processes")(command)
    try:
        main_with(_installation, tree)
    except Exception as error:
        if not _written_for_the_operator(error):
            raise
        fail(str(error), NETWORK)


def _installation() -> Local:
    try:
        return Local(Settings.read())
    except SettingInvalid as error:
        fail(f"{error.detail} [{error.code}]", USAGE)


def _written_for_the_operator(error: Exception) -> bool:
    """Whether the text of ``error`` says what to do, so that a traceback would say less."""
    from bankside.kernel.migrate import MigrationFault
    from bankside.kernel.postgres import PostgresFault
    from bankside.kernel.secrets import SealBroken

    return isinstance(error, PostgresFault | MigrationFault | SealBroken)


def serve(
    context: typer.Context,
    demo: Annotated[bool, typer.Option(help="seed a small demo bank once")] = False,
) -> None:
    """Start everything on this machine: database, edge workers, web, worker."""
    from bankside.app.serve import serve as run

    raise typer.Exit(run(_settings(context), demo=demo))


def edge(context: typer.Context) -> None:
    """One edge worker: answers partner calls."""
    from bankside.app.edge import run

    run(_settings(context))


def web(context: typer.Context) -> None:
    """The web process: start page, shelf, health, OpenAPI."""
    from bankside.app.web import run

    run(_settings(context))


def worker(context: typer.Context) -> None:
    """The background worker: jobs, events, call records, business day."""
    from bankside.app.worker import run

    run(_settings(context))


def _settings(context: typer.Context) -> Settings:
    installation: Local = context.obj
    return installation.settings
