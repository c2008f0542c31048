"""Where two strings to sign part, and what may be shown of them.

Always true: masking keeps every byte's place, so an offset in the masked text is the offset in the
real one. Masked are values of class C3 (credentials): tokens, passwords, payer codes.
"""

import re
from dataclasses import dataclass

CONTEXT_BYTES = 20

_SECRETS = re.compile(
    rb'(?:^"(?:authorization|x-app-auth-token)": |\b(?:app_auth_token|auth_token)=)([^\n&]+)'
    rb'|"(?:auth_code|payer_token|token|access_token|password|pin|cvv2?|cvn2|sms_code|secret)"'
    rb'\s*:\s*(?:"((?:[^"\\]|\\.)*)"|([0-9]+))',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first byte at which two strings differ; hex is empty where a string has ended."""

    offset: int
    expected_hex: str
    received_hex: str
    expected_context: str
    received_context: str
    part: str


def first_difference(expected: bytes, received: bytes) -> Difference | None:
    """None when they are equal."""
    if expected == received:
        return None
    shorter = min(len(expected), len(received))
    at = next((i for i in range(shorter) if expected[i] != received[i]), shorter)
    ours, theirs = masked(expected), masked(received)
    return Difference(
        offset=at,
        expected_hex=_hex(expected, ours, at),
        received_hex=_hex(received, theirs, at),
        expected_context=_context(ours, at),
        received_context=_context(theirs, at),
        part=_part(ours if at < len(ours) else theirs, at),
    )


def masked(text: bytes) -> bytes:
    """``text`` with the bytes of secrets replaced by asterisks, one for one."""

    def hide(match: re.Match[bytes]) -> bytes:
        whole = bytearray(match[0])
        for group in (1, 2, 3):
            if match[group] is not None:
                start = match.start(group) - match.start()
                whole[start : start + len(match[group])] = b"*" * len(match[group])
        return bytes(whole)

    return _SECRETS.sub(hide, text)


def shown(text: bytes) -> str:
    """The masked text for a reader; bytes that are no UTF-8 are escaped."""
    return masked(text).decode("utf-8", "backslashreplace")


def _hex(real: bytes, hidden: bytes, at: int) -> str:
    if at >= len(real):
        return ""
    return f"{real[at]:02x}" if real[at] == hidden[at] else "**"


def _context(text: bytes, at: int) -> str:
    start = max(0, at - CONTEXT_BYTES)
    return text[start : at + CONTEXT_BYTES].decode("utf-8", "backslashreplace")


def _part(text: bytes, at: int) -> str:
    """The component or parameter the byte lies in."""
    line = text[text.rfind(b"\n", 0, at) + 1 :]
    if line.startswith(b'"'):
        return line[: line.find(b": ")].decode("latin-1")
    start = max(text.rfind(b"&", 0, at), text.rfind(b"?", 0, at)) + 1
    name, equals, _ = text[start:].partition(b"=")
    return name.decode("utf-8", "replace") if equals and len(name) <= 64 else ""
