"""The demo bank: seeded once, the same everywhere, and enough for a script to sign a call."""

import base64
import hashlib
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from bankside.app.demo import first_call, seed, write_demo_json
from bankside.app.demo.spec import bank_spec
from bankside.app.publish import catalogue
from bankside.bank import ledger
from bankside.bank.accounts import account, balance, payer_of_token
from bankside.bank.merchants import merchant, receivers
from bankside.identity.credentials import verify_password
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import signer, verifier
from bankside.partners import SnapshotView, snapshot_view

EDGE, WEB = "http://127.0.0.1:8080", "http://127.0.0.1:8000"
TABLES = (
    *("bank.customers", "bank.accounts", "bank.merchants", "bank.merchant_receivers"),
    *("bank.payer_tokens", "bank.ledger_transfers", "bank.ledger_entries", "bank.branches"),
    *("partners.partners", "partners.tenants", "partners.apps", "partners.app_keys"),
    *("partners.subscriptions", "partners.platform_keys", "identity.credentials", "kernel.outbox"),
)


class Seeded:
    """A seeded installation: its pool, home and what demo.json says."""

    def __init__(self, pool: Pool, clock: FixedClock, home: Path) -> None:
        self.pool, self.clock, self.home = pool, clock, home

    async def seed(self) -> dict[str, Any]:
        facts = await seed(self.pool, Vault.at(self.home), self.clock, self.home)
        path = write_demo_json(self.home, facts, edge=EDGE, web=WEB)
        return json.loads(path.read_text("utf-8"))

    async def view(self) -> SnapshotView:
        async with self.pool.acquire() as db:
            return await snapshot_view(db, self.clock)

    async def content(self) -> dict[str, str]:
        return {
            table: await self.pool.fetchval(
                f"select coalesce(string_agg(t::text, ';' order by t::text), '') from {table} t"
            )
            for table in TABLES
        }


@pytest.fixture
def installation(fresh_pool: Pool, clock: FixedClock, tmp_path: Path) -> Seeded:
    catalogue()  # read once a process, not part of what seeding costs
    return Seeded(fresh_pool, clock, tmp_path / "home")


