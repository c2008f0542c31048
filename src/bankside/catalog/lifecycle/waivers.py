"""A partner's signed word that a product may end before its time.

Always true: the text names partner, product, version and the day it gives up; it is signed by a key
of the partner that only the partner has (a shared secret proves nothing to others).
"""

from dataclasses import dataclass

from bankside.catalog.lifecycle import store
from bankside.catalog.lifecycle.errors import MoveRefused, WaiverInvalid
from bankside.catalog.lifecycle.model import ProductVersion, State, Waiver
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId
from bankside.kernel.signing import verifier
from bankside.partners import list_keys

# Whoever knows it could have signed in the partner's name: the bank knows it.
_SHARED = "hmac-sha256"


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """Who signed with which key of which app, and the signature over ``waiver_text``."""

    partner: PartnerId
    app: str
    key: str
    signature: bytes


def waiver_text(version: ProductVersion, partner: str) -> str:
    """What a partner signs, to the byte. Raises MoveRefused when nothing has to be given up."""
    if version.state is not State.DEPRECATED or version.sunset_at is None:
        raise MoveRefused(f"{version.product} version {version.version} is not on its way out")
    return (
        "bankside waiver 1\n"
        f"partner: {partner}\n"
        f"product: {version.product}\n"
        f"version: {version.version}\n"
        f"sunset: {version.sunset_at.date().isoformat()}\n"
        "We agree that the product is withdrawn before that day.\n"
    )


async def waive(db: Connection, clock: Clock, version: ProductVersion, signed: Signed) -> None:
    """The partner's waiver is kept. Raises MoveRefused, AppUnknown, WaiverInvalid."""
    text = waiver_text(version, signed.partner)
    keys = await list_keys(db, signed.partner, signed.app)
    key = next((each for each in keys if each.id == signed.key), None)
    if key is None or key.wire != "native" or key.alg == _SHARED or not key.is_active(clock.now()):
        raise WaiverInvalid("a waiver is signed with a valid key pair of the native wire")
    if not verifier(key.alg, key.material)(text.encode(), signed.signature):
        raise WaiverInvalid("the signature does not verify over the text of the waiver")
    kept = Waiver(signed.partner, key.id, text, signed.signature, clock.now())
    await store.waive(db, version, kept)
