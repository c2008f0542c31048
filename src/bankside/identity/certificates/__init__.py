"""Certificates of clients (RFC 8705): where they come from and what a token is bound to.

Always true: a certificate comes from the TLS handshake of this process, or from the header of a
proxy whose address is configured; the same header from anybody else is taken off the request
before anything reads it, whoever it claims to be.

Public: ClientCertificates (the outermost layer of the web process), certificate_in_scope (for our
own TLS), presented_thumbprint.
"""

from bankside.identity.certificates.layer import (
    ClientCertificates,
    certificate_in_scope,
    presented_thumbprint,
)

__all__ = ["ClientCertificates", "certificate_in_scope", "presented_thumbprint"]
