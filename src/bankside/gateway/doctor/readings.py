"""Which wire a request speaks and how that wire reads it."""

import re
from collections.abc import Callable, Mapping

from bankside.gateway.doctor.forms import read_alipay, read_icbc
from bankside.gateway.doctor.keys import Keys
from bankside.gateway.doctor.native import read_native
from bankside.gateway.doctor.raw import RawRequest
from bankside.gateway.doctor.reading import Reading
from bankside.gateway.doctor.v3 import read_alipay3
from bankside.gateway.serving import Serving
from bankside.gateway.wires.forms import read_form
from bankside.kernel.errors import BanksideError, Invalid
from bankside.kernel.signing.rfc9421 import LABEL
from bankside.kernel.signing.structured import FieldMalformed, signature_inputs
from bankside.kernel.snapshot import App

Reader = Callable[[RawRequest, Keys, float, str], Reading]

READERS: Mapping[str, Reader] = {
    "native": read_native,
    "icbc": lambda request, keys, now, origin: read_icbc(request, keys, now),
    "alipay": lambda request, keys, now, origin: read_alipay(request, keys, now),
    "alipay3": lambda request, keys, now, origin: read_alipay3(request, now),
}
_V3_APP = re.compile(r"[ ,]app_id=([^,]+)")


class WireUnknown(Invalid):
    """There is no wire of this name."""

    code = "doctor.wire_unknown"


def wire_of(request: RawRequest) -> str:
    """The wire whose addresses this path is one of."""
    if request.path == "/gateway.do":
        return "alipay"
    if request.path.startswith("/v3/"):
        return "alipay3"
    return "icbc" if request.path.startswith(("/api/", "/ui/")) else "native"


def claimed_app(s: Serving, wire: str, request: RawRequest) -> App | None:
    """The app a request says it comes from, if there is one."""
    if wire == "native":
        try:
            said = signature_inputs(request.headers.get("signature-input", "")).get(LABEL)
        except FieldMalformed:
            return None
        owner = s.key_owners.get(str(said.parameters.get("keyid"))) if said is not None else None
        return owner[0] if owner is not None else None
    if wire == "alipay3":
        named = _V3_APP.search(request.headers.get("authorization", ""))
        return s.apps.get(named[1]) if named is not None else None
    try:
        form = read_form(request.query, request.body, request.headers.get("content-type", ""))
    except BanksideError:
        return None
    return s.apps.get(form.get("app_id"))


def read(wire: str, request: RawRequest, keys: Keys, *, now: float, origin: str) -> Reading:
    """The wire's reading. Raises WireUnknown."""
    reader = READERS.get(wire)
    if reader is None:
        raise WireUnknown(f"{wire!r} is none of {', '.join(READERS)}")
    return reader(request, keys, now, origin)