def keys_of(app: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Every signing key of an app as a script finds it: wire and facts."""
    keys = []
    for wire, told in app["wires"].items():
        keys += [(wire, each) for each in told.get("keys", [told])]
    return keys


def private_material(told: dict[str, Any]) -> bytes:
    content = Path(told["private_key_file"]).read_bytes()
    if told["alg"] == "hmac-sha256":
        return bytes.fromhex(content.decode())
    return serialization.load_pem_private_key(content, password=None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


async def test_every_key_that_the_file_names_signs_what_the_bank_accepts(
    installation: Seeded,
) -> None:
    demo = await installation.seed()
    view, vault = await installation.view(), Vault.at(installation.home)

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
    installation: Seeded,
) -> None:
    demo = await installation.seed()
    view, vault = await installation.view(), Vault.at(installation.home)

    checked = 0
    for app in demo["apps"]:
        for wire, told in keys_of(app):
            if told["alg"] == "hmac-sha256":
                assert told["bank_key_id"] == told["key_id"]
                continue
            assert told["bank_key_id"] == view.default_answer_keys[wire]
            key = view.platform_keys[told["bank_key_id"]]
            sign = signer(key.alg, vault.open(key.material, purpose=f"key:{key.id}"))
            pem = serialization.load_pem_public_key(Path(told["bank_public_key_file"]).read_bytes())
            der = pem.public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
            )
            assert verifier(told["bank_alg"], der)(b"hello", sign(b"hello"))
            checked += 1
    assert checked == 8


async def test_content_keys_and_tenant_tokens_are_those_the_bank_knows(
    installation: Seeded,
) -> None:
    demo = await installation.seed()
    view, vault = await installation.view(), Vault.at(installation.home)
    platform = demo["apps"][0]
    known = view.apps[platform["app_id"]]

    for wire in ("icbc", "alipay", "alipay3"):
        (key,) = known.content_keys[wire]
        raw = base64.b64decode(Path(platform["wires"][wire]["aes_key_file"]).read_text())
        assert vault.open(key.material, purpose=f"key:{key.id}") == raw
    for each in platform["tenants"]:
        marked = hashlib.sha256(each["app_auth_token"].encode()).hexdigest()
        assert known.tenants[marked] == each["tenant"]


async def test_customers_log_in_and_hold_what_the_demo_says(installation: Seeded) -> None:
    demo = await installation.seed()

    async with installation.pool.acquire() as db:
        for each in demo["customers"][:2]:
            proved = await verify_password(
                db, each["partner"], login=each["login"], password=each["password"]
            )
            assert proved == each["id"]
        for spec in bank_spec().partners:
            told = {a["number"]: c for c in demo["customers"] for a in c["accounts"]}
            for owner in spec.customers:
                for held in owner.accounts:
                    number = next(n for n in told if str(held.serial) in n)
                    found = await account(db, told[number]["partner"], number)
                    assert str((await balance(db, found)).booked) == held.balance
        assert (await ledger.verify(db)).fault is None


async def test_merchants_receivers_and_payment_codes_stand(installation: Seeded) -> None:
    demo = await installation.seed()

    async with installation.pool.acquire() as db:
        for each in demo["merchants"]:
            found = await merchant(db, each["partner"], each["id"], tenant=each["tenant"])
            assert found.settlement_account == each["account"]
            shares = await receivers(db, each["partner"], each["id"])
            assert {s.account for s in shares} == {r["account"] for r in each["receivers"]}
        for each in demo["payer_tokens"]:
            payer, _ = await payer_of_token(
                db, installation.clock, each["partner"], each["code"], environment="sandbox"
            )
            assert payer.id == each["account"]


async def test_every_app_may_call_every_product_on_its_own_wires(installation: Seeded) -> None:
    demo = await installation.seed()
    view = await installation.view()

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


async def test_seeding_again_changes_nothing_and_takes_little_time(installation: Seeded) -> None:
    started = time.monotonic()
    first = await installation.seed()
    took = time.monotonic() - started
    before = await installation.content()

    started = time.monotonic()
    second = await installation.seed()
    again = time.monotonic() - started

    assert second == first
    assert await installation.content() == before
    # Three seconds on a quiet machine; tests share two cores with each other.
    assert took < 12
    assert again < 3


async def test_ids_numbers_logins_and_codes_are_the_same_in_every_installation(
    installation: Seeded,
) -> None:
    demo = await installation.seed()

    assert demo["apps"][0]["app_id"] == "app_0000000000hdktf46svsg2kv9q"
    assert demo["customers"][0]["accounts"][0]["number"] == "9001018000000001015"
    assert demo["customers"][0]["login"] == "lin.xiaoyu"
    assert demo["payer_tokens"][0]["code"] == "280000000000000101"


async def test_keys_and_the_file_are_for_their_owner_only(installation: Seeded) -> None:
    await installation.seed()

    files = [p for p in (installation.home / "keys").rglob("*") if p.is_file()]
    for path in [*files, installation.home / "demo.json"]:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert len(files) > 10


async def test_a_lost_key_file_or_token_is_replaced_and_the_old_one_refused(
    installation: Seeded,
) -> None:
    before = await installation.seed()
    old = before["apps"][0]["wires"]["native"]
    for name in (old["private_key_file"], before["apps"][0]["tenants"][0]["app_auth_token_file"]):
        Path(name).unlink()

    after = await installation.seed()

    new = after["apps"][0]["wires"]["native"]
    view = await installation.view()
    accepted = {key.id for key in view.apps[after["apps"][0]["app_id"]].keys["native"]}
    assert new["key_id"] in accepted
    assert old["key_id"] not in accepted
    tokens = [demo["apps"][0]["tenants"][0]["app_auth_token"] for demo in (before, after)]
    assert tokens[0] != tokens[1]
    known = view.apps[after["apps"][0]["app_id"]].tenants
    assert [hashlib.sha256(token.encode()).hexdigest() in known for token in tokens] == [
        False,
        True,
    ]


async def test_the_first_call_names_an_account_and_what_is_not_the_default(
    installation: Seeded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert first_call(tmp_path / "nowhere") == ""
    demo = await installation.seed()
    lin = demo["customers"][0]["accounts"][0]["id"]

    command = first_call(installation.home)

    assert command.endswith(f"bankside call GET /v1/account-balances/{lin}")
    assert command.startswith(f"BANKSIDE_HOME={installation.home} ")
    installation.home.rename(tmp_path / "var")
    assert "BANKSIDE_" not in first_call(tmp_path / "var")
