"""The branch `import` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

By = Annotated[str, typer.Option(help="login of the person of the bank; default: the operator")]
Product = Annotated[str, typer.Argument(help="product id, such as imported.tips")]


def add_to(tree: typer.Typer) -> None:
    """The commands by which a service of the bank joins."""
    group = typer.Typer(
        help="Services of the bank join by their OpenAPI description.", no_args_is_help=True
    )
    commands: dict[str, Callable[..., None]] = {
        "openapi": _openapi,
        "review": _review,
        "credential": _credential,
        "show": _show,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="import")


# tidy: arguments - every option of a command is a parameter
def _openapi(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="OpenAPI 3.0 or 3.1, JSON or YAML, one file")],
    upstream: Annotated[str, typer.Option(help="address of the service, such as https://core/api")],
    name: Annotated[str, typer.Option(help="name of the set; default: from its title")] = "",
    category: Annotated[str, typer.Option(help="shelf of the product")] = "imported",
    by: By = "",
    review: Annotated[Path | None, typer.Option(help="where to write the review")] = None,
    check: Annotated[bool, typer.Option("--check", help="report only, keep nothing")] = False,
    json: AsJson = False,
) -> None:
    """Import a description as the draft of a product; says what it cannot carry over."""
    from bankside.cli import imports

    wish = imports.Wish(file, upstream, name, category, by, review, check)
    run(imports.openapi(context.obj, wish, as_json=json))


def _review(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="the review, as you edited it")],
    by: By = "",
    confirm_all: Annotated[
        bool, typer.Option("--confirm-all", help="you have read every operation that is kept")
    ] = False,
    json: AsJson = False,
) -> None:
    """Make a review the draft of its product; two other people publish it (`product move`)."""
    from bankside.cli import imports

    run(imports.review(context.obj, file, by, confirm_all=confirm_all, as_json=json))


def _credential(
    context: typer.Context,
    product: Product,
    file: Annotated[Path, typer.Argument(help="file with the header's value, such as Bearer ...")],
    by: By = "",
    json: AsJson = False,
) -> None:
    """Keep, sealed, what the edge sends the service in the review's credential_header."""
    from bankside.cli import imports

    run(imports.credential(context.obj, product, file, by, as_json=json))


def _show(
    context: typer.Context,
    product: Annotated[str, typer.Argument(help="product id; default: all")] = "",
    json: AsJson = False,
) -> None:
    """What was imported, and which answers differed from their description."""
    from bankside.cli import imports

    run(imports.show(context.obj, product, as_json=json))
