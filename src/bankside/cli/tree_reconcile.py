"""The branch `reconcile` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Partner = Annotated[str, typer.Option(help="id of the partner whose money it is")]
Date = Annotated[str, typer.Option(help="business date, YYYY-MM-DD; closes 23:00 Beijing time")]
BreakId = Annotated[str, typer.Argument(help="brk_...")]
By = Annotated[str, typer.Option(help="login of the person of the bank who does this")]


def add_to(tree: typer.Typer) -> None:
    """The commands for reconciling a date and settling its breaks."""
    group = typer.Typer(
        help="Orders, ledger and a channel's file of a date: do they agree?", no_args_is_help=True
    )
    commands: dict[str, Callable[..., None]] = {
        "run": _reconcile,
        "breaks": _breaks,
        "assign": _assign,
        "adjust": _adjust,
        "approve": _approve,
        "close": _close,
        "file": _file,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="reconcile")


def _reconcile(
    context: typer.Context,
    partner: Partner,
    date: Date,
    file: Annotated[Path | None, typer.Argument(help="the channel's file, if any")] = None,
    channel: Annotated[str, typer.Option(help="the channel's name, as in its file")] = "",
    json: AsJson = False,
) -> None:
    """Compare a closed date; a second run of it says the same and changes nothing."""
    from bankside.cli import reconcile

    run(reconcile.run(context.obj, reconcile.day(partner, date, channel), file, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _breaks(
    context: typer.Context,
    partner: Partner,
    date: Annotated[str, typer.Option(help="of this business date only")] = "",
    channel: Annotated[str, typer.Option(help="of this channel only")] = "",
    closed: Annotated[bool, typer.Option("--closed", help="the closed ones too")] = False,
    cursor: Annotated[str | None, typer.Option(help="go on after this break")] = None,
    json: AsJson = False,
) -> None:
    """Open breaks with owner and age, 200 at a time."""
    from bankside.cli import reconcile

    chosen = reconcile.chosen(channel, date, closed=closed)
    run(reconcile.breaks(context.obj, partner, chosen, cursor=cursor, as_json=json))


def _assign(
    context: typer.Context,
    break_id: BreakId,
    partner: Partner,
    owner: Annotated[str, typer.Option(help="login of the person who looks into it")],
    json: AsJson = False,
) -> None:
    """Give a break an owner."""
    from bankside.cli import reconcile

    run(reconcile.assign(context.obj, partner, break_id, owner, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _adjust(
    context: typer.Context,
    break_id: BreakId,
    partner: Partner,
    reason: Annotated[str, typer.Option(help="why; stands in the posting")],
    by: By,
    debit: Annotated[str | None, typer.Option(help="ledger account the money leaves")] = None,
    credit: Annotated[str | None, typer.Option(help="ledger account it arrives on")] = None,
    amount: Annotated[str | None, typer.Option(help="such as 12.34")] = None,
    json: AsJson = False,
) -> None:
    """Propose an adjustment, or (no accounts) that nothing has to be posted."""
    from bankside.cli import reconcile

    wish = reconcile.Wish(reason, by, debit, credit, amount)
    run(reconcile.adjust(context.obj, partner, break_id, wish, as_json=json))


def _approve(
    context: typer.Context, break_id: BreakId, partner: Partner, by: By, json: AsJson = False
) -> None:
    """Approve what another person proposed: it is posted now."""
    from bankside.cli import reconcile

    run(reconcile.approve(context.obj, partner, break_id, by, as_json=json))


def _close(
    context: typer.Context, break_id: BreakId, partner: Partner, json: AsJson = False
) -> None:
    """An adjusted break is done with."""
    from bankside.cli import reconcile

    run(reconcile.close(context.obj, partner, break_id, as_json=json))


def _file(
    context: typer.Context,
    partner: Partner,
    date: Date,
    target: Annotated[Path, typer.Argument(help="file to write")],
    channel: Annotated[str, typer.Option(help="the name to write into its head")] = "platform",
    json: AsJson = False,
) -> None:
    """Write the platform's own file of a closed date, the same bytes every time."""
    from bankside.cli import reconcile

    wanted = reconcile.day(partner, date, channel)
    run(reconcile.write_file(context.obj, wanted, target, as_json=json))
