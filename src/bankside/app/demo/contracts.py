"""The partner side of the demo: contracts, tenants with tokens, apps with keys on each wire."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bankside.app.demo import keyfiles
from bankside.app.demo.keyfiles import KeyFile
from bankside.app.demo.spec import AppSpec, PartnerSpec, TenantSpec, WireSpec, demo_id
from bankside.catalog import Catalogue, open_to, subscribe
from bankside.kernel.clock import Clock
from bankside.kernel.db import Connection
from bankside.kernel.ids import PartnerId
from bankside.kernel.secrets import Vault
from bankside.partners import (
    AppUnknown,
    NewApp,
    NewKey,
    PartnerUnknown,
    PlatformKey,
    TenantUnknown,
    add_return_address,
    create_app,
    create_partner,
    create_tenant,
    home_of,
    list_keys,
    read_app,
    read_partner,
    read_tenant,
    register_key,
    reissue_token,
    return_addresses,
    revoke_key,
)

# The words each wire uses for our algorithm names.
SIGN_TYPES: Mapping[str, Mapping[str, str]] = {
    "icbc": {"RSA": "rsa-sha1", "RSA2": "rsa-sha256"},
    "alipay": {"RSA2": "rsa-sha256"},
    "alipay3": {"ALIPAY-SHA256withRSA": "rsa-sha256"},
}
CONTENT_ALG = "aes-cbc"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where the demo is seeded, and what its apps are given.

    ``tokens`` are SHA-256 hex of the tenant tokens the bank accepts now; ``bank_keys`` are the
    facts of the bank's own key of each wire.
    """

    db: Connection
    clock: Clock
    vault: Vault
    home: Path
    shelf: Catalogue
    tokens: frozenset[str]
    bank_keys: Mapping[str, Mapping[str, str]]


def bank_key_facts(home: Path, platform: Sequence[PlatformKey]) -> dict[str, dict[str, str]]:
    """The bank's default key of each wire, its public half as a file."""
    return {
        key.wire: {
            "key_id": key.id,
            "alg": key.alg,
            "public_key_file": str(keyfiles.public_key(home, f"bank/{key.wire}", key.public_der)),
            "fingerprint": key.fingerprint.hex(),
        }
        for key in platform
        # The snapshot's key signs no answer: no partner needs it.
        if key.is_default and key.wire != "snapshot"
    }


async def seed_partner(ground: Ground, spec: PartnerSpec) -> list[dict[str, Any]]:
    """The partner, its tenants and apps stand; what ``demo.json`` tells of each app."""
    partner = PartnerId(demo_id("partner", spec.key))
    try:
        await read_partner(ground.db, partner)
    except PartnerUnknown:
        await create_partner(
            ground.db,
            ground.clock,
            name_zh=spec.name_zh,
            name_en=spec.name_en,
            partner_id=partner,
        )
    tenants = [await _tenant(ground, partner, each) for each in spec.tenants]
    return [
        {**await _app(ground, partner, each), "partner_name": spec.name_zh, "tenants": tenants}
        for each in spec.apps
    ]


async def _tenant(ground: Ground, partner: PartnerId, spec: TenantSpec) -> dict[str, str]:
    """The tenant and a token that the bank accepts; a lost token file gets a new token."""
    tenant = demo_id("tenant", spec.key)
    path = keyfiles.folder(ground.home) / f"tenant-{spec.key}.token"
    token = path.read_text(encoding="ascii") if path.exists() else ""
    try:
        await read_tenant(ground.db, partner, tenant)
    except TenantUnknown:
        _, token = await create_tenant(
            ground.db,
            ground.clock,
            partner,
            name_zh=spec.name_zh,
            name_en=spec.name_en,
            tenant_id=tenant,
        )
        keyfiles.write(path, token.encode("ascii"))
    else:
        if hashlib.sha256(token.encode()).hexdigest() not in ground.tokens:
            token = await reissue_token(ground.db, ground.clock, partner, tenant)
            keyfiles.write(path, token.encode("ascii"))
    return {
        "tenant": tenant,
        "name": spec.name_zh,
        "name_en": spec.name_en,
        "app_auth_token": token,
        "app_auth_token_file": str(path),
    }


