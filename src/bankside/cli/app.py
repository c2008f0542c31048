"""`bankside app` and `bankside oauth`: clients of the authorization server, and its keys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from bankside.cli.installation import Installation
from bankside.cli.output import DONE, USAGE, emit, fail, table
from bankside.identity import NewClient, create_client
from bankside.identity import rotate_keys as rotate
from bankside.identity.clients import client_record
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault

# Ten keys of the largest kind stay far below this.
JWKS_BYTES_MAX = 65_536
COLUMNS = ["kid", "status", "created_at"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line asks to register; ``settings`` are further fields of `NewClient`."""

    name: str
    jwks: Path | None
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


async def create(installation: Installation, partner: str, wish: Wish) -> int:
    """Register an app of the partner as a client, publish it, and print its record."""
    new = NewClient(
        name=wish.name,
        jwks=_read(wish.jwks) if wish.jwks is not None else None,
        redirect_uris=wish.redirect_uris,
        scopes=wish.scopes,
        **wish.settings,
    )
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            client = await create_client(db, installation.clock, PartnerId(partner), new)
        await installation.publish(pool)
    emit(client_record(client), as_json=True, text=str)
    return DONE


async def rotate_keys(installation: Installation, *, as_json: bool) -> int:
    """The next signing key becomes the active one."""
    vault = Vault.at(installation.home)
    async with installation.pool() as pool, transaction(pool) as db:
        keys = await rotate(db, installation.clock, vault)
    rows = [
        {"kid": key.kid, "status": key.status, "created_at": rfc3339(key.created_at)}
        for key in keys
    ]
    emit(rows, as_json=as_json, text=lambda: table(rows, COLUMNS))
    return DONE


def _read(path: Path) -> Any:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(JWKS_BYTES_MAX))
    except (OSError, msgspec.DecodeError, RecursionError) as error:
        fail(f"{path} is no readable JSON Web Key Set ({error})", USAGE)
