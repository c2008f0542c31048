"""Request bodies: form-encoded, at most 64 kB, no parameter twice, an empty one is none.

Source: RFC 6749 section 3.2 (repeated and empty parameters).
"""

from collections.abc import Mapping
from urllib.parse import parse_qsl

from bankside.identity.errors import RequestInvalid, RequestTooLarge
from bankside.identity.http.server import AnyRequest

BODY_BYTES_MAX = 65_536
# The longest honest request has some twenty.
PARAMETERS_MAX = 100
_FORM = "application/x-www-form-urlencoded"


async def read_form(request: AnyRequest) -> Mapping[str, str]:
    """The parameters of a form body. Raises RequestInvalid, RequestTooLarge."""
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != _FORM:
        raise RequestInvalid(f"content-type is {_FORM}")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise RequestTooLarge(f"a body has at most {BODY_BYTES_MAX} bytes")
    return parameters_of(bytes(body))


def parameters_of(encoded: bytes) -> Mapping[str, str]:
    """The parameters of a form or a query. Raises RequestInvalid."""
    try:
        pairs = parse_qsl(
            encoded.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=PARAMETERS_MAX,
        )
    except ValueError as error:
        raise RequestInvalid("the parameters are not form-encoded UTF-8") from error
    found = dict(pairs)
    if len(found) != len(pairs):
        raise RequestInvalid("a parameter is repeated")
    if any("\0" in value for value in found.values()):
        raise RequestInvalid("a parameter holds a NUL")
    return {name: value for name, value in found.items() if value}
