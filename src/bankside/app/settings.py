"""Settings of an installation, read once from the environment; nothing else reads it.

Every setting has a default with which `make run` works on an empty machine.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bankside.kernel.certificates import CERTIFICATE_HEADERS, TrustedHops
from bankside.kernel.errors import Invalid

# One worker a core serves the edge; more only compete. Four is enough for any one demo machine.
EDGE_WORKERS_DEFAULT_MAX = 4
# Above this a limit limits nothing that one web process could serve.
RATE_MAX = 10_000
# Beyond what one machine serves; the files of this many take 880 MB.
REPLAY_RATE_MAX = 100_000
LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


_ADDRESS = re.compile(r"https://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?")


class SettingInvalid(Invalid):
    """A setting of the environment cannot be used."""

    code = "setting.invalid"


@dataclass(frozen=True, slots=True)
class WebTLS:
    """Files (PEM) with which the web process speaks TLS itself; ``client_ca``: whose clients'
    certificates are taken.
    """

    certificate: Path
    key: Path
    client_ca: Path | None


@dataclass(frozen=True, slots=True)
class Settings:
    """Where state lives, which addresses are served, which database is used.

    ``BANKSIDE_HOME`` (default ``./var``): database, segments, keys, logs.
    ``BANKSIDE_DATABASE_URL``: any PostgreSQL >= 15; absent: the embedded one.
    ``BANKSIDE_EDGE_LISTEN`` / ``BANKSIDE_WEB_LISTEN``: ``host:port`` (the edge takes several).
    ``BANKSIDE_EDGE_URL``: the edge's public https address, which signatures and DPoP proofs name
    (default: the first address it listens on, for a machine of one's own).
    ``BANKSIDE_EDGE_WORKERS`` / ``BANKSIDE_WEB_WORKERS``: processes of the edge and of the web.
    ``BANKSIDE_OAUTH_RATE`` / ``BANKSIDE_LOGIN_RATE``: calls a second that one source may make to
    the authorization server, and to the login pages, of each web process.
    ``BANKSIDE_REPLAY_RATE``: calls a second whose nonces this machine remembers; calls by dialects
    with the 20-minute window share a quarter of it. Takes 8.8 kB of shared file a call a second.
    ``BANKSIDE_LOG``: debug, info, warning.
    ``BANKSIDE_ISSUER``: the public https address of the authorization server (default: the web
    address, for a machine of one's own).
    ``BANKSIDE_WEB_TLS_CERT``, ``_KEY``, ``_CLIENT_CA``: the web process speaks TLS itself.
    ``BANKSIDE_CERTIFICATE_HEADER``: in which header the trusted proxies pass on a client's
    certificate. ``BANKSIDE_MTLS_URL``: where clients present certificates (RFC 8705).
    ``BANKSIDE_EGRESS_LOOPBACK=1``: key sets of clients may stand on this machine; demo only.
    ``BANKSIDE_UPSTREAM_HOSTS``: services of the bank that operations are forwarded to and that are
    not public: ``host:port`` with commas between them. Others are called by https on port 443.
    ``BANKSIDE_UPSTREAM_CA``: a file (PEM) with the authorities whose certificates they have.
    """

    home: Path
    database_url: str | None
    edge_listen: str
    web_listen: str
    edge_workers: int
    web_workers: int
    log_level: str
    trusted_proxies: tuple[str, ...]
    issuer: str
    web_tls: WebTLS | None = None
    certificate_header: str = ""
    mtls_url: str = ""
    egress_loopback: bool = False
    public_edge_url: str = ""
    oauth_rate: int = 100
    login_rate: int = 10
    replay_rate: int = 10_000
    upstream_hosts: frozenset[str] = frozenset()
    upstream_ca: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process, or SettingInvalid naming the variable."""
        web_listen = _one_address(environment, "BANKSIDE_WEB_LISTEN", "127.0.0.1:8000")
        web_tls = _web_tls(environment)
        own = _url(web_listen, secure=web_tls is not None)
        issuer = _issuer(environment.get("BANKSIDE_ISSUER") or own)
        return cls(
            home=Path(environment.get("BANKSIDE_HOME") or "var").absolute(),
            database_url=environment.get("BANKSIDE_DATABASE_URL") or None,
            edge_listen=environment.get("BANKSIDE_EDGE_LISTEN") or "127.0.0.1:8080",
            web_listen=web_listen,
            edge_workers=_count(environment, "BANKSIDE_EDGE_WORKERS", _default_workers()),
            web_workers=_count(environment, "BANKSIDE_WEB_WORKERS", 1),
            log_level=_level(environment),
            trusted_proxies=tuple(
                filter(None, environment.get("BANKSIDE_TRUSTED_PROXIES", "").split(","))
            ),
            issuer=issuer,
            web_tls=web_tls,
            **_certificates(environment, web_tls),
            egress_loopback=_loopback_allowed(environment, issuer),
            public_edge_url=_address(environment, "BANKSIDE_EDGE_URL"),
            oauth_rate=_count(environment, "BANKSIDE_OAUTH_RATE", 100, most=RATE_MAX),
            login_rate=_count(environment, "BANKSIDE_LOGIN_RATE", 10, most=RATE_MAX),
            replay_rate=_count(environment, "BANKSIDE_REPLAY_RATE", 10_000, most=REPLAY_RATE_MAX),
            upstream_hosts=_hosts(environment, "BANKSIDE_UPSTREAM_HOSTS"),
            upstream_ca=_file(environment, "BANKSIDE_UPSTREAM_CA"),
        )

    @property
    def edge_url(self) -> str:
        """The address a partner calls: the first one the edge listens on."""
        return _url(self.edge_listen.split(",")[0])

    @property
    def edge_address(self) -> str:
        """The edge as callers name it in what they sign, whatever stands in front of it."""
        return self.public_edge_url or self.edge_url

    @property
    def web_url(self) -> str:
        """The address of the portal, the issuer and the hosted pages."""
        return _url(self.web_listen, secure=self.web_tls is not None)


def _url(address: str, *, secure: bool = False) -> str:
    host, _, port = address.rpartition(":")
    shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    scheme, usual = ("https", "443") if secure else ("http", "80")
    return f"{scheme}://{shown}" if port == usual else f"{scheme}://{shown}:{port}"


def _web_tls(environment: Mapping[str, str]) -> WebTLS | None:
    """The files of the web's own TLS; None without any of them."""
    names = ("BANKSIDE_WEB_TLS_CERT", "BANKSIDE_WEB_TLS_KEY", "BANKSIDE_WEB_TLS_CLIENT_CA")
    files = [Path(environment[name]) if environment.get(name) else None for name in names]
    for name, path in zip(names, files, strict=True):
        if path is not None and not path.is_file():
            raise SettingInvalid(f"{name}={str(path)!r} is no file")
    certificate, key, client_ca = files
    if certificate is None and key is None and client_ca is None:
        return None
    if certificate is None or key is None:
        raise SettingInvalid("BANKSIDE_WEB_TLS_CERT and BANKSIDE_WEB_TLS_KEY belong together")
    return WebTLS(certificate, key, client_ca)


def _certificates(environment: Mapping[str, str], web_tls: WebTLS | None) -> Mapping[str, str]:
    """How clients' certificates come in, and the address where; both "" when they do not."""
    header = (environment.get("BANKSIDE_CERTIFICATE_HEADER") or "").lower()
    address = environment.get("BANKSIDE_MTLS_URL") or ""
    if header and header not in CERTIFICATE_HEADERS:
        known = ", ".join(sorted(CERTIFICATE_HEADERS))
        raise SettingInvalid(f"BANKSIDE_CERTIFICATE_HEADER={header!r} is none of {known}")
    if header and not environment.get("BANKSIDE_TRUSTED_PROXIES"):
        raise SettingInvalid("BANKSIDE_CERTIFICATE_HEADER needs BANKSIDE_TRUSTED_PROXIES")
    if header:
        try:
            TrustedHops(environment["BANKSIDE_TRUSTED_PROXIES"].split(","))
        except ValueError as error:
            raise SettingInvalid(f"BANKSIDE_TRUSTED_PROXIES: {error}") from error
    if address and not header and (web_tls is None or web_tls.client_ca is None):
        raise SettingInvalid(
            "BANKSIDE_MTLS_URL needs BANKSIDE_WEB_TLS_CLIENT_CA or BANKSIDE_CERTIFICATE_HEADER"
        )
    if address and not _ADDRESS.fullmatch(address):
        raise SettingInvalid(f"BANKSIDE_MTLS_URL={address!r} is not an https address without path")
    return {"certificate_header": header, "mtls_url": address}


def _loopback_allowed(environment: Mapping[str, str], issuer: str) -> bool:
    """Whether this machine's own addresses may be called; only a demo's issuer is plain http."""
    if environment.get("BANKSIDE_EGRESS_LOOPBACK") != "1":
        return False
    if not issuer.startswith("http://"):
        raise SettingInvalid("BANKSIDE_EGRESS_LOOPBACK=1 is for a demo on a loopback issuer")
    return True


def _hosts(environment: Mapping[str, str], name: str) -> frozenset[str]:
    """``host:port`` entries, in small letters."""
    found = {each.strip().lower() for each in environment.get(name, "").split(",") if each.strip()}
    for each in found:
        host, _, port = each.rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) <= 65535:
            raise SettingInvalid(f"{name}: {each!r} is not host:port")
    return frozenset(found)


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    path = Path(environment[name]) if environment.get(name) else None
    if path is not None and not path.is_file():
        raise SettingInvalid(f"{name}={str(path)!r} is no file")
    return path


def _default_workers() -> int:
    return max(1, min(EDGE_WORKERS_DEFAULT_MAX, len(os.sched_getaffinity(0))))


def _count(environment: Mapping[str, str], name: str, default: int, *, most: int = 256) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= most:
        raise SettingInvalid(f"{name}={text!r} is not a number from 1 to {most}")
    return int(text)


def _one_address(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingInvalid(f"{name}={text!r} is not host:port")
    return text


def _issuer(address: str) -> str:
    """The address as clients compare it, byte for byte: https, or http on this machine alone."""
    return _public("BANKSIDE_ISSUER", address)


def _address(environment: Mapping[str, str], name: str) -> str:
    """A public address that may be left out."""
    given = environment.get(name)
    return _public(name, given) if given else ""


def _public(name: str, address: str) -> str:
    match = re.fullmatch(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", address)
    if match is None or (match[1] == "http" and match[2] not in LOOPBACK):
        raise SettingInvalid(
            f"{name}={address!r} is not an https address without a path or final slash"
        )
    return address


def _level(environment: Mapping[str, str]) -> str:
    level = environment.get("BANKSIDE_LOG") or "info"
    if level not in {"debug", "info", "warning", "error"}:
        raise SettingInvalid(f"BANKSIDE_LOG={level!r} is not debug, info, warning or error")
    return level
