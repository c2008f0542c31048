"""The branch `webhook` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Partner = Annotated[str, typer.Option(help="id of the partner whose events these are")]
EndpointId = Annotated[str, typer.Argument(help="whk_...")]


def add_to(tree: typer.Typer) -> None:
    """The commands for partners' webhook endpoints."""
    group = typer.Typer(help="Where partners are told what happened.", no_args_is_help=True)
    commands: dict[str, Callable[..., None]] = {
        "create": _create,
        "list": _list,
        "rotate": _rotate,
        "enable": _enable,
        "remove": _remove,
        "replay": _replay,
    }
    for name, function in commands.items():
        group.command(name)(function)
    tree.add_typer(group, name="webhook")


def _create(
    context: typer.Context,
    url: Annotated[str, typer.Option(help="https address that gets the POST requests")],
    partner: Partner,
    types: Annotated[
        list[str], typer.Option("--type", help="beginning of event types: order. or consent.")
    ],
    ed25519: Annotated[bool, typer.Option("--ed25519", help="sign with Ed25519")] = False,
    json: AsJson = False,
) -> None:
    """Tell a partner of its events; prints what it verifies them with, this once."""
    from bankside.cli import webhooks
    from bankside.partners.webhooks import NewEndpoint

    new = NewEndpoint(url=url, types=tuple(types), signing="ed25519" if ed25519 else "hmac-sha256")
    run(webhooks.create(context.obj, partner, new, as_json=json))


def _list(context: typer.Context, partner: Partner, json: AsJson = False) -> None:
    """The partner's endpoints."""
    from bankside.cli import webhooks

    run(webhooks.listed(context.obj, partner, as_json=json))


def _rotate(
    context: typer.Context, endpoint: EndpointId, partner: Partner, json: AsJson = False
) -> None:
    """A new key signs from now on, the old one beside it for 24 hours."""
    from bankside.cli import webhooks

    run(webhooks.rotate(context.obj, partner, endpoint, as_json=json))


def _enable(
    context: typer.Context, endpoint: EndpointId, partner: Partner, json: AsJson = False
) -> None:
    """An endpoint that answered 410 is told again."""
    from bankside.cli import webhooks

    run(webhooks.enable(context.obj, partner, endpoint, as_json=json))


def _remove(
    context: typer.Context, endpoint: EndpointId, partner: Partner, json: AsJson = False
) -> None:
    """Forget an endpoint and what waits for it."""
    from bankside.cli import webhooks

    run(webhooks.remove(context.obj, partner, endpoint, as_json=json))


def _replay(
    context: typer.Context,
    endpoint: EndpointId,
    partner: Partner,
    event: Annotated[str | None, typer.Option(help="one event: evt_...")] = None,
    since: Annotated[str | None, typer.Option(help="all since, as 2026-03-01T14:05Z")] = None,
    json: AsJson = False,
) -> None:
    """Send events again with the ids they had: one, a range, or all that failed."""
    from bankside.cli import webhooks

    run(webhooks.replay(context.obj, partner, endpoint, event=event, since=since, as_json=json))
