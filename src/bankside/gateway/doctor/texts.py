"""Usual ways in which a text changes between signing and arriving, each with its cause code."""

import html
import json
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus, unquote

# What happened to a text before it was signed: code, what to say of it, how the text changes.
Change = tuple[str, str, Callable[[str], str]]


def json_changes() -> tuple[Change, ...]:
    """A JSON text written again by some serialiser; each raises ValueError on what is no JSON."""

    def rewritten(**options: object) -> Callable[[str], str]:
        return lambda text: json.dumps(json.loads(text), **options)  # type: ignore[arg-type]

    compact = (",", ":")
    spaced = (", ", ": ")
    return (
        ("text.json_changed", "the JSON written compactly", rewritten(
            ensure_ascii=False, separators=compact)),
        ("text.json_changed", "the JSON written with \\u escapes", rewritten(
            ensure_ascii=True, separators=compact)),
        ("text.json_changed", "the JSON written with blanks", rewritten(
            ensure_ascii=False, separators=spaced)),
        ("text.json_changed", "the JSON written with blanks and \\u escapes", rewritten(
            ensure_ascii=True, separators=spaced)),
        ("text.json_changed", "the JSON written with its keys sorted", rewritten(
            ensure_ascii=False, separators=compact, sort_keys=True)),
        ("text.json_changed", "the JSON written with \\/ for /", lambda text: text.replace(
            "/", "\\/")),
        ("text.json_changed", "the JSON written with / for \\/", lambda text: text.replace(
            "\\/", "/")),
        ("text.json_changed", "the JSON written with two blanks of indent", rewritten(
            ensure_ascii=False, indent=2)),
    )  # fmt: skip


ESCAPES: tuple[Change, ...] = (
    ("text.url_encoded", "the values URL-encoded, blanks as +", quote_plus),
    ("text.url_encoded", "the values URL-encoded, blanks as %20", lambda text: quote(text, "")),
    ("text.url_encoded", "the values as they are after one more URL-decoding", unquote),
    ("text.html_escaped", "the values HTML-escaped", lambda text: html.escape(text, quote=True)),
    ("text.html_escaped", "the values after HTML-unescaping", html.unescape),
    ("text.plus_as_blank", "the values with + for blanks", lambda text: text.replace(" ", "+")),
    ("text.plus_as_blank", "the values with blanks for +", lambda text: text.replace("+", " ")),
    ("text.crlf", "the values with CRLF for LF", lambda text: text.replace("\n", "\r\n")),
    ("text.crlf", "the values with LF for CRLF", lambda text: text.replace("\r\n", "\n")),
)
ENDINGS: tuple[Change, ...] = (
    ("text.trailing_newline", "one line feed more at the end", lambda text: text + "\n"),
    ("text.trailing_newline", "the line feed at the end left out", lambda text: text.removesuffix(
        "\n")),
    ("text.crlf", "CRLF at the end", lambda text: text.removesuffix("\n") + "\r\n"),
)  # fmt: skip


def changed(text: str, changes: tuple[Change, ...]) -> Iterator[tuple[str, str, str]]:
    """Code, evidence and the text for every change that changes something."""
    for code, evidence, change in changes:
        try:
            other = change(text)
        except (ValueError, RecursionError):
            continue
        if other != text:
            yield code, evidence, other


def other_charsets(text: str, charset: str) -> Iterator[tuple[str, str, bytes]]:
    """The text's bytes in the other character set of the wires, when they differ."""
    for other in ("utf-8", "gbk"):
        try:
            octets = text.encode(other)
            if octets != text.encode(charset):
                yield "text.charset", f"the text taken as {other} bytes", octets
        except UnicodeEncodeError:
            continue
