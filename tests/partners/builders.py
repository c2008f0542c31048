"""Valid, boring partners, apps and keys for tests."""

from functools import cache

from bankside import partners
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der
from bankside.partners import NewApp, NewKey, Partner, PartnerApp

VAULT = Vault(bytes(range(32)))


async def a_partner(db: Connection, clock: Clock) -> Partner:
    """A new partner."""
    return await partners.create_partner(db, clock, name_zh="骑手平台", name_en="Rider platform")


async def an_app(db: Connection, clock: Clock, of: Partner) -> PartnerApp:
    """A new app of a partner."""
    return await partners.create_app(db, clock, of.id, NewApp(name="checkout"))


@cache
def private_key(alg: str, name: str = "") -> bytes:
    """One private key (DER PKCS#8) per algorithm and name; RSA keys take long to make."""
    return generate(alg)


def public_key(alg: str, name: str = "") -> bytes:
    """The DER public key of ``private_key``."""
    return public_der(private_key(alg, name))


def a_key(alg: str = "ed25519", name: str = "", *, wire: str = "native") -> NewKey:
    """A key to register on a wire."""
    return NewKey(wire=wire, alg=alg, material=public_key(alg, name))
