"""A partner's registered key as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bankside.kernel.ids import AppId, KeyId, PartnerId

# Both keys of a rotation are accepted this long (wire-protocols, rules for every wire).
ROTATION_OVERLAP = timedelta(days=7)

CONTENT_ALGORITHM = "aes-cbc"
# What may verify requests on each wire. A wire's content key encrypts bodies and verifies nothing.
WIRE_ALGORITHMS: Mapping[str, frozenset[str]] = {
    "native": frozenset(
        {"hmac-sha256", "ecdsa-p256-sha256", "ed25519", "rsa-v1_5-sha256", "rsa-pss-sha512"}
    ),
    "icbc": frozenset({"rsa-sha256", "rsa-sha1", CONTENT_ALGORITHM}),
    "alipay": frozenset({"rsa-sha256", "rsa-sha1", CONTENT_ALGORITHM}),
    "alipay3": frozenset({"rsa-sha256", CONTENT_ALGORITHM}),
}
SECRET_ALGORITHMS = frozenset({"hmac-sha256", CONTENT_ALGORITHM})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key to register.

    ``material``: a public key as PEM, base64 or DER (SubjectPublicKeyInfo or PKCS#1); the raw bytes
    of an HMAC or AES secret. ``id`` is given by seeds only. ``legacy_sha1`` must be asked for to
    use ``rsa-sha1`` on a wire whose own rule does not demand it.
    """

    wire: str
    alg: str
    material: bytes = field(repr=False)
    id: str | None = None
    legacy_sha1: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AppKey:
    """A registered key. ``material`` is the DER public key, or the sealed secret.

    ``fingerprint`` is SHA-256 of the DER public key (of a secret: of the raw bytes). Without
    ``not_after`` it is the present key of its wire and algorithm.
    """

    id: KeyId
    partner: PartnerId
    app: AppId
    wire: str
    alg: str
    material: bytes = field(repr=False)
    fingerprint: bytes
    not_before: datetime
    not_after: datetime | None = None
    revoked_at: datetime | None = None

    def is_active(self, at: datetime) -> bool:
        """Whether the key is accepted at an instant."""
        return (
            self.revoked_at is None
            and self.not_before <= at
            and (self.not_after is None or at < self.not_after)
        )
