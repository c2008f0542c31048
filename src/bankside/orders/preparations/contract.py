"""Who signs what: parties, the hash of the text, and detached signatures that were brought along.

A signature is Ed25519 (RFC 8032) over the 32 bytes of the terms' hash, by the key that comes with
it. It proves that whoever has that key agreed; whose key it is, the parties know.
"""

import base64
import binascii
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bankside.kernel.clock import BANK_ZONE
from bankside.orders.errors_papers import SignatureInvalid
from bankside.orders.inputs import fault, refuse
from bankside.orders.model import Order, PlanStep
from bankside.orders.preparations.room import Form, Prepare, Prepared, Room

_PARTIES = ("party", "counterparty", "holder", "subject", "borrower", "insured")


async def signing(room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Parties, terms and signatures of the request. Raises SignatureInvalid."""
    asked: dict[str, Any] = {
        "parties": [form[each] for each in _PARTIES if each in form],
        "signatures": [
            _signature(form.get("terms_hash", ""), each, index)
            for index, each in enumerate(form.get("signatures", ()))
        ],
    }
    if "terms_hash" in form:
        asked["terms_hash"] = form["terms_hash"]
    if not asked["parties"]:
        del asked["parties"]
    last: date | None = form.get("until")
    if last is not None:
        if last < room.desk.clock.now().astimezone(BANK_ZONE).date():
            refuse([fault("/until", "contract.until", "this day is over")])
        asked["until"] = datetime.combine(last + timedelta(days=1), time(), BANK_ZONE)
    asked["signatures"] += _acts(room)
    return Prepared(order, {"contract": asked})


async def terminating(_room: Room, order: Order, _step: PlanStep, form: Form) -> Prepared:
    """Why the contract ends, in the caller's words."""
    return Prepared(order, {"contract": {"reason": form.get("reason")}})


def _acts(room: Room) -> list[dict[str, Any]]:
    """The call itself as an act of signing: by which app, for which customer."""
    if room.ticket is None:
        return []
    caller = room.ticket.call.caller
    return [{"method": "api", "app": caller.app, "psu": caller.psu}]


def _signature(terms_hash: str, given: Mapping[str, Any], index: int) -> dict[str, Any]:
    at = f"/signatures/{index}"
    try:
        key = Ed25519PublicKey.from_public_bytes(_bytes(given["public_key"], 32))
        key.verify(_bytes(given["signature"], 64), bytes.fromhex(terms_hash))
    except (ValueError, binascii.Error, InvalidSignature) as error:
        detail = "no Ed25519 signature of terms_hash by this key"
        raise SignatureInvalid(detail, errors=[fault(at, SignatureInvalid.code, detail)]) from error
    return {"method": "ed25519", "party": given.get("party"), "public_key": given["public_key"]}


def _bytes(text: str, length: int) -> bytes:
    """base64url without padding (RFC 4648 section 5), or ValueError."""
    found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if len(found) != length:
        raise ValueError("a key has 32 bytes, a signature 64")
    return found


PREPARATIONS: Mapping[str, Prepare] = {
    "contract.sign": signing,
    "contract.amend": signing,
    "contract.terminate": terminating,
}
