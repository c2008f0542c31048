"""One of the bank's own keys as a value, and which algorithm signs on which wire."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

# The wire's own rule decides: ICBC-style answers are SHA1withRSA whatever the app uses, the
# Alipay-style ones SHA256withRSA; native answers take the cheapest asymmetric signature. `snapshot`
# is no wire: its key signs the blobs the edge starts from, and never travels inside them.
ANSWER_ALGORITHMS: Mapping[str, str] = {
    "native": "ecdsa-p256-sha256",
    "icbc": "rsa-sha1",
    "alipay": "rsa-sha256",
    "alipay3": "rsa-sha256",
    "snapshot": "ed25519",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlatformKey:
    """A key pair of the bank: what partners verify our answers with.

    ``sealed`` is the PKCS#8 private key under the installation's KEK (purpose ``key:<id>``);
    ``fingerprint`` is SHA-256 of the DER public key. A retired key signs nothing any more.
    """

    id: str
    wire: str
    alg: str
    public_der: bytes
    sealed: bytes = field(repr=False)
    fingerprint: bytes
    is_default: bool
    created_at: datetime
    retired_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPlatformKey:
    """What to create. Without ``private`` (DER PKCS#8) a fresh pair is made."""

    wire: str
    alg: str
    id: str | None = None
    private: bytes | None = field(default=None, repr=False)
    is_default: bool = False
