"""Addresses a request names: for callbacks, and for its payer's way back. None may be ours."""

from bankside.kernel.call import Callback
from bankside.kernel.egress import Egress, EgressRefused, browser_address
from bankside.kernel.errors import Invalid


class AddressRefused(Invalid):
    """The address for callbacks (``notify_url``) or the way back (``return_url``) is not usable."""

    code = "callback.address_refused"
    status = 400


def asked(egress: Egress, wire: str, url: str, **repeats: str) -> Callback | None:
    """The callback a request asks for; None without an address. Raises AddressRefused."""
    if not url:
        return None
    try:
        egress.checked(url)
    except EgressRefused as refused:
        raise _refused("notify_url", refused) from refused
    return Callback(wire, url, {name: value for name, value in repeats.items() if value})


def way_back(wire: str, url: str, **repeats: str) -> Callback | None:
    """Where the payer's browser is to come back to; None without. Raises AddressRefused."""
    if not url:
        return None
    try:
        browser_address(url)
    except EgressRefused as refused:
        raise _refused("return_url", refused) from refused
    return Callback(wire, url, {name: value for name, value in repeats.items() if value})


def _refused(name: str, refused: EgressRefused) -> AddressRefused:
    error = {"pointer": f"/{name}", "code": AddressRefused.code}
    return AddressRefused(f"{name}: {refused.detail}", errors=[error])
