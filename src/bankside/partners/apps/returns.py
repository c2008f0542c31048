"""Where an app's payers may be sent back to: addresses that were registered for it beforehand.

Always true: a way back is an app's own when scheme, host and port are those of a registered
address, and its path is the registered one or lies below it, whole segments counted. Until a
sandbox app registers one it may name any; a live app none. Sources: RFC 6749 section 3.1.2.2
(registered redirection), RFC 8252 section 7.3 (any port of the reader's own machine).
"""

from urllib.parse import SplitResult, unquote

from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.egress import LOOPBACK_HOSTS, EgressRefused, browser_address
from bankside.kernel.ids import PartnerId
from bankside.partners import events
from bankside.partners.apps import store
from bankside.partners.apps.errors import ReturnAddressInvalid, ReturnAddressUnknown
from bankside.partners.apps.service import locked, read_app

# A shop with more sites than this is several apps.
ADDRESSES_MAX = 20


async def add_return_address(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, address: str
) -> None:
    """Payers may be sent to this address and below it. Raises ReturnAddressInvalid, AppUnknown."""
    _checked(address)
    found = await locked(db, of, app_id)
    known = await store.return_addresses(db, of, found.id)
    if address not in known and len(known) >= ADDRESSES_MAX:
        raise ReturnAddressInvalid(f"an app has at most {ADDRESSES_MAX} of them")
    await store.add_return_address(db, of, found.id, address, clock.now())
    what = (of, found.id, found.version)
    await events.publish(db, clock, events.APP_RETURN_ADDED, of=what, address=address)


async def remove_return_address(
    db: Connection, clock: Clock, of: PartnerId, app_id: str, address: str
) -> None:
    """Nobody is sent there any more. Raises ReturnAddressUnknown, AppUnknown."""
    found = await locked(db, of, app_id)
    if not await store.remove_return_address(db, of, found.id, address):
        raise ReturnAddressUnknown
    what = (of, found.id, found.version)
    await events.publish(db, clock, events.APP_RETURN_REMOVED, of=what, address=address)


async def return_addresses(db: Connection, of: PartnerId, app_id: str) -> list[str]:
    """The app's registered addresses, sorted; or AppUnknown."""
    return await store.return_addresses(db, of, (await read_app(db, of, app_id)).id)


async def may_return_to(db: Connection, of: PartnerId, app_id: str, address: str) -> bool:
    """Whether the app's payers may be sent to this address; or AppUnknown."""
    app = await read_app(db, of, app_id)
    registered = await store.return_addresses(db, of, app.id)
    if not registered:
        return app.environment == "sandbox"
    return any(is_below(each, address) for each in registered)


def is_below(registered: str, address: str) -> bool:
    """Whether an address is the registered one, or one below it."""
    try:
        ours, asked = browser_address(registered), browser_address(address)
    except EgressRefused:
        return False
    if _origin(ours) != _origin(asked) or _climbs(asked.path):
        return False
    path = ours.path.rstrip("/")
    return asked.path.startswith(f"{path}/") or asked.path in (path, ours.path)


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    host = parts.hostname
    if parts.scheme == "http" and host in LOOPBACK_HOSTS:
        return "http", host, None
    return parts.scheme, host, parts.port or 443


def _climbs(path: str) -> bool:
    """Whether a browser, or a server behind, may read the path as one that leads upwards."""
    plain = unquote(unquote(path))
    return "\\" in plain or any(each in {".", ".."} for each in plain.split("/"))


def _checked(address: str) -> None:
    try:
        parts = browser_address(address)
    except EgressRefused as refused:
        raise ReturnAddressInvalid(refused.detail) from refused
    if parts.query or "?" in address or "#" in address or _climbs(parts.path):
        raise ReturnAddressInvalid("give scheme, host and the beginning of the path alone")
