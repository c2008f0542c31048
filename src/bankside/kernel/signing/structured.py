"""Structured header fields, as far as signatures need them: dictionaries and inner lists.

Always true: what does not follow the grammar to its last character is refused as a whole; a key,
component or parameter that appears twice is refused (the RFC lets the last one win, which would let
two readers disagree about what was signed). Values keep the exact text they were read from.
Source: RFC 8941 sections 3 and 4.2; RFC 9421 section 2.3 (component identifiers).
"""

import binascii
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

# The header block is bounded before we get here; these bound what one field may ask us to keep.
MEMBERS_MAX = 16
COMPONENTS_MAX = 64
PARAMETERS_MAX = 16
INTEGER_DIGITS_MAX = 15

Bare = str | int | bytes | bool


class Token(str):
    """A bare word; where a quoted string is asked for, a token is none."""

    __slots__ = ()


_T = TypeVar("_T")

_KEY_FIRST = frozenset(string.ascii_lowercase + "*")
_KEY = frozenset(string.ascii_lowercase + string.digits + "_-.*")
_TOKEN_FIRST = frozenset(string.ascii_letters + "*")
_TOKEN = frozenset(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~:/")
_DIGITS = frozenset(string.digits)
_NAME = frozenset(string.ascii_lowercase + string.digits + "!#$%&'*+-.^_`|~")


class FieldMalformed(ValueError):
    """The field does not follow its grammar; the message says where."""


@dataclass(frozen=True, slots=True)
class Component:
    """One covered component: its name, its parameters and its identifier as a base line begins."""

    name: str
    parameters: Mapping[str, Bare]
    identifier: str


@dataclass(frozen=True, slots=True)
class Covered:
    """One member of Signature-Input.

    ``text`` is the member's value exactly as received: what ``@signature-params`` is made of.
    """

    text: str
    components: tuple[Component, ...]
    parameters: Mapping[str, Bare]


def signature_inputs(field: str) -> dict[str, Covered]:
    """The members of a Signature-Input field by label. Raises FieldMalformed."""
    return _Scanner(field).dictionary(_Scanner.covered)


def signatures(field: str) -> dict[str, bytes]:
    """The members of a Signature field by label. Raises FieldMalformed."""
    return byte_members(field)


def byte_members(field: str) -> dict[str, bytes]:
    """A dictionary of byte sequences (Signature, Content-Digest). Raises FieldMalformed."""

    def member(scanner: "_Scanner") -> bytes:
        value = scanner.bytes()
        scanner.parameters()
        return value

    return _Scanner(field).dictionary(member)


def bare_string(field: str) -> str:
    """A field that is one structured string. Raises FieldMalformed."""
    scanner = _Scanner(field)
    value = scanner.string()
    scanner.end()
    return value


class _Scanner:
    """Reads one field from left to right; ``at`` is the next character."""

    __slots__ = ("at", "text")

    def __init__(self, text: str) -> None:
        self.text = text.strip(" ")
        self.at = 0

    def dictionary(self, member: "Callable[[_Scanner], _T]") -> dict[str, _T]:
        found: dict[str, _T] = {}
        while True:
            key = self.key()
            if key in found:
                raise self.wrong(f"member {key!r} appears twice")
            if len(found) == MEMBERS_MAX:
                raise self.wrong(f"more than {MEMBERS_MAX} members")
            self.expect("=")
            found[key] = member(self)
            self.blanks(" \t")
            if self.at == len(self.text):
                return found
            self.expect(",")
            self.blanks(" \t")

    def covered(self) -> Covered:
        start = self.at
        components = self.inner_list()
        parameters = self.parameters()
        return Covered(self.text[start : self.at], components, parameters)

    def inner_list(self) -> tuple[Component, ...]:
        self.expect("(")
        found: list[Component] = []
        seen: set[object] = set()
        while True:
            self.blanks(" ")
            if self.peek() == ")":
                self.at += 1
                return tuple(found)
            if found and self.text[self.at - 1] != " ":
                raise self.wrong("expected a blank between components")
            if len(found) == COMPONENTS_MAX:
                raise self.wrong(f"more than {COMPONENTS_MAX} components")
            component = self.component()
            same = (component.name, frozenset(component.parameters.items()))
            if same in seen:
                raise self.wrong(f"component {component.identifier} appears twice")
            seen.add(same)
            found.append(component)

    def component(self) -> Component:
        name = self.string()
        if not name or not _NAME.issuperset(name[1:] if name[0] == "@" else name):
            raise self.wrong(f"{name!r} is no component name")
        parameters = self.parameters()
        return Component(name, parameters, f'"{name}"{_serialised(parameters)}')

    def parameters(self) -> dict[str, Bare]:
        found: dict[str, Bare] = {}
        while self.peek() == ";":
            self.at += 1
            self.blanks(" ")
            key = self.key()
            if key in found:
                raise self.wrong(f"parameter {key!r} appears twice")
            if len(found) == PARAMETERS_MAX:
                raise self.wrong(f"more than {PARAMETERS_MAX} parameters")
            value: Bare = True
            if self.peek() == "=":
                self.at += 1
                value = self.bare()
            found[key] = value
        return found

    def bare(self) -> Bare:
        first = self.peek()
        if first == '"':
            return self.string()
        if first == ":":
            return self.bytes()
        if first == "?":
            return self.boolean()
        if first == "-" or first in _DIGITS:
            return self.integer()
        if first in _TOKEN_FIRST:
            return Token(self.run(_TOKEN))
        raise self.wrong("expected a value")

    def string(self) -> str:
        self.expect('"')
        characters: list[str] = []
        while True:
            character = self.peek()
            self.at += 1
            if character == '"':
                return "".join(characters)
            if character == "\\":
                character = self.peek()
                self.at += 1
                if character not in ('"', "\\"):
                    raise self.wrong("only quotes and backslashes are escaped")
            if not " " <= character <= "~":
                raise self.wrong("expected a printable ASCII character or the closing quote")
            characters.append(character)

    def bytes(self) -> bytes:
        self.expect(":")
        end = self.text.find(":", self.at)
        if end < 0:
            raise self.wrong("the byte sequence does not end")
        try:
            value = binascii.a2b_base64(self.text[self.at : end], strict_mode=True)
        except ValueError as error:
            raise self.wrong("expected base64") from error
        self.at = end + 1
        return value

    def boolean(self) -> bool:
        text = self.text[self.at : self.at + 2]
        if text not in ("?0", "?1"):
            raise self.wrong("expected ?0 or ?1")
        self.at += 2
        return text == "?1"

    def integer(self) -> int:
        start = self.at
        if self.peek() == "-":
            self.at += 1
        digits = self.run(_DIGITS)
        if not 0 < len(digits) <= INTEGER_DIGITS_MAX:
            raise self.wrong(f"expected 1 to {INTEGER_DIGITS_MAX} digits")
        return int(self.text[start : self.at])

    def key(self) -> str:
        if self.peek() not in _KEY_FIRST:
            raise self.wrong("expected a key")
        return self.run(_KEY)

    def run(self, alphabet: frozenset[str]) -> str:
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in alphabet:
            self.at += 1
        return self.text[start : self.at]

    def blanks(self, which: str) -> None:
        while self.at < len(self.text) and self.text[self.at] in which:
            self.at += 1

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def expect(self, character: str) -> None:
        if self.peek() != character:
            raise self.wrong(f"expected {character!r}")
        self.at += 1

    def end(self) -> None:
        if self.at != len(self.text):
            raise self.wrong("expected the end of the field")

    def wrong(self, why: str) -> FieldMalformed:
        return FieldMalformed(f"{why} at character {self.at}")


def _serialised(parameters: Mapping[str, Bare]) -> str:
    """Parameters as RFC 8941 section 4.1.1.2 writes them (only kinds a component may have)."""
    parts = []
    for key, value in parameters.items():
        if value is True:
            parts.append(f";{key}")
        elif type(value) is str:
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            parts.append(f';{key}="{escaped}"')
        else:
            raise FieldMalformed(f"component parameter {key!r} is neither a flag nor a string")
    return "".join(parts)
