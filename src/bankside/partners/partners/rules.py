"""What a text that people typed may be: names of partners, tenants and apps, and reasons."""

from bankside.partners.partners.errors import TextInvalid

# Long enough for the longest registered company names; short enough for a table column.
TEXT_MAX = 120


def checked_text(text: str) -> str:
    """The text without outer blanks, or TextInvalid."""
    trimmed = text.strip()
    if not 1 <= len(trimmed) <= TEXT_MAX or not trimmed.isprintable():
        raise TextInvalid(f"a name or reason has 1 to {TEXT_MAX} printable characters")
    return trimmed
