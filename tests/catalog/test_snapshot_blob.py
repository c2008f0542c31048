"""The snapshot as one signed blob: what goes in comes out, and nothing altered gets in."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bankside import catalog
from bankside.catalog import compile_snapshot
from bankside.kernel.signing import generate, public_der, signer, verifier
from bankside.kernel.snapshot import (
    App,
    Key,
    Snapshot,
    SnapshotInvalid,
    content_hash,
    decode,
    encode,
)
from bankside.partners import SnapshotView

PRIVATE = generate("ed25519")
SIGN = signer("ed25519", PRIVATE)
VERIFY = verifier("ed25519", public_der(PRIVATE))

PRODUCTS = ("merchant.scan-payments", "loan.mortgages", "data.credit-ratings")

names = st.text("abcdefghij0123456789_", min_size=1, max_size=12)
keys = st.builds(Key, id=names, alg=st.just("ed25519"), material=st.binary(max_size=50))
apps = st.builds(
    App,
    id=names,
    partner=names,
    active=st.booleans(),
    products=st.frozensets(st.sampled_from(PRODUCTS)),
    rate_per_second=st.integers(1, 1000),
    keys=st.dictionaries(
        st.sampled_from(["native", "icbc"]), st.lists(keys, max_size=2).map(tuple), max_size=2
    ),
    tenants=st.dictionaries(names, names, max_size=3),
)


def snapshot(view: SnapshotView, *, version: int = 7) -> Snapshot:
    return compile_snapshot(
        catalog.load(), view, lambda product, operation: True, version=version, built_at=1_770_000
    )


FEW_ROUTES = {
    each.id: each
    for each in snapshot(SnapshotView({}, {}, {})).operations.values()
    if each.product in PRODUCTS
}


def a_view() -> SnapshotView:
    key = Key("bank-native-1", "ecdsa-p256-sha256", b"sealed")
    app = App(
        "app_1",
        "prt_1",
        products=frozenset({"merchant.scan-payments"}),
        keys={"native": (Key("key_1", "ed25519", b"der", 5, 9),)},
        answer_keys={"native": key.id},
        tenants={"ab" * 32: "tnt_1"},
    )
    return SnapshotView({app.id: app}, {key.id: key}, {"native": key.id})


def test_a_snapshot_comes_back_as_it_went_in() -> None:
    original = snapshot(a_view())

    assert decode(encode(original, SIGN), VERIFY) == original


@given(st.lists(apps, max_size=4, unique_by=lambda app: app.id))
@settings(max_examples=25, deadline=None)
def test_any_apps_come_back_as_they_went_in(some: list[App]) -> None:
    unique: list[App] = []
    seen: set[tuple[str, str]] = set()
    for app in some:
        pairs = [(wire, key.id) for wire, ks in app.keys.items() for key in ks]
        if len(set(pairs)) == len(pairs) and not seen.intersection(pairs):
            unique.append(app)
            seen.update(pairs)
    original = Snapshot(1, 2, FEW_ROUTES, {app.id: app for app in unique}, {}, {})

    assert decode(encode(original, SIGN), VERIFY) == original


def test_the_content_hash_ignores_version_and_time_and_nothing_else() -> None:
    blob = encode(snapshot(a_view()), SIGN)

    assert content_hash(encode(snapshot(a_view(), version=8), SIGN)) == content_hash(blob)
    assert content_hash(encode(snapshot(SnapshotView({}, {}, {})), SIGN)) != content_hash(blob)


def test_two_processes_encode_equal_content_equally() -> None:
    program = (
        "from bankside import catalog; from bankside.kernel.snapshot import *;"
        "from bankside.partners import SnapshotView;"
        "print(content_hash(encode(catalog.compile_snapshot(catalog.load(),"
        "SnapshotView({}, {}, {}), lambda p, o: True, version=1, built_at=1),"
        "lambda message: b'')).hex())"
    )
    hashes = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(hashes) == 1


def test_every_altered_byte_and_every_cut_is_found() -> None:
    blob = encode(snapshot(SnapshotView({}, {}, {})), SIGN)
    places = [*range(0, 400, 7), *range(400, len(blob), len(blob) // 60), len(blob) - 1]

    for at in places:
        altered = bytes([blob[at] ^ 1])
        with pytest.raises(SnapshotInvalid):
            decode(blob[:at] + altered + blob[at + 1 :], VERIFY)
        with pytest.raises(SnapshotInvalid):
            decode(blob[:at], VERIFY)
    with pytest.raises(SnapshotInvalid):
        decode(blob + b"x", VERIFY)


def test_a_blob_of_another_installation_is_refused() -> None:
    other = generate("ed25519")

    with pytest.raises(SnapshotInvalid, match="signature"):
        decode(encode(snapshot(a_view()), signer("ed25519", other)), VERIFY)


def test_a_blob_that_contradicts_itself_is_refused() -> None:
    view = a_view()
    operations = snapshot(view).operations

    def blob(**changes: object) -> Snapshot:
        return Snapshot(
            **{
                "version": 1,
                "built_at": 1,
                "operations": operations,
                "apps": {},
                "platform_keys": {},
                "default_answer_keys": {},
                **changes,
            }  # type: ignore[arg-type]
        )

    twin = operations["merchant.scan-payments.create"]
    stray = App("app_2", "prt_1", products=frozenset({"merchant.unheard-of"}))
    lost = App("app_3", "prt_1", answer_keys={"native": "bank-gone"})
    for broken in (
        blob(default_answer_keys={"native": "bank-gone"}),
        blob(apps={stray.id: stray}),
        blob(apps={lost.id: lost}),
        blob(operations={**operations, "twin": twin}),
    ):
        with pytest.raises(SnapshotInvalid):
            encode(broken, SIGN)
