"""`bankside sandbox ...`: an app's own data space, its test people and its clock.

Each command carries out the same platform operation as the app's own signed call would
(``/v1/sandbox/...``), in the app's name and with the same refusals.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization

from bankside.catalog import load, open_to, subscribe
from bankside.cli.installation import Installation
from bankside.cli.output import DONE, emit, table
from bankside.kernel.db import transaction
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der
from bankside.partners import NewApp, NewKey, create_app, register_key

ALG = "ecdsa-p256-sha256"
_SPACE_COLUMNS = ["space", "app", "now", "ahead_seconds", "created_at"]
_ACCOUNT_COLUMNS = ["customer", "login", "account", "class", "available", "payer_token"]


async def create(installation: Installation, partner: str, name: str, *, as_json: bool) -> int:
    """A new sandbox app with a key, the whole shelf and a data space of its own."""
    private = generate(ALG)
    shelf = load()
    async with installation.pool() as pool:
        async with transaction(pool) as db:
            app = await create_app(db, installation.clock, PartnerId(partner), NewApp(name=name))
            new = NewKey(wire="native", alg=ALG, material=public_der(private))
            vault = Vault.at(installation.home)
            key = await register_key(db, installation.clock, vault, app.partner, app.id, new)
            products = await open_to(db, shelf, app, shelf.products)
            await subscribe(db, installation.clock, shelf, app, products)
        path = _kept(installation.home, app.id, private)
        told = await installation.act_as(pool, app.id, "platform.spaces.create", {"app": app.id})
        await installation.publish(pool)
    facts = {**told, "key_id": key.id, "alg": ALG, "private_key_file": str(path)}
    emit(facts, as_json=as_json, text=lambda: _lines(facts))
    return DONE


async def reset(installation: Installation, app: str, *, as_json: bool) -> int:
    """A fresh space at the present time; what the old one holds is reached by nobody."""
    async with installation.pool() as pool:
        told = await installation.act_as(pool, app, "platform.resets.create", {"app": app})
        await installation.publish(pool)
    emit(told, as_json=as_json, text=lambda: _lines(told))
    return DONE


async def show(installation: Installation, app: str, *, as_json: bool) -> int:
    """Which space the app stands in and what time it is there."""
    async with installation.pool() as pool:
        told = await installation.act_as(pool, app, "platform.spaces.query", {})
    emit(told, as_json=as_json, text=lambda: table([told], _SPACE_COLUMNS))
    return DONE


async def people(installation: Installation, app: str, *, as_json: bool) -> int:
    """The test people with their accounts, balances, logins and payment codes."""
    async with installation.pool() as pool:
        told = await installation.act_as(pool, app, "platform.people.query", {})
    rows = [
        {**who, **account, "available": _amount(account["available"])}
        for who in told["people"]
        for account in who["accounts"]
    ]
    emit(told, as_json=as_json, text=lambda: table(rows, _ACCOUNT_COLUMNS))
    return DONE


async def fund(
    installation: Installation, app: str, account: str, amount: tuple[str, str], *, as_json: bool
) -> int:
    """Test money on an account; ``amount`` is (decimal text, currency)."""
    body = {"account": account, "amount": {"amount": amount[0], "currency": amount[1]}}
    async with installation.pool() as pool:
        told = await installation.act_as(pool, app, "platform.fundings.create", body)
    emit(told, as_json=as_json, text=lambda: f"{account}: {_amount(told['available'])} available")
    return DONE


async def advance(
    installation: Installation, app: str, by: Mapping[str, Any], *, as_json: bool
) -> int:
    """The clock is where it was asked to be, however many steps that takes."""
    operation = "platform.clock-advances.create"
    async with installation.pool() as pool:
        told = await installation.act_as(pool, app, operation, by)
        while not told["reached"]:
            told = await installation.act_as(pool, app, operation, {"to": told["asked"]})
        await installation.publish(pool)
    emit(told, as_json=as_json, text=lambda: f"{told['space']}: it is {told['now']} there")
    return DONE


def _kept(home: Path, app: str, private: bytes) -> Path:
    """The private key as PEM, readable by its owner alone."""
    path = home / "keys" / "sandbox" / f"{app}.pem"
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = serialization.load_der_private_key(private, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(pem)
    return path


def _lines(facts: Mapping[str, Any]) -> str:
    width = max(map(len, facts))
    return "\n".join(f"{name:<{width}}  {value}" for name, value in facts.items() if value)


def _amount(money: Mapping[str, str]) -> str:
    return f"{money['amount']} {money['currency']}"
