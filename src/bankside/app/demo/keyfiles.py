"""Key files of the demo under ``<home>/keys/demo``: made once, mode 0600, then only read.

Private keys are PEM (PKCS#8), those of OAuth clients JWK (RFC 7517), HMAC secrets hexadecimal text,
AES keys base64 text as the ICBC-style and Alipay-style consoles hand them out, TOTP secrets base 32
text, tenant tokens plain text.
"""

import base64
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from joserfc.jwk import ECKey

from bankside.identity.factors import new_totp_secret
from bankside.kernel.signing import generate, public_der

AES_BYTES = 16


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A key on disk: ``material`` is what a partner registers (public DER, or the raw secret)."""

    path: Path
    material: bytes


def folder(home: Path) -> Path:
    """Where the demo keeps its keys."""
    return home / "keys" / "demo"


def private_key(home: Path, name: str, alg: str) -> KeyFile:
    """The private key (or HMAC secret) of this name, made now if it is not there.

    The public half of a pair stands beside it as ``<name>.pub.pem``.
    """
    if alg == "hmac-sha256":
        path = folder(home) / f"{name}.secret"
        text = _kept(path, lambda: generate(alg).hex().encode())
        return KeyFile(path, bytes.fromhex(text.decode()))
    path, public = folder(home) / f"{name}.pem", folder(home) / f"{name}.pub.pem"
    # Read the public half alone when it is there: loading an RSA private key proves its primes,
    # which takes 50 ms a key at every start.
    if not (path.exists() and public.exists()):
        private = generate(alg)
        write(path, pem(private, "PRIVATE KEY"))
        write(public, pem(public_der(private), "PUBLIC KEY"))
    return KeyFile(path, _der(public.read_bytes()))


def aes_key(home: Path, name: str) -> KeyFile:
    """The content key of this name, made now if it is not there."""
    path = folder(home) / f"{name}.aes"
    text = _kept(path, lambda: base64.b64encode(secrets.token_bytes(AES_BYTES)))
    return KeyFile(path, base64.b64decode(text))


def totp_secret(home: Path, name: str) -> str:
    """The TOTP secret of this customer's authenticator (base 32 text), made now if not there."""
    return _kept(folder(home) / f"{name}.totp", lambda: new_totp_secret().encode()).decode()


def private_jwk(home: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """The file and the private ES256 key (RFC 7517) of this client, made now if not there."""
    path = folder(home) / f"{name}.jwk.json"
    text = _kept(path, lambda: msgspec.json.encode(_new_jwk()))
    return path, msgspec.json.decode(text, type=dict[str, Any])


def public_key(home: Path, name: str, der: bytes) -> Path:
    """A public key of the bank as a PEM file; written again when the bank's key changed."""
    path, content = folder(home) / f"{name}.pem", pem(der, "PUBLIC KEY")
    if not path.exists() or path.read_bytes() != content:
        write(path, content)
    return path


def pem(der: bytes, label: str) -> bytes:
    """DER as PEM text (RFC 7468: base64 in lines of 64 characters)."""
    text = base64.b64encode(der).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def write(path: Path, content: bytes) -> None:
    """The file has this content, whole or not at all, and only its owner reads it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def _new_jwk() -> dict[str, Any]:
    key = ECKey.generate_key("P-256", private=True)
    return {**key.as_dict(private=True), "kid": key.thumbprint(), "alg": "ES256", "use": "sig"}


def _kept(path: Path, make: Callable[[], bytes]) -> bytes:
    if not path.exists():
        write(path, make())
    return path.read_bytes().strip()


def _der(text: bytes) -> bytes:
    """The DER inside PEM text of ours."""
    return base64.b64decode(b"".join(text.split(b"\n")[1:-2]))
