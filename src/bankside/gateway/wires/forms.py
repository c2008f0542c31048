"""Reading what the form dialects send: parameters, files' names, local times, JSON content.

Always true: a form is parsed once and its values stay as the sender wrote them; a name that comes
twice (in the query, in the body or in both), a NUL, a broken escape and bytes that are not of the
form's charset are refused, because two readers would see two different requests.
Source: WHATWG URL (application/x-www-form-urlencoded), RFC 7578; wire-protocol rules of section 1.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec
import multipart

from bankside.kernel.clock import BANK_ZONE
from bankside.kernel.errors import Invalid
from bankside.kernel.signing.content import decrypt

# Public SDKs send at most about 20 parameters; the limit keeps sorting and joining cheap.
PARAMETERS_MAX = 64
QUERY_BYTES_MAX = 16 * 1024
# Message ids and nonces are remembered per app; 128 bytes is four times what SDKs send.
REPLAY_KEY_BYTES_MAX = 128
# Business content is flat: an object, lists in it, objects in those. Deeper is an attack.
JSON_DEPTH_MAX = 32

_CHARSETS = {"utf-8": "utf-8", "utf8": "utf-8", "gbk": "gbk"}
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_LOCAL_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
# A number with a fraction stays text: an amount never passes through a float.
_JSON = msgspec.json.Decoder(float_hook=str)


class FormMalformed(Invalid):
    """The form cannot be read in one way only."""

    code = "form.malformed"
    status = 400


class ContentMalformed(Invalid):
    """The business content is no JSON object."""

    code = "request.body_malformed"
    status = 400


@dataclass(frozen=True, slots=True)
class Form:
    """Parameters by name, raw values; ``charset`` is a Python codec name, ``files`` are names."""

    values: Mapping[str, str]
    charset: str = "utf-8"
    files: frozenset[str] = field(default_factory=frozenset)

    def get(self, name: str) -> str:
        """The value, or an empty text: both dialects treat an empty parameter as absent."""
        return self.values.get(name, "")


def read_form(query: str, body: bytes, content_type: str) -> Form:
    """The parameters of query and body together; raises FormMalformed."""
    if len(query) > QUERY_BYTES_MAX:
        raise FormMalformed(f"the query is longer than {QUERY_BYTES_MAX} bytes")
    pairs = list(_pairs(query.encode("latin-1")))
    files: frozenset[str] = frozenset()
    media = content_type.partition(";")[0].strip().lower()
    if body and media == "multipart/form-data":
        parts, files = _multipart(body, content_type)
        pairs += parts
    elif body and media in {"application/x-www-form-urlencoded", ""}:
        pairs += _pairs(body)
    elif body:
        raise FormMalformed(f"a form is expected, not {media!r}")
    if len(pairs) > PARAMETERS_MAX:
        raise FormMalformed(f"more than {PARAMETERS_MAX} parameters")
    charset = _charset(pairs)
    return Form(_decoded(pairs, charset), charset, files)


def beijing_seconds(text: str) -> float | None:
    """Epoch seconds of ``yyyy-MM-dd HH:mm:ss`` in GMT+8, or None when it is no such time."""
    if not _LOCAL_TIME.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text).replace(tzinfo=BANK_ZONE).timestamp()
    except (ValueError, OverflowError):
        return None


def beijing_text(rfc3339: str) -> str:
    """A platform instant (``2026-03-02T02:00:00.000Z``) as the local-time dialects write it."""
    instant = datetime.fromisoformat(rfc3339)
    return instant.astimezone(BANK_ZONE).strftime("%Y-%m-%d %H:%M:%S")


def decrypted(text: str, key: bytes, charset: str) -> str:
    """Encrypted content as text; bytes that are not of the form's charset are refused, not mended.

    Raises ContentUnreadable, ContentMalformed.
    """
    try:
        return decrypt(text, key).decode(charset)
    except UnicodeDecodeError as error:
        raise ContentMalformed(f"the encrypted content is not {charset}") from error


def json_object(content: bytes | str) -> dict[str, Any]:
    """The JSON object in ``content``; numbers with a fraction as text; raises ContentMalformed."""
    try:
        value = _JSON.decode(content)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ContentMalformed("the content is no JSON") from error
    if not isinstance(value, dict):
        raise ContentMalformed("the content is no JSON object")
    if not _storable(value, 1):
        raise ContentMalformed("the content is nested too deeply or contains NUL")
    return value


def encoded(text: str, charset: str) -> str:
    """JSON ``text`` with every character the charset lacks written as its ``\\u`` escape."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "".join(_escaped(character, charset) for character in text)
    return text