async def _app(ground: Ground, partner: PartnerId, spec: AppSpec) -> dict[str, Any]:
    app = demo_id("app", spec.key)
    # It may have moved into a data space of its own since (`POST /v1/sandbox/spaces`).
    partner = await home_of(ground.db, partner, app)
    try:
        registered = await read_app(ground.db, partner, app)
    except AppUnknown:
        new = NewApp(id=app, name=spec.name, rate_per_second=spec.rate_per_second, burst=spec.burst)
        registered = await create_app(ground.db, ground.clock, partner, new)
    # A product that was deprecated here in the meantime stays with those who hold it.
    products = await open_to(ground.db, ground.shelf, registered, ground.shelf.products)
    await subscribe(ground.db, ground.clock, ground.shelf, registered, products)
    known = await return_addresses(ground.db, partner, app)
    for address in sorted(set(spec.return_addresses) - set(known)):
        await add_return_address(ground.db, ground.clock, partner, app, address)
    wires: dict[str, Any] = {}
    if spec.native:
        wires["native"] = await _native(ground, partner, spec, app)
    for wire in SIGN_TYPES:
        asked: WireSpec | None = getattr(spec, wire)
        if asked is not None:
            wires[wire] = await _form_wire(ground, (partner, app), (wire, asked), spec.key)
    return {
        "app_id": app,
        "name": spec.name,
        "partner": partner,
        "environment": "sandbox",
        "wires": wires,
        "return_addresses": list(spec.return_addresses),
    }


async def _native(ground: Ground, partner: PartnerId, spec: AppSpec, app: str) -> dict[str, Any]:
    """The native wire: the first algorithm's key as plain fields, all of them under ``keys``."""
    bank = ground.bank_keys["native"]
    keys = []
    for alg in spec.native:
        # One RSA pair serves both RSA algorithms: making one costs more than all the rest.
        name = f"{spec.key}-native-{'rsa' if alg.startswith('rsa-') else alg}"
        key = keyfiles.private_key(ground.home, name, alg)
        key_id = await _registered(ground, (partner, app), ("native", alg), key)
        facts = {
            "alg": alg,
            "key_id": key_id,
            "private_key_file": str(key.path),
            "bank_key_id": bank["key_id"],
            "bank_alg": bank["alg"],
            "bank_public_key_file": bank["public_key_file"],
        }
        if alg == "hmac-sha256":
            # Answers to an HMAC request are signed under the same secret.
            facts |= {"secret_file": str(key.path), "bank_key_id": key_id, "bank_alg": alg}
        keys.append(facts)
    return {**keys[0], "keys": keys}


async def _form_wire(
    ground: Ground, of: tuple[PartnerId, str], wire: tuple[str, WireSpec], name: str
) -> dict[str, Any]:
    """An ICBC-style or Alipay-style wire of an app, with its content key when it encrypts."""
    wire_name, asked = wire
    alg = SIGN_TYPES[wire_name][asked.sign_type]
    bank = ground.bank_keys[wire_name]
    # An Alipay-style app has one key pair, whichever version of the dialect it speaks.
    pair = f"{name}-{wire_name.removesuffix('3')}"
    key = keyfiles.private_key(ground.home, pair, alg)
    facts = {
        "sign_type": asked.sign_type,
        "alg": alg,
        "key_id": await _registered(ground, of, (wire_name, alg), key),
        "private_key_file": str(key.path),
        "bank_key_id": bank["key_id"],
        "bank_alg": bank["alg"],
        "bank_public_key_file": bank["public_key_file"],
    }
    if asked.aes:
        content = keyfiles.aes_key(ground.home, pair)
        await _registered(ground, of, (wire_name, CONTENT_ALG), content)
        facts["aes_key_file"] = str(content.path)
    return facts


async def _registered(
    ground: Ground, of: tuple[PartnerId, str], wire: tuple[str, str], key: KeyFile
) -> str:
    """The id under which the bank knows the key; one whose file was lost is revoked."""
    partner, app = of
    now = ground.clock.now()
    mark = hashlib.sha256(key.material).digest()
    for each in await list_keys(ground.db, partner, app):
        if (each.wire, each.alg) != wire or not each.is_active(now):
            continue
        if each.fingerprint == mark:
            return each.id
        await revoke_key(ground.db, ground.clock, partner, app, each.id)
    new = NewKey(
        wire=wire[0],
        alg=wire[1],
        material=key.material,
        id=demo_id("key", app, *wire, mark.hex()),
    )
    return (await register_key(ground.db, ground.clock, ground.vault, partner, app, new)).id
