"""TLS of the web process itself: a certificate of ours, and clients' certificates when they come.

For a machine without a proxy. A client certificate is asked for and not demanded, because browsers
come to the same address; one that comes is of an authority in ``client_ca`` or ends the handshake.
"""

import ssl
from pathlib import Path

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bankside.identity.certificates import certificate_in_scope


def server_tls(certificate: Path, key: Path, client_ca: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer (JR/T 0185-2020, level A2) with our certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key)
    if client_ca is not None:
        context.load_verify_locations(client_ca)
        context.verify_mode = ssl.CERT_OPTIONAL
    return context


class CertificateProtocol(HttpToolsProtocol):
    """uvicorn's protocol; each request's scope tells the client certificate of its handshake."""

    def on_message_begin(self) -> None:
        """A request begins: note whose connection it is."""
        super().on_message_begin()
        connection = self.transport.get_extra_info("ssl_object")
        der = connection.getpeercert(binary_form=True) if connection is not None else None
        if der is not None:
            certificate_in_scope(self.scope, [der])  # type: ignore[arg-type]
