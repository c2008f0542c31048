"""The command tree is one piece: each command says what it does and speaks JSON when asked to."""

from collections.abc import Iterator

import click
import pytest
import typer

from bankside.cli import build

# What these print is a document of its own: an answer of the edge, Markdown, the bytes to sign,
# a file that is written.
OTHER = {"call", "staff matrix", "product waiver", "catalogue openapi"}


def leaves(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, by what is typed."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield name, command
        return
    for each, below in inner.items():
        yield from leaves(below, f"{name} {each}".strip())


COMMANDS = dict(leaves(typer.main.get_command(build())))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_says_what_it_does_and_what_each_word_means(name: str) -> None:
    command = COMMANDS[name]

    assert (command.help or "").rstrip().endswith((".", ";", ")")), command.help
    for each in command.params:
        assert getattr(each, "help", ""), f"{name}: {each.name}"


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - OTHER))
def test_a_command_prints_json_when_asked_to(name: str) -> None:
    options = {each for one in COMMANDS[name].params for each in one.opts}

    assert "--json" in options
