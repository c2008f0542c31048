"""DPoP nonces: a code over the minute, the same in every process of the installation.

Not single use, so nothing is stored; the current and the previous minute are accepted. Nonces of
the authorization server and of resources differ by their purpose. Source: RFC 9449 section 8.
"""

import base64
import hmac

from bankside.identity.errors import NonceNeeded
from bankside.kernel.clock import Clock
from bankside.kernel.secrets import Vault

SERVER, RESOURCE = "dpop-nonce:server", "dpop-nonce:resource"
SLOT_SECONDS = 60


def fresh_nonce(vault: Vault, clock: Clock, *, purpose: str = SERVER) -> str:
    """The nonce of this minute."""
    return _nonce(vault, purpose, _minute(clock))


def check_nonce(vault: Vault, clock: Clock, nonce: str | None, *, purpose: str = SERVER) -> None:
    """The nonce is of this minute or the one before; or NonceNeeded."""
    minute = _minute(clock)
    known = [_nonce(vault, purpose, each) for each in (minute, minute - 1)]
    given = (nonce or "").encode("utf-8", "replace")
    if not any(hmac.compare_digest(given, each.encode()) for each in known):
        raise NonceNeeded


def _minute(clock: Clock) -> int:
    return int(clock.now().timestamp()) // SLOT_SECONDS


def _nonce(vault: Vault, purpose: str, minute: int) -> str:
    code = vault.mac(str(minute).encode(), purpose=purpose)
    return base64.urlsafe_b64encode(code[:24]).decode()
