"""Texts of the pages, one JSON catalogue per language, and the choice of the language.

Always true: both catalogues have the same keys (a test compares them); a missing key is a bug.
"""

from functools import cache
from pathlib import Path
from typing import Literal

import msgspec

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")
_FOLDER = Path(__file__).parent / "languages"


@cache
def catalogue(language: Language) -> dict[str, str]:
    """All texts of one language."""
    return msgspec.json.decode((_FOLDER / f"{language}.json").read_bytes(), type=dict[str, str])


def text(language: Language, key: str, *facts: object, **values: object) -> str:
    """One text with its values filled in, by place or by name."""
    return catalogue(language)[key].format(*facts, **values)


def has_text(language: Language, key: str) -> bool:
    """Whether the catalogue has this text."""
    return key in catalogue(language)


def choose(asked: str | None, remembered: str | None, accepted: str) -> Language:
    """The language of a page: asked for in the address, remembered, or the browser's wish.

    ``accepted`` is the Accept-Language field; the first of our languages in it wins (order, not
    weight: browsers send them sorted). English when nothing says otherwise.
    """
    for wish in (asked, remembered):
        for language in LANGUAGES:
            if wish == language:
                return language
    for part in accepted.split(","):
        for language in LANGUAGES:
            if part.strip().lower().startswith(language):
                return language
    return "en"
