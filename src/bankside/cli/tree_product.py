"""The branch `product` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Product = Annotated[str, typer.Argument(help="product id, such as merchant.scan-payments")]
By = Annotated[str, typer.Option(help="login of the person of the bank who does this")]
Reason = Annotated[str, typer.Option(help="why; kept with the product")]
Version = Annotated[int, typer.Option(help="which version; default: the newest that fits")]


def add_to(tree: typer.Typer) -> None:
    """The commands for drafts, moves and the end of products."""
    group = typer.Typer(
        help="Product versions: who is touched, what moves, and the proof that one is gone.",
        no_args_is_help=True,
    )
    commands: dict[str, Callable[..., None]] = {
        "list": _list,
        "show": _show,
        "impact": _impact,
        "draft": _draft,
        "move": _move,
        "prove": _prove,
        "vouch": _vouch,
        "suspend": _suspend,
        "resume": _resume,
        "waiver": _waiver,
        "waive": _waive,
        "proof": _proof,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="product")


def _list(
    context: typer.Context,
    state: Annotated[str, typer.Option(help="of this state only")] = "",
    json: AsJson = False,
) -> None:
    """Every product with its versions and where each stands."""
    from bankside.cli import product

    run(product.listed(context.obj, state, as_json=json))


def _show(context: typer.Context, product_id: Product, json: AsJson = False) -> None:
    """One product: versions, conditions of the next moves, who agreed, what happened."""
    from bankside.cli import product

    run(product.show(context.obj, product_id, as_json=json))


def _impact(
    context: typer.Context,
    subject: Annotated[
        str, typer.Argument(help="operation, primitive (transfer.out), product, solution or cloud")
    ],
    json: AsJson = False,
) -> None:
    """Who is touched when it changes: products, partners, tenants, consents, orders, calls."""
    from bankside.cli import product

    run(product.touched(context.obj, subject, as_json=json))


def _draft(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="YAML or JSON: a product entry with its category")],
    by: By,
    note: Annotated[str, typer.Option(help="what is new in it")] = "",
    json: AsJson = False,
) -> None:
    """Keep a definition as the product's new version, in draft."""
    from bankside.cli import product

    run(product.draft(context.obj, file, by, note, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _move(
    context: typer.Context,
    product_id: Product,
    to: Annotated[str, typer.Option(help="review draft sandbox canary live deprecated offline")],
    by: By,
    reason: Reason = "",
    version: Version = 0,
    pilot: Annotated[list[str], typer.Option(help="partner id that tries it; repeat")] = [],  # noqa: B006
    share: Annotated[int, typer.Option(help="basis points of all partners (canary)")] = 0,
    successor: Annotated[str, typer.Option(help="product that takes its place")] = "",
    notice_days: Annotated[int, typer.Option(help="until it may be withdrawn")] = 0,
    confirm: Annotated[list[str], typer.Option(help="R2, C2: as read in the review")] = [],  # noqa: B006
    json: AsJson = False,
) -> None:
    """Agree to a move; with the last person that is needed it happens, on every edge at once."""
    from bankside.cli import product

    terms = product.terms(tuple(pilot), share, successor, notice_days, tuple(confirm))
    wish = product.wish(to, reason, version, terms)
    run(product.move(context.obj, product_id, by, wish, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _prove(
    context: typer.Context,
    product_id: Product,
    version: Annotated[
        int, typer.Argument(help="which version; default: the one sandbox apps meet")
    ] = 0,
    by: Annotated[str, typer.Option(help="login of the person who answers for it")] = "",
    seed: Annotated[int, typer.Option(help="makes the same requests again", min=0)] = 0,
    json: AsJson = False,
) -> None:
    """Run contract fuzz, docs samples and magic values over the running edge; keep the evidence."""
    from bankside.cli import proving

    asked = proving.Asked(product_id, version, seed, by)
    run(proving.prove(context.obj, asked, as_json=json))


# tidy: arguments - every option of a command is a parameter
def _vouch(
    context: typer.Context,
    product_id: Product,
    what: Annotated[str, typer.Argument(help="crash-tests or shadow-compare")],
    reference: Annotated[str, typer.Option(help="where it is written")],
    by: By,
    version: Version = 0,
    json: AsJson = False,
) -> None:
    """Vouch for a check that the platform does not run itself."""
    from bankside.cli import product

    found = product.Check(what, reference, version)
    run(product.vouch(context.obj, product_id, by, found, as_json=json))


def _suspend(
    context: typer.Context, product_id: Product, by: By, reason: Reason, json: AsJson = False
) -> None:
    """Stop a product at once, whatever its state: 503 until it is resumed."""
    from bankside.cli import product

    run(product.stop(context.obj, product_id, by, reason, stopped=True, as_json=json))


def _resume(
    context: typer.Context, product_id: Product, by: By, reason: Reason, json: AsJson = False
) -> None:
    """Let a suspended product answer again."""
    from bankside.cli import product

    run(product.stop(context.obj, product_id, by, reason, stopped=False, as_json=json))


def _waiver(
    context: typer.Context,
    product_id: Product,
    partner: Annotated[str, typer.Option(help="id of the partner")],
    version: Version = 0,
) -> None:
    """Print what a partner signs to agree to an earlier end, to the byte."""
    from bankside.cli import product

    run(product.waiver(context.obj, product_id, partner, version))


# tidy: arguments - every option of a command is a parameter
def _waive(
    context: typer.Context,
    product_id: Product,
    partner: Annotated[str, typer.Option(help="id of the partner")],
    app: Annotated[str, typer.Option(help="id of its app")],
    key: Annotated[str, typer.Option(help="id of the native key pair that signed")],
    signature: Annotated[str, typer.Option(help="base64 of the signature over the text")],
    version: Version = 0,
    json: AsJson = False,
) -> None:
    """Keep a partner's signed waiver."""
    from bankside.cli import product

    signed = product.signed(partner, app, key, signature)
    run(product.waive(context.obj, product_id, version, signed, as_json=json))


def _proof(
    context: typer.Context, product_id: Product, version: Version = 0, json: AsJson = False
) -> None:
    """Prove that a withdrawn product is gone, and keep the document."""
    from bankside.cli import product

    run(product.prove(context.obj, product_id, version, as_json=json))
