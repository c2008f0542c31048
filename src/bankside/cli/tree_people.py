"""The branches `staff` and `user` of the command tree; each command imports what it needs."""

from collections.abc import Callable
from typing import Annotated

import typer

from bankside.cli.running import AsJson, run

Login = Annotated[str, typer.Argument(help="login of the person")]
Roles = Annotated[list[str], typer.Option("--role", help="role; repeat for more")]
Name = Annotated[str, typer.Option(help="name that others see; default: the login")]
NewLogin = Annotated[str, typer.Option("--login", help="3 to 64 of a-z 0-9 . _ @ -")]
Partner = Annotated[str, typer.Option(help="partner id")]


def add_to(tree: typer.Typer) -> None:
    """The commands for the bank's staff and for the users of partners."""
    groups: tuple[tuple[str, str, dict[str, Callable[..., None]]], ...] = (
        (
            "staff",
            "People who work for the bank.",
            {
                "create": _staff_create,
                "list": _staff_list,
                "roles": _staff_roles,
                "invite": _staff_invite,
                "block": _staff_block,
                "unblock": _staff_unblock,
                "explain": _staff_explain,
                "matrix": _matrix,
            },
        ),
        (
            "user",
            "People who work for a partner.",
            {
                "create": _user_create,
                "list": _user_list,
                "roles": _user_roles,
                "invite": _user_invite,
                "block": _user_block,
                "unblock": _user_unblock,
                "explain": _user_explain,
            },
        ),
    )
    for name, text, commands in groups:
        group = typer.Typer(help=text, no_args_is_help=True)
        for command, function in commands.items():
            group.command(command)(function)
        tree.add_typer(group, name=name)


def _staff_create(
    context: typer.Context, login: NewLogin, role: Roles, name: Name = "", json: AsJson = False
) -> None:
    """Enter somebody and print the enrolment link (once, 24 hours)."""
    _create(context, None, login, role, name, json)


def _user_create(
    context: typer.Context,
    partner: Partner,
    login: NewLogin,
    role: Roles,
    name: Name = "",
    json: AsJson = False,
) -> None:
    """Enter somebody of a partner and print the enrolment link (once, 24 hours)."""
    _create(context, partner, login, role, name, json)


def _create(
    context: typer.Context,
    partner: str | None,
    login: str,
    role: list[str],
    name: str,
    json: bool,
) -> None:
    from bankside.cli import people

    wish = people.Wish(login, name, tuple(role))
    run(people.create(context.obj, people.space_of(partner), wish, as_json=json))


def _staff_list(context: typer.Context, json: AsJson = False) -> None:
    """Everybody with roles and state."""
    _list(context, None, json)


def _user_list(context: typer.Context, partner: Partner, json: AsJson = False) -> None:
    """Everybody of a partner with roles and state."""
    _list(context, partner, json)


def _list(context: typer.Context, partner: str | None, json: bool) -> None:
    from bankside.cli import people

    run(people.every(context.obj, people.space_of(partner), as_json=json))


def _staff_roles(context: typer.Context, login: Login, role: Roles, json: AsJson = False) -> None:
    """Give somebody these roles in place of all others."""
    _roles(context, None, login, role, json)


def _user_roles(
    context: typer.Context, login: Login, partner: Partner, role: Roles, json: AsJson = False
) -> None:
    """Give somebody of a partner these roles in place of all others."""
    _roles(context, partner, login, role, json)


def _roles(
    context: typer.Context, partner: str | None, login: str, role: list[str], json: bool
) -> None:
    from bankside.cli import people

    space = people.space_of(partner)
    run(people.give_roles(context.obj, space, login, tuple(role), as_json=json))


def _staff_invite(context: typer.Context, login: Login, json: AsJson = False) -> None:
    """A new enrolment link, for who lost the old one or a device."""
    _invite(context, None, login, json)


def _user_invite(
    context: typer.Context, login: Login, partner: Partner, json: AsJson = False
) -> None:
    """A new enrolment link, for who lost the old one or a device."""
    _invite(context, partner, login, json)


def _invite(context: typer.Context, partner: str | None, login: str, json: bool) -> None:
    from bankside.cli import people

    run(people.renew(context.obj, people.space_of(partner), login, as_json=json))


def _staff_block(context: typer.Context, login: Login, json: AsJson = False) -> None:
    """Log somebody out everywhere; no login until unblocked."""
    _block(context, None, login, True, json)


def _staff_unblock(context: typer.Context, login: Login, json: AsJson = False) -> None:
    """Let somebody log in again."""
    _block(context, None, login, False, json)


def _user_block(
    context: typer.Context, login: Login, partner: Partner, json: AsJson = False
) -> None:
    """Log somebody of a partner out everywhere; no login until unblocked."""
    _block(context, partner, login, True, json)


def _user_unblock(
    context: typer.Context, login: Login, partner: Partner, json: AsJson = False
) -> None:
    """Let somebody of a partner log in again."""
    _block(context, partner, login, False, json)


def _block(
    context: typer.Context, partner: str | None, login: str, blocked: bool, json: bool
) -> None:
    from bankside.cli import people

    space = people.space_of(partner)
    run(people.block(context.obj, space, login, blocked=blocked, as_json=json))


def _staff_explain(
    context: typer.Context,
    login: Login,
    permission: Annotated[str, typer.Argument(help="such as person.read")],
    json: AsJson = False,
) -> None:
    """Say whether somebody may, and which role decides it."""
    _explain(context, None, login, permission, json)


def _user_explain(
    context: typer.Context,
    login: Login,
    permission: Annotated[str, typer.Argument(help="such as team.read")],
    partner: Partner,
    json: AsJson = False,
) -> None:
    """Say whether somebody of a partner may, and which role decides it."""
    _explain(context, partner, login, permission, json)


def _explain(
    context: typer.Context, partner: str | None, login: str, permission: str, json: bool
) -> None:
    from bankside.cli import people

    space = people.space_of(partner)
    run(people.why(context.obj, space, login, permission, as_json=json))


def _matrix() -> None:
    """Print roles and rights as Markdown (docs/build/roles.md)."""
    from bankside.cli import people

    people.print_matrix()
