"""The demo bank: seeded once, the same everywhere, and enough for a script to sign a call."""

import asyncio
import base64
import hashlib
import json
import shutil
import stat
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyotp
import pytest
from cryptography.hazmat.primitives import serialization

from bankside.app.demo import first_call, seed, write_demo_json
from bankside.app.demo.spec import bank_spec
from bankside.app.publish import catalogue
from bankside.bank import ledger
from bankside.bank.accounts import account, balance, payer_of_token
from bankside.bank.merchants import merchant, receivers
from bankside.identity import read_client
from bankside.identity.credentials import verify_password
from bankside.identity.factors import take_totp
from bankside.identity.realms import Realm
from bankside.identity.roles import role_book
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, open_pool, transaction
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import signer, verifier
from bankside.partners import SnapshotView, give_space, snapshot_view

CLOCK = FixedClock(datetime(2026, 3, 2, 2, 0, tzinfo=UTC))
EDGE, WEB = "http://127.0.0.1:8080", "http://127.0.0.1:8000"
TABLES = (
    *("bank.customers", "bank.accounts", "bank.merchants", "bank.merchant_receivers"),
    *("bank.payer_tokens", "bank.ledger_transfers", "bank.ledger_entries", "bank.branches"),
    *("partners.partners", "partners.tenants", "partners.apps", "partners.app_keys"),
    *("partners.subscriptions", "partners.platform_keys", "identity.credentials", "kernel.outbox"),
    *("identity.totp_factors", "identity.clients", "identity.people"),
)


@dataclass(frozen=True)
class Installation:
    """A database and a home that the demo is seeded into."""

    pool: Pool
    home: Path

    async def seed(self) -> dict[str, Any]:
        """Seed, and what demo.json then says."""
        facts = await seed(self.pool, Vault.at(self.home), CLOCK, self.home)
        return json.loads(read(write_demo_json(self.home, facts, edge=EDGE, web=WEB)))

    async def view(self) -> SnapshotView:
        async with self.pool.acquire() as db:
            return await snapshot_view(db, CLOCK)

    async def content(self) -> dict[str, str]:
        return {
            table: await self.pool.fetchval(
                f"select coalesce(string_agg(t::text, ';' order by t::text), '') from {table} t"
            )
            for table in TABLES
        }


@dataclass(frozen=True)
class Seeded(Installation):
    """An installation that has the demo; tests of it only read."""

    demo: dict[str, Any]

    @property
    def platform(self) -> dict[str, Any]:
        """The app that speaks every wire."""
        app: dict[str, Any] = self.demo["apps"][0]
        return app


@pytest.fixture(scope="module")
def made(
    databases: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, Path, dict[str, Any], float]]:
    """One seeded installation for all tests that only read; what it is and how long it took."""
    catalogue()  # read once a process, not part of what seeding costs
    name = asyncio.run(databases.clone())
    url, home = databases.url(name), tmp_path_factory.mktemp("demo") / "home"

    async def begin() -> dict[str, Any]:
        pool = await open_pool(url)
        try:
            return await Installation(pool, home).seed()
        finally:
            await pool.close()

    started = time.monotonic()
    demo = asyncio.run(begin())
    yield url, home, demo, time.monotonic() - started
    asyncio.run(databases.drop(name))


@pytest.fixture
async def seeded(made: tuple[str, Path, dict[str, Any], float]) -> AsyncIterator[Seeded]:
    url, home, demo, _ = made
    pool = await open_pool(url)
    yield Seeded(pool, home, demo)
    await pool.close()


def read(path: Path | str) -> bytes:
    return Path(path).read_bytes()


