"""Settings of an installation, read once from the environment; nothing else reads it.

Every setting has a default with which `make run` works on an empty machine.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bankside.kernel.errors import Invalid

# One worker a core serves the edge; more only compete. Four is enough for any one demo machine.
EDGE_WORKERS_DEFAULT_MAX = 4
LOOPBACK = frozenset({"127.0.0.1", "[::1]", "localhost"})


class SettingInvalid(Invalid):
    """A setting of the environment cannot be used."""

    code = "setting.invalid"


@dataclass(frozen=True, slots=True)
class Settings:
    """Where state lives, which addresses are served, which database is used.

    ``BANKSIDE_HOME`` (default ``./var``): database, segments, keys, logs.
    ``BANKSIDE_DATABASE_URL``: any PostgreSQL >= 15; absent: the embedded one.
    ``BANKSIDE_EDGE_LISTEN`` / ``BANKSIDE_WEB_LISTEN``: ``host:port`` (the edge takes several).
    ``BANKSIDE_EDGE_WORKERS``: processes of the edge. ``BANKSIDE_LOG``: debug, info, warning.
    ``BANKSIDE_ISSUER``: the public https address of the authorization server (default: the web
    address, for a machine of one's own).
    """

    home: Path
    database_url: str | None
    edge_listen: str
    web_listen: str
    edge_workers: int
    log_level: str
    trusted_proxies: tuple[str, ...]
    issuer: str

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """The settings of this process, or SettingInvalid naming the variable."""
        web_listen = _one_address(environment, "BANKSIDE_WEB_LISTEN", "127.0.0.1:8000")
        return cls(
            home=Path(environment.get("BANKSIDE_HOME") or "var").absolute(),
            database_url=environment.get("BANKSIDE_DATABASE_URL") or None,
            edge_listen=environment.get("BANKSIDE_EDGE_LISTEN") or "127.0.0.1:8080",
            web_listen=web_listen,
            edge_workers=_count(environment, "BANKSIDE_EDGE_WORKERS", _default_workers()),
            log_level=_level(environment),
            trusted_proxies=tuple(
                filter(None, environment.get("BANKSIDE_TRUSTED_PROXIES", "").split(","))
            ),
            issuer=_issuer(environment.get("BANKSIDE_ISSUER") or _url(web_listen)),
        )

    @property
    def edge_url(self) -> str:
        """The address a partner calls: the first one the edge listens on."""
        return _url(self.edge_listen.split(",")[0])

    @property
    def web_url(self) -> str:
        """The address of the portal, the issuer and the hosted pages."""
        return _url(self.web_listen)


def _url(address: str) -> str:
    host, _, port = address.rpartition(":")
    shown = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(host, host)
    return f"http://{shown}" if port == "80" else f"http://{shown}:{port}"


def _default_workers() -> int:
    return max(1, min(EDGE_WORKERS_DEFAULT_MAX, len(os.sched_getaffinity(0))))


def _count(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name) or str(default)
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise SettingInvalid(f"{name}={text!r} is not a number from 1 to 256")
    return int(text)


def _one_address(environment: Mapping[str, str], name: str, default: str) -> str:
    text = environment.get(name) or default
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingInvalid(f"{name}={text!r} is not host:port")
    return text


def _issuer(address: str) -> str:
    """The address as clients compare it, byte for byte: https, or http on this machine alone."""
    match = re.fullmatch(r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:[0-9]{1,5})?", address)
    if match is None or (match[1] == "http" and match[2] not in LOOPBACK):
        raise SettingInvalid(
            f"BANKSIDE_ISSUER={address!r} is not an https address without a path or final slash"
        )
    return address


def _level(environment: Mapping[str, str]) -> str:
    level = environment.get("BANKSIDE_LOG") or "info"
    if level not in {"debug", "info", "warning", "error"}:
        raise SettingInvalid(f"BANKSIDE_LOG={level!r} is not debug, info, warning or error")
    return level
