"""The command tree: names, options and help; each command imports what it needs when it runs."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from bankside.cli import (
    tree_clearing,
    tree_demo,
    tree_import,
    tree_people,
    tree_product,
    tree_reconcile,
    tree_returns,
    tree_sandbox,
    tree_solution,
    tree_webhooks,
)
from bankside.cli.installation import Installation
from bankside.cli.output import BUG, NETWORK, USAGE, exit_code, fail
from bankside.cli.running import AsJson, run
from bankside.kernel.errors import BanksideError

_HELP = "bankside: the platform with which a bank becomes an open bank."


def main_with(installation: Callable[[], Installation], tree: typer.Typer) -> None:
    """Run the command line; refusals and lost connections become messages and exit codes."""
    # A terminal that cannot show a name gets the rest of the line.
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        tree(obj=installation())
    except BanksideError as error:
        fail(f"{error.detail} [{error.code}]", exit_code(error))
    except (ConnectionError, TimeoutError) as error:
        fail(f"cannot reach the platform or its database ({error}); is it running?", NETWORK)
    except OSError as error:
        if error.filename is None:
            raise
        fail(f"{error.filename2 or error.filename}: {error.strerror}", USAGE)
    except AssertionError as error:
        fail(f"this is a bug of bankside, please report it: {error!r}", BUG)


def build() -> typer.Typer:
    """The tree with all commands that belong to a terminal; `app` adds the processes."""
    tree = typer.Typer(help=_HELP, no_args_is_help=True, pretty_exceptions_enable=False)
    tree.command("call")(_call)
    groups: tuple[tuple[str, str, dict[str, Callable[..., None]]], ...] = (
        (
            "app",
            "Apps of partners.",
            {"create": _app_create, "block": _app_block, "unblock": _app_unblock},
        ),
        ("oauth", "The authorization server.", {"rotate-keys": _rotate_keys}),
        ("doctor", "Explain what is wrong.", {"signature": _doctor_signature}),
        ("load", "Bring real data into the bank.", {"berka": _load_berka}),
        ("ledger", "The bank's books.", {"verify": _ledger_verify}),
        (
            "catalogue",
            "The shelf: products, operations, solutions.",
            {"count": _catalogue_count, "check": _catalogue_check, "openapi": _catalogue_openapi},
        ),
        ("day", "The bank's business day.", {"close": _day_close}),
        (
            "events",
            "Events that could not be delivered.",
            {"dead": _events_dead, "replay": _replay},
        ),
    )
    for name, text, commands in groups:
        group = typer.Typer(help=text, no_args_is_help=True)
        for command, function in commands.items():
            group.command(command)(function)
        tree.add_typer(group, name=name)
    tree_people.add_to(tree)
    tree_product.add_to(tree)
    tree_import.add_to(tree)
    tree_webhooks.add_to(tree)
    tree_reconcile.add_to(tree)
    tree_clearing.add_to(tree)
    tree_solution.add_to(tree)
    tree_demo.add_to(tree)
    tree_sandbox.add_to(tree)
    tree_returns.add_to(tree)
    return tree


# tidy: arguments - every option of a command is a parameter
def _call(
    context: typer.Context,
    method: Annotated[str, typer.Argument(help="GET, POST, PATCH or DELETE")],
    path: Annotated[str, typer.Argument(help="such as /v1/account-balances?subject=acc_...")],
    body: Annotated[str, typer.Option("--json", "--data", help="JSON body, or @FILE")] = "",
    app: Annotated[str, typer.Option(help="app id; default: the first demo app")] = "",
    alg: Annotated[str, typer.Option(help="signature algorithm of RFC 9421")] = "",
    key: Annotated[str, typer.Option(help="Idempotency-Key; default: a fresh one")] = "",
    save: Annotated[Path | None, typer.Option(help="write the raw request there")] = None,
    verbose: Annotated[bool, typer.Option("-v", help="show string to sign and headers")] = False,
) -> None:
    """Make one signed call as a demo app and print the bank's answer, its signature checked."""
    from bankside.cli import call

    wish = call.Wish(method.upper(), path, body, app, alg, key)
    raise typer.Exit(call.run(context.obj, wish, save=save, verbose=verbose))


# tidy: arguments - every option of a command is a parameter
def _app_create(
    context: typer.Context,
    partner: Annotated[str, typer.Option(help="partner id")],
    name: Annotated[str, typer.Option(help="the name customers see when the app asks them")],
    redirect_uri: Annotated[list[str], typer.Option(help="exact address; repeat for more")],
    scope: Annotated[list[str], typer.Option(help="openid, offline_access, accounts ...; repeat")],
    jwks: Annotated[Path | None, typer.Option(help="JSON Web Key Set: public keys")] = None,
    jwks_uri: Annotated[str | None, typer.Option(help="https address of the key set")] = None,
    mtls: Annotated[bool, typer.Option(help="tokens bound to a certificate, not DPoP")] = False,
    signed_requests: Annotated[str | None, typer.Option(help="ES256, PS256 or EdDSA")] = None,
    signed_answers: Annotated[bool, typer.Option(help="answers as JWTs only (JARM)")] = False,
    backchannel: Annotated[bool, typer.Option(help="may ask customers elsewhere (CIBA)")] = False,
    json: AsJson = True,
) -> None:
    """Register a partner's app that signs customers in (private_key_jwt, DPoP); prints JSON."""
    from bankside.cli import app

    settings = {
        "jwks_uri": jwks_uri,
        "sender_constraint": "mtls" if mtls else "dpop",
        "request_object_signing_alg": signed_requests,
        "authorization_signed_response_alg": "ES256" if signed_answers else None,
        "backchannel": backchannel,
    }
    scopes = tuple(" ".join(scope).split())
    wish = app.Wish(name, jwks, tuple(redirect_uri), scopes, settings)
    # A client's record has no other form than JSON: the option is taken, and changes nothing.
    assert json
    run(app.create(context.obj, partner, wish))


