"""Forms and links of a page, as a browser without script sees them."""

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Form:
    """Where a form goes and what it carries; ``choices`` can be ticked, ``buttons`` pressed."""

    action: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    choices: dict[str, list[str]] = field(default_factory=dict)
    buttons: dict[str, str] = field(default_factory=dict)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
            self._inside = True
        elif tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif self._inside and "name" in given:
            self._control(self.forms[-1], tag, given)

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "form"

    def _control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given["name"], given.get("value", "")
        if tag == "button":
            form.buttons[value] = name
        elif tag == "input" and given.get("type") in {"checkbox", "radio"}:
            form.choices.setdefault(name, []).append(value)
        elif tag == "input":
            form.fields.setdefault(name, []).append(value)


def forms_of(page: str) -> list[Form]:
    """The forms of an HTML page, in their order."""
    return _read(page).forms


def links_of(page: str) -> list[str]:
    """The addresses an HTML page links to."""
    return _read(page).links


def _read(page: str) -> _Reader:
    reader = _Reader()
    reader.feed(page)
    return reader
