"""Client certificates as callers present them: thumbprints, header forms, and whose word counts.

Pure: bytes in, values out. A certificate here is proven already, by the TLS handshake of this
process or of a proxy that we trust; what is left is to name it.
Source: RFC 8705 section 3.1 (``x5t#S256``), RFC 9440 (the Client-Cert header).
"""

import base64
import binascii
import hashlib
import ipaddress
from collections.abc import Sequence
from urllib.parse import unquote_to_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

# The largest honest one (RSA 4096, many names) has some 3 kB.
CERTIFICATE_BYTES_MAX = 16_384
# The fields in which a proxy may hand one on; from everybody else they are taken away.
CERTIFICATE_HEADERS = frozenset({
    "client-cert", "ssl-client-cert", "x-client-cert", "x-forwarded-client-cert",
    "x-ssl-client-cert",
})  # fmt: skip


class CertificateMalformed(Exception):
    """The bytes are no X.509 certificate in a form that is taken here."""


def certificate_thumbprint(certificate: bytes) -> str:
    """``x5t#S256`` of a certificate in DER or PEM: SHA-256 of the DER, base64url unpadded.

    Raises CertificateMalformed.
    """
    if len(certificate) > CERTIFICATE_BYTES_MAX:
        raise CertificateMalformed(f"above {CERTIFICATE_BYTES_MAX} bytes")
    is_text = certificate.lstrip().startswith(b"-----BEGIN")
    read = x509.load_pem_x509_certificate if is_text else x509.load_der_x509_certificate
    try:
        der = read(certificate).public_bytes(Encoding.DER)
    except ValueError as error:
        raise CertificateMalformed("no X.509 certificate") from error
    return base64.urlsafe_b64encode(hashlib.sha256(der).digest()).rstrip(b"=").decode()


def certificate_of_header(value: str) -> bytes:
    """The certificate in a proxy's header: ``:base64:`` (RFC 9440) or percent-encoded PEM.

    DER or PEM, as ``certificate_thumbprint`` takes it. Raises CertificateMalformed.
    """
    text = value.strip()
    if len(text) > 3 * CERTIFICATE_BYTES_MAX:
        raise CertificateMalformed("the header is too long")
    if not text.startswith(":"):
        return unquote_to_bytes(text)
    try:
        return base64.b64decode(text[1:-1].encode("ascii") if text.endswith(":") else b"-")
    except (binascii.Error, UnicodeEncodeError) as error:
        raise CertificateMalformed("no base64 between two colons") from error


class TrustedHops:
    """The addresses whose word about a connection counts: our own proxies and nobody else.

    ``addresses``: single ones or networks (``10.0.0.0/8``). Raises ValueError for anything else.
    """

    def __init__(self, addresses: Sequence[str]) -> None:
        self._networks = [ipaddress.ip_network(each.strip()) for each in addresses]

    def __contains__(self, host: object) -> bool:
        try:
            address = ipaddress.ip_address(str(host))
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        return any(address in each for each in self._networks)
