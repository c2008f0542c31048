"""DPoP proofs at the authorization server: the kernel's checks in the words of RFC 9449.

``htu`` is compared with the configured public address, never with a header of the request.
Source: RFC 9449 sections 4.2, 4.3 and 8.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bankside.identity.assertions.model import PROOF_AGE_SECONDS_MAX, Proof, Target
from bankside.identity.errors import ProofInvalid
from bankside.kernel.clock import Clock
from bankside.kernel.signing.dpop import ProofBroken, place_of, read
from bankside.kernel.signing.jws import Keyring

# Clients prove the same key again and again.
_KEYS = Keyring()


def checked_proof(clock: Clock, headers: Sequence[str], target: Target) -> Proof:
    """The one proof of a call, its nonce and ``jti`` still to be looked at; or ProofInvalid."""
    if len(headers) != 1:
        raise ProofInvalid("a call carries exactly one DPoP header")
    try:
        found = read(headers[0], _KEYS).checked(
            target.method,
            place_of(target.url),
            at=clock.now().timestamp(),
            token=target.access_token,
        )
    except ProofBroken as error:
        raise ProofInvalid(f"DPoP: {error}") from error
    made = datetime.fromtimestamp(found.issued_at, UTC)
    end = made + timedelta(seconds=PROOF_AGE_SECONDS_MAX)
    return Proof(found.jkt, found.jti, found.nonce, end)