def mode_of(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def lose(path: str) -> None:
    Path(path).unlink()


def keys_of(app: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every signing key of an app as a script finds it: wire and facts."""
    keys = []
    for wire, told in app["wires"].items():
        keys += [(wire, each) for each in told.get("keys", [told])]
    return keys


def private_material(told: dict[str, Any]) -> bytes:
    content = read(told["private_key_file"])
    if told["alg"] == "hmac-sha256":
        return bytes.fromhex(content.decode())
    return serialization.load_pem_private_key(content, password=None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


async def test_every_key_that_the_file_names_signs_what_the_bank_accepts(
    seeded: Seeded,
) -> None:
    demo = seeded.demo
    view, vault = await seeded.view(), Vault.at(seeded.home)

    for app in demo["apps"]:
        for wire, told in keys_of(app):
            (known,) = (k for k in view.apps[app["app_id"]].keys[wire] if k.id == told["key_id"])
            assert known.alg == told["alg"]
            material = known.material
            if known.alg == "hmac-sha256":
                material = vault.open(known.material, purpose=f"key:{known.id}")
            signature = signer(told["alg"], private_material(told))(b"hello")
            assert verifier(known.alg, material)(b"hello", signature)


async def test_every_public_key_of_the_bank_verifies_what_the_bank_signs(
    seeded: Seeded,
) -> None:
    demo = seeded.demo
    view, vault = await seeded.view(), Vault.at(seeded.home)

    checked = 0
    for app in demo["apps"]:
        for wire, told in keys_of(app):
            if told["alg"] == "hmac-sha256":
                assert told["bank_key_id"] == told["key_id"]
                continue
            assert told["bank_key_id"] == view.default_answer_keys[wire]
            key = view.platform_keys[told["bank_key_id"]]
            sign = signer(key.alg, vault.open(key.material, purpose=f"key:{key.id}"))
            pem = serialization.load_pem_public_key(read(told["bank_public_key_file"]))
            der = pem.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            assert verifier(told["bank_alg"], der)(b"hello", sign(b"hello"))
            checked += 1
    assert checked == 8


async def test_content_keys_and_tenant_tokens_are_those_the_bank_knows(
    seeded: Seeded,
) -> None:
    demo = seeded.demo
    view, vault = await seeded.view(), Vault.at(seeded.home)
    platform = demo["apps"][0]
    known = view.apps[platform["app_id"]]

    for wire in ("icbc", "alipay", "alipay3"):
        (key,) = known.content_keys[wire]
        raw = base64.b64decode(read(platform["wires"][wire]["aes_key_file"]))
        assert vault.open(key.material, purpose=f"key:{key.id}") == raw
    for each in platform["tenants"]:
        marked = hashlib.sha256(each["app_auth_token"].encode()).hexdigest()
        assert known.tenants[marked] == each["tenant"]


async def test_customers_log_in_and_hold_what_the_demo_says(seeded: Seeded) -> None:
    demo = seeded.demo

    async with seeded.pool.acquire() as db:
        for each in demo["customers"][:2]:
            proved = await verify_password(
                db, each["partner"], login=each["login"], password=each["password"]
            )
            assert proved == each["id"]
            code = pyotp.TOTP(each["totp_secret"]).at(CLOCK.now())
            trial = db.transaction()
            await trial.start()
            of = (each["partner"], each["id"])
            assert await take_totp(db, CLOCK, Vault.at(seeded.home), *of, code=code)
            await trial.rollback()
        for spec in bank_spec().partners:
            told = {a["number"]: c for c in demo["customers"] for a in c["accounts"]}
            for owner in spec.customers:
                for held in owner.accounts:
                    number = next(n for n in told if str(held.serial) in n)
                    found = await account(db, told[number]["partner"], number)
                    assert str((await balance(db, found)).booked) == held.balance
        assert (await ledger.verify(db)).fault is None


async def test_two_clients_stand_with_the_keys_of_their_files(seeded: Seeded) -> None:
    first, second = seeded.demo["oauth_clients"]

    assert first["redirect_uris"] != second["redirect_uris"]
    async with seeded.pool.acquire() as db:
        for told in (first, second):
            client = await read_client(db, told["partner"], told["client_id"])
            key = json.loads(read(told["private_jwk_file"]))
            assert client.redirect_uris == tuple(told["redirect_uris"])
            assert client.scopes == set(told["scopes"])
            (registered,) = client.jwks
            assert {name: key[name] for name in registered} == registered
            assert "d" not in registered
            assert mode_of(told["private_jwk_file"]) == 0o600


async def test_merchants_receivers_and_payment_codes_stand(seeded: Seeded) -> None:
    demo = seeded.demo

    async with seeded.pool.acquire() as db:
        for each in demo["merchants"]:
            found = await merchant(db, each["partner"], each["id"], tenant=each["tenant"])
            assert found.settlement_account == each["account"]
            shares = await receivers(db, each["partner"], each["id"])
            assert {s.account for s in shares} == {r["account"] for r in each["receivers"]}
        for each in demo["payer_tokens"]:
            payer, _ = await payer_of_token(
                db, CLOCK, each["partner"], each["code"], environment="sandbox"
            )
            assert payer.id == each["account"]


async def test_every_app_may_call_every_product_on_its_own_wires(seeded: Seeded) -> None:
    demo = seeded.demo
    view = await seeded.view()

    assert [sorted(app["wires"]) for app in demo["apps"]] == [
        ["alipay", "alipay3", "icbc", "native"],
        ["icbc"],
        ["native"],
    ]
    assert [app["wires"]["icbc"]["alg"] for app in demo["apps"][:2]] == ["rsa-sha256", "rsa-sha1"]
    assert [k["alg"] for k in demo["apps"][2]["wires"]["native"]["keys"]] == ["hmac-sha256"]
    assert len(demo["apps"][0]["wires"]["native"]["keys"]) == 5
    for app in demo["apps"]:
        assert view.apps[app["app_id"]].products == set(catalogue().products)


async def test_seeding_again_changes_nothing_and_takes_little_time(
    made: tuple[str, Path, dict[str, Any], float], seeded: Seeded
) -> None:
    before = await seeded.content()

    started = time.monotonic()
    second = await seeded.seed()
    again = time.monotonic() - started

    assert second == seeded.demo
    assert await seeded.content() == before
    # Three seconds and a fifth of one on a quiet machine; tests share two cores with each other.
    assert again < made[3]


async def test_ids_numbers_logins_and_codes_are_the_same_in_every_installation(
    seeded: Seeded,
) -> None:
    demo = seeded.demo

    assert demo["apps"][0]["app_id"] == "app_0000000000dvm62054g7wtfbvd"
    assert demo["customers"][0]["accounts"][0]["number"] == "9001018000000001015"
    assert demo["customers"][0]["login"] == "lin.xiaoyu"
    assert demo["payer_tokens"][0]["code"] == "280000000000000101"


async def test_keys_and_the_file_are_for_their_owner_only(seeded: Seeded) -> None:
    files = [p for p in (seeded.home / "keys").rglob("*") if p.is_file()]
    for path in [*files, seeded.home / "demo.json"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert len(files) > 10


async def test_a_lost_key_file_or_token_is_replaced_and_the_old_one_refused(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    installation = Installation(fresh_pool, tmp_path / "home")
    before = (await installation.seed())["apps"][0]
    lost = (
        before["wires"]["native"]["private_key_file"],
        before["tenants"][0]["app_auth_token_file"],
    )
    for name in lost:
        lose(name)

    after = (await installation.seed())["apps"][0]

    view = await installation.view()
    accepted = {key.id for key in view.apps[after["app_id"]].keys["native"]}
    assert after["wires"]["native"]["key_id"] in accepted
    assert before["wires"]["native"]["key_id"] not in accepted
    tokens = [app["tenants"][0]["app_auth_token"] for app in (before, after)]
    known = view.apps[after["app_id"]].tenants
    assert [hashlib.sha256(token.encode()).hexdigest() in known for token in tokens] == [
        False,
        True,
    ]


async def test_a_lost_authenticator_or_client_key_is_replaced(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    installation = Installation(fresh_pool, tmp_path / "home")
    before = await installation.seed()
    lose(before["oauth_clients"][0]["private_jwk_file"])
    (authenticator,) = (tmp_path / "home").rglob("delivery-lin.totp")
    lose(str(authenticator))

    after = await installation.seed()

    clients = [each["client_id"] for each in after["oauth_clients"]]
    assert clients[0] != before["oauth_clients"][0]["client_id"]
    assert clients[1] == before["oauth_clients"][1]["client_id"]
    owner = after["customers"][0]
    assert owner["totp_secret"] != before["customers"][0]["totp_secret"]
    code = pyotp.TOTP(owner["totp_secret"]).at(CLOCK.now())
    async with fresh_pool.acquire() as db:
        vault = Vault.at(installation.home)
        assert await take_totp(db, CLOCK, vault, owner["partner"], owner["id"], code=code)


async def test_an_installation_that_lost_its_database_keeps_its_keys_and_ids(
    seeded: Seeded, fresh_pool: Pool, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    shutil.copytree(seeded.home, home)

    demo = await Installation(fresh_pool, home).seed()

    told = [each["app_id"] for each in demo["apps"]], demo["customers"], demo["merchants"]
    kept = seeded.demo
    assert told == ([each["app_id"] for each in kept["apps"]], kept["customers"], kept["merchants"])
    native = demo["apps"][0]["wires"]["native"]
    assert native["key_id"] == seeded.platform["wires"]["native"]["key_id"]


async def test_the_first_call_names_an_account_and_what_is_not_the_default(
    seeded: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert first_call(tmp_path / "nowhere") == ""
    lin = seeded.demo["customers"][0]["accounts"][0]["id"]

    command = first_call(seeded.home)

    assert command.endswith(f"bankside call GET /v1/account-balances/{lin}")
    assert command.startswith(f"BANKSIDE_HOME={seeded.home} ")
    shutil.copytree(seeded.home, tmp_path / "var")
    assert "BANKSIDE_" not in first_call(tmp_path / "var")
    # Where it listens stands in the file that the command reads.
    write_demo_json(tmp_path / "var", seeded.demo, edge="http://127.0.0.1:9000", web=WEB)
    assert "BANKSIDE_" not in first_call(tmp_path / "var")


async def test_one_person_of_each_role_logs_in_with_what_the_file_says(seeded: Seeded) -> None:
    told = {Realm.STAFF: seeded.demo["staff"], Realm.PARTNER: seeded.demo["partner_users"]}
    for realm, people in told.items():
        roles = [role for each in people for role in each["roles"]]
        known = [key for key, role in role_book().roles.items() if role.realm is realm]
        assert sorted(roles) == sorted(known)

    somebody = seeded.demo["partner_users"][0]
    async with transaction(seeded.pool) as db:
        proved = await verify_password(
            db,
            somebody["partner"],
            login=somebody["login"],
            password=somebody["password"],
            realm=Realm.PARTNER,
        )
    assert proved == somebody["id"]


async def test_an_app_that_moved_into_its_own_space_stays_there_at_the_next_seed(
    fresh_pool: Pool, tmp_path: Path
) -> None:
    installation = Installation(fresh_pool, tmp_path / "home")
    app = (await installation.seed())["apps"][0]
    async with transaction(fresh_pool) as db:
        space = await give_space(db, CLOCK, app["partner"], app["app_id"])

    again = (await installation.seed())["apps"][0]

    assert (again["partner"], again["wires"]) == (space.id, app["wires"])
