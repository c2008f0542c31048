"""What a request says about callbacks: an address of its partner, which may not be ours."""

from bankside.kernel.call import Callback
from bankside.kernel.egress import Egress, EgressRefused
from bankside.kernel.errors import Invalid


class AddressRefused(Invalid):
    """The address for callbacks (``notify_url``) is not one that we call."""

    code = "callback.address_refused"
    status = 400


def asked(egress: Egress, wire: str, url: str, **repeats: str) -> Callback | None:
    """The callback a request asks for; None without an address. Raises AddressRefused."""
    if not url:
        return None
    try:
        egress.checked(url)
    except EgressRefused as refused:
        error = {"pointer": "/notify_url", "code": AddressRefused.code}
        raise AddressRefused(f"notify_url: {refused.detail}", errors=[error]) from refused
    return Callback(wire, url, {name: value for name, value in repeats.items() if value})
