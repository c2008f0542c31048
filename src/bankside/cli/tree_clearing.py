"""The branch `clearing` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Partner = Annotated[str, typer.Option(help="id of the partner whose merchants they are")]
Date = Annotated[str, typer.Option(help="business date, YYYY-MM-DD; closes 23:00 Beijing time")]


class FileForm(StrEnum):
    """The two forms of a settlement file."""

    csv = "csv"
    fixed = "fixed"


def add_to(tree: typer.Typer) -> None:
    """The commands for clearing a date and paying merchants."""
    group = typer.Typer(
        help="A date's clearing: sealed, netted, paid out on the next working day.",
        no_args_is_help=True,
    )
    commands: dict[str, Callable[..., None]] = {
        "run": _run,
        "show": _show,
        "file": _file,
        "terms": _terms,
        "accounts": _accounts,
        "reserve": _reserve,
        "release": _release,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="clearing")


def _run(
    context: typer.Context,
    date: Annotated[str | None, typer.Option(help="business date; default: the newest")] = None,
    json: AsJson = False,
) -> None:
    """Settle, seal, net and pay out a closed date as far as today allows; safe to repeat."""
    from bankside.cli import clearing

    run(clearing.run(context.obj, date, as_json=json))


def _show(
    context: typer.Context,
    date: Annotated[str | None, typer.Option(help="business date; default: a list")] = None,
    partner: Annotated[
        str | None, typer.Option(help="only this partner's merchants; a sandbox space's own")
    ] = None,
    json: AsJson = False,
) -> None:
    """The newest batches, or one date's batch with positions and payouts (200 of each)."""
    from bankside.cli import clearing

    run(clearing.show(context.obj, date, partner, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _file(
    context: typer.Context,
    partner: Partner,
    date: Date,
    target: Annotated[Path, typer.Argument(help="file to write; its signature goes to TARGET.sig")],
    tenant: Annotated[str | None, typer.Option(help="only this tenant's merchants")] = None,
    merchant: Annotated[list[str] | None, typer.Option(help="only this one; repeat")] = None,
    form: Annotated[FileForm, typer.Option(help="csv or fixed columns")] = FileForm.csv,
    json: AsJson = False,
) -> None:
    """Write the signed settlement file of a cleared date, the same bytes every time."""
    from bankside.bank.clearing import Whose
    from bankside.cli import clearing
    from bankside.cli.output import date_of

    merchants = sorted(merchant) if merchant else None
    on = date_of(date)
    whose = Whose(partner=partner, on=on, tenant=tenant, merchants=merchants)
    run(
        clearing.write_file(
            context.obj,
            whose,
            target,
            form="csv" if form is FileForm.csv else "fixed",
            as_json=json,
        )
    )


# tidy: arguments - every option of a command is a parameter
def _terms(
    context: typer.Context,
    merchant: Annotated[str, typer.Argument(help="mch_...")],
    partner: Partner,
    reserve: Annotated[str, typer.Option(help="kept back for refunds, such as 500.00")] = "0",
    advance: Annotated[str, typer.Option(help="advanced at most for refunds")] = "0",
    bank: Annotated[str, typer.Option(help="CNAPS code or BIC; none: its account here")] = "",
    account: Annotated[str, typer.Option(help="account number there")] = "",
    holder: Annotated[str, typer.Option(help="name of the account there")] = "",
    json: AsJson = False,
) -> None:
    """Clear a merchant's later orders net, one payment a date, under these terms."""
    from bankside.cli import clearing

    asked = clearing.Asked(reserve, advance, (bank, account, holder))
    run(clearing.agree(context.obj, partner, merchant, asked, as_json=json))


def _accounts(context: typer.Context, partner: Partner, json: AsJson = False) -> None:
    """A partner's supervised accounts by tenant: pending, available, reserved, payable, owed."""
    from bankside.cli import clearing

    run(clearing.accounts(context.obj, partner, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _reserve(
    context: typer.Context,
    partner: Partner,
    account: Annotated[str, typer.Option(help="acc_... that pays it in")],
    amount: Annotated[str, typer.Option(help="such as 1000.00")],
    key: Annotated[str, typer.Option(help="your own reference: the same moves it once")],
    currency: Annotated[str, typer.Option(help="ISO 4217")] = "CNY",
    json: AsJson = False,
) -> None:
    """Pay into a partner's reserve for refunds that its merchants' money does not cover."""
    from bankside.cli import clearing
    from bankside.kernel.money import Money

    paid = Money.parse(amount, currency)
    run(clearing.reserve(context.obj, partner, account, paid, key=key, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _release(
    context: typer.Context,
    merchant: Annotated[str, typer.Argument(help="mch_...")],
    partner: Partner,
    date: Date,
    by: Annotated[str, typer.Option(help="login of the person of the bank who does this")],
    json: AsJson = False,
) -> None:
    """Let a failed payout's money go into the next date: one proposes, another approves."""
    from bankside.cli import clearing

    run(clearing.release(context.obj, partner, date, merchant, by=by, as_json=json))