def _app_block(
    context: typer.Context,
    partner: Annotated[str, typer.Option(help="partner id")],
    app: Annotated[str, typer.Option(help="app id")],
    reason: Annotated[str, typer.Option(help="why; kept with the app")],
    json: AsJson = False,
) -> None:
    """End an app's signed calls and access tokens on every edge; what customers gave stays."""
    from bankside.cli import blocking

    run(blocking.block(context.obj, partner, app, reason, as_json=json))


def _app_unblock(
    context: typer.Context,
    partner: Annotated[str, typer.Option(help="partner id")],
    app: Annotated[str, typer.Option(help="app id")],
    reason: Annotated[str, typer.Option(help="why; kept with the app")],
    json: AsJson = False,
) -> None:
    """Let a blocked app call again."""
    from bankside.cli import blocking

    run(blocking.unblock(context.obj, partner, app, reason, as_json=json))


def _rotate_keys(context: typer.Context, json: AsJson = False) -> None:
    """Sign id_tokens with the next key from now on, and publish a new next one."""
    from bankside.cli import app

    run(app.rotate_keys(context.obj, as_json=json))


def _doctor_signature(
    context: typer.Context,
    request: Annotated[Path, typer.Argument(help="raw HTTP request in a file, - for stdin")],
    string: Annotated[Path | None, typer.Option(help="the string you signed, in a file")] = None,
    json: AsJson = False,
) -> None:
    """Explain a failing signature: expected and received string, first difference, likely cause."""
    from bankside.cli import doctor

    run(doctor.signature(context.obj, request, string, as_json=json))


def _load_berka(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="folder with the seven .csv or .csv.gz files")],
    partner: Annotated[str, typer.Option(help="data space that gets the bank")] = "",
    json: AsJson = False,
) -> None:
    """Load the Berka bank: branches, clients, accounts, standing orders, loans, cards."""
    from bankside.cli import load

    run(load.berka(context.obj, folder, partner, as_json=json))


def _ledger_verify(
    context: typer.Context,
    ledger: Annotated[str, typer.Option(help="which ledger")] = "main",
    json: AsJson = False,
) -> None:
    """Recompute every balance, version, hold and hash; name the first entry that is wrong."""
    from bankside.cli import ledger as books

    run(books.verify_ledger(context.obj, ledger, as_json=json))


def _catalogue_count(context: typer.Context, json: AsJson = False) -> None:
    """What the shelf holds and what the router answers today."""
    from bankside.cli import catalogue

    catalogue.count(context.obj, as_json=json)


def _catalogue_check(context: typer.Context, json: AsJson = False) -> None:
    """Validate every definition: schema, references, unique routes, steps on a toy ledger."""
    from bankside.cli import catalogue

    raise typer.Exit(catalogue.check(as_json=json))


def _catalogue_openapi(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(help="file to write")] = Path("sdk/openapi.json"),
    product: Annotated[str, typer.Option(help="of this product only")] = "",
    partner: Annotated[str, typer.Option(help="of what this partner holds only")] = "",
) -> None:
    """Write the OpenAPI 3.1 document of the whole platform, of a product, or for a partner."""
    from bankside.cli import catalogue

    if product or partner:
        run(catalogue.write_part(context.obj, target, product, partner))
    else:
        catalogue.write_openapi(context.obj, target)


def _day_close(
    context: typer.Context,
    date: Annotated[str, typer.Option(help="YYYY-MM-DD; default: the date in progress")] = "",
    json: AsJson = False,
) -> None:
    """Run the end-of-day steps (merchant settlement ...) now instead of at the cut-off."""
    from bankside.cli import day

    run(day.close(context.obj, date or None, as_json=json))


def _events_dead(context: typer.Context, json: AsJson = False) -> None:
    """List events that were given up after their last attempt."""
    from bankside.cli import events

    run(events.dead(context.obj, as_json=json))


def _replay(
    context: typer.Context,
    event: Annotated[str, typer.Argument(help="event id, or 'all' for every dead event")],
    json: AsJson = False,
) -> None:
    """Deliver dead events again, with the ids they had."""
    from bankside.cli import events

    run(events.replay(context.obj, event, as_json=json))


def read_json(text: str) -> Any:
    """The JSON of an argument, or of the file behind an ``@``."""
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    return json.loads(text)