def _pairs(raw: bytes) -> Iterator[tuple[bytes, bytes]]:
    if _BROKEN_ESCAPE.search(raw):
        raise FormMalformed("a percent sign without two hexadecimal digits")
    for count, part in enumerate(raw.split(b"&")):
        if count > PARAMETERS_MAX:
            raise FormMalformed(f"more than {PARAMETERS_MAX} parameters")
        if part:
            name, _, value = part.replace(b"+", b" ").partition(b"=")
            yield unquote_to_bytes(name), unquote_to_bytes(value)


def _multipart(body: bytes, content_type: str) -> tuple[list[tuple[bytes, bytes]], frozenset[str]]:
    """Text fields in order, and the names of file fields: files are not signed by the dialects."""
    boundary = multipart.parse_options_header(content_type)[1].get("boundary", "")
    fields: list[tuple[bytes, bytes]] = []
    files: list[str] = []
    try:
        parser = multipart.PushMultipartParser(
            boundary, max_segment_count=PARAMETERS_MAX, strict=False
        )
        with parser:
            segment: Any = None
            content = bytearray()
            for event in parser.parse(body):
                if isinstance(event, multipart.MultipartSegment):
                    segment, content = event, bytearray()
                elif event:
                    content += event
                elif segment.filename is None:
                    fields.append((segment.name.encode(), bytes(content)))
                else:
                    files.append(segment.name)
    except (multipart.MultipartError, ValueError) as error:
        raise FormMalformed("the multipart body cannot be read") from error
    if len(set(files)) < len(files):
        raise FormMalformed("a file field comes twice")
    return fields, frozenset(files)


def _charset(pairs: Iterable[tuple[bytes, bytes]]) -> str:
    named = [value for name, value in pairs if name == b"charset" and value]
    charset = _CHARSETS.get(named[0].decode("latin-1").lower()) if named else "utf-8"
    if charset is None:
        raise FormMalformed("charset is UTF-8 or GBK", errors=[_at("charset")])
    return charset


def _decoded(pairs: Iterable[tuple[bytes, bytes]], charset: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        try:
            name, value = raw_name.decode(charset), raw_value.decode(charset)
        except UnicodeDecodeError as error:
            raise FormMalformed(f"bytes that are not {charset}") from error
        if name in values:
            raise FormMalformed("a parameter comes twice", errors=[_at(name[:64])])
        if "\0" in name or "\0" in value:
            raise FormMalformed("a parameter contains NUL")
        values[name] = value
    return values


def _storable(value: Any, depth: int) -> bool:
    """Whether a decoded JSON value is shallow and free of NUL, which PostgreSQL text refuses."""
    if isinstance(value, str):
        return "\0" not in value
    if depth > JSON_DEPTH_MAX:
        return not isinstance(value, dict | list)
    if isinstance(value, dict):
        return all("\0" not in name and _storable(v, depth + 1) for name, v in value.items())
    if isinstance(value, list):
        return all(_storable(item, depth + 1) for item in value)
    return True


def _escaped(character: str, charset: str) -> str:
    try:
        character.encode(charset)
    except UnicodeEncodeError:
        units = character.encode("utf-16-be", "surrogatepass")
        return "".join(f"\\u{units[i] << 8 | units[i + 1]:04x}" for i in range(0, len(units), 2))
    return character


def _at(name: str) -> dict[str, str]:
    return {"pointer": f"/{name}", "code": FormMalformed.code}
