"""The snapshot as one signed blob, and back.

Layout: ``BKSNAP01``, header length (4 bytes, big-endian), header, body. The header is msgpack
``{signed, signature}``: ``signed`` is msgpack ``{format, version, built_at, sha256, parts}`` under
an Ed25519 signature; ``sha256`` is over the body, ``parts`` names its pieces and their lengths.
Always true: equal snapshots give equal bodies, whatever process encodes them; a blob that does not
verify, or in which one part names something another part lacks, raises SnapshotInvalid and nothing
of it is used. Secrets and private keys in it are sealed by ``kernel.secrets``.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

import msgspec

from bankside.kernel.signing import Signer, Verifier
from bankside.kernel.snapshot.model import App, Key, Operation, Snapshot
from bankside.kernel.snapshot.upstreams import Upstream

FORMAT = 1
MAGIC = b"BKSNAP01"
# 16,000 routes and 100,000 apps are about 120 MB; more than this is no snapshot of ours.
BLOB_BYTES_MAX = 512 * 1024 * 1024
HEADER_BYTES_MAX = 64 * 1024
_LENGTH_BYTES = 4

T = TypeVar("T")


class SnapshotInvalid(Exception):
    """The blob is of another format, altered, signed by another key, or contradicts itself."""


class _Signed(msgspec.Struct, frozen=True):
    format: int
    version: int
    built_at: int
    sha256: bytes
    parts: list[tuple[str, int]]


class _Header(msgspec.Struct, frozen=True):
    signed: bytes
    signature: bytes


class _AppRow(msgspec.Struct, frozen=True, array_like=True):
    """An app whose product, scope and tenant sets stand once in ``grants`` and ``tenants``."""

    app: App
    products: int
    scopes: int
    tenants: int


class _Settings(msgspec.Struct, frozen=True):
    default_answer_keys: dict[str, str]
    revocation_epoch: int


_encoder = msgspec.msgpack.Encoder(order="deterministic")
_NOTHING: frozenset[str] = frozenset()


def encode(snapshot: Snapshot, signer: Signer) -> bytes:
    """The blob of ``snapshot``, signed by an Ed25519 ``signer``; raises as ``check`` does."""
    check(snapshot)
    grants = _Pool[frozenset[str]](lambda grant: grant)
    tenants = _Pool[Mapping[str, str]](lambda tokens: frozenset(tokens.items()))
    rows = [
        _AppRow(
            replace(app, products=_NOTHING, scopes=_NOTHING, tenants={}),
            grants.place(app.products),
            grants.place(app.scopes),
            tenants.place(app.tenants),
        )
        for app in (snapshot.apps[app_id] for app_id in sorted(snapshot.apps))
    ]
    settings = _Settings(dict(snapshot.default_answer_keys), snapshot.revocation_epoch)
    parts: list[tuple[str, bytes]] = [
        ("operations", _encoder.encode(_by_id(snapshot.operations))),
        ("grants", _encoder.encode(grants.values)),
        ("tenants", _encoder.encode(tenants.values)),
        ("apps", _encoder.encode(rows)),
        ("platform_keys", _encoder.encode(_by_id(snapshot.platform_keys))),
        ("settings", _encoder.encode(settings)),
        ("upstreams", _encoder.encode(_by_id(snapshot.upstreams))),
    ]
    body = b"".join(content for _, content in parts)
    signed = _encoder.encode(
        _Signed(
            format=FORMAT,
            version=snapshot.version,
            built_at=snapshot.built_at,
            sha256=hashlib.sha256(body).digest(),
            parts=[(name, len(content)) for name, content in parts],
        )
    )
    header = _encoder.encode(_Header(signed, signer(signed)))
    return MAGIC + len(header).to_bytes(_LENGTH_BYTES, "big") + header + body


def decode(blob: bytes, verifier: Verifier) -> Snapshot:
    """The snapshot in ``blob``, all of it checked; raises SnapshotInvalid."""
    header, body = _split(blob)
    if not verifier(header.signed, header.signature):
        raise SnapshotInvalid("the signature does not verify under this installation's key")
    signed = _typed(header.signed, _Signed)
    if signed.format != FORMAT:
        raise SnapshotInvalid(f"format {signed.format} is not format {FORMAT}")
    if hashlib.sha256(body).digest() != signed.sha256:
        raise SnapshotInvalid("the body differs from its hash")
    parts = _parts(signed, body)
    snapshot = Snapshot(
        version=signed.version,
        built_at=signed.built_at,
        operations={each.id: each for each in _part(parts, "operations", list[Operation])},
        apps=_apps(parts),
        platform_keys={each.id: each for each in _part(parts, "platform_keys", list[Key])},
        default_answer_keys=(settings := _part(parts, "settings", _Settings)).default_answer_keys,
        revocation_epoch=settings.revocation_epoch,
        upstreams=_upstreams(parts),
    )
    check(snapshot)
    return snapshot


def content_hash(blob: bytes) -> bytes:
    """SHA-256 of what the blob says, without version and time; the signature is not checked."""
    header, _ = _split(blob)
    return _typed(header.signed, _Signed).sha256


def check(snapshot: Snapshot) -> None:
    """Raise SnapshotInvalid when routes clash or a reference leads nowhere."""
    operations = snapshot.operations.values()
    _unique("route", ((each.method, each.path, each.version) for each in operations))
    _unique("wire path", (each.icbc_path for each in operations))
    _unique(
        "key",
        (
            (wire, key.id)
            for app in snapshot.apps.values()
            for wire, keys in app.keys.items()
            for key in keys
        ),
    )
    for operation in operations:
        upstream = snapshot.upstreams.get(operation.upstream) if operation.upstream else None
        if operation.upstream and (upstream is None or operation.id not in upstream.forwards):
            raise SnapshotInvalid(f"{operation.id} is forwarded to what is not there")
    known = snapshot.platform_keys
    for wire, key_id in snapshot.default_answer_keys.items():
        if key_id not in known:
            raise SnapshotInvalid(f"wire {wire} answers with key {key_id}, which is not there")
    products = {each.product for each in operations}
    checked: set[int] = set()
    for app in snapshot.apps.values():
        for wire, key_id in app.answer_keys.items():
            if key_id not in known:
                raise SnapshotInvalid(f"app {app.id} names {key_id} on {wire}, which is not there")
        if id(app.products) not in checked:
            checked.add(id(app.products))
            if missing := app.products - products:
                raise SnapshotInvalid(f"app {app.id} holds {min(missing)}, which is not there")


class _Pool(Generic[T]):
    """Equal values kept once, referred to by their place in ``values``."""

    def __init__(self, identity: Callable[[T], object]) -> None:
        self.values: list[T] = []
        self._identity = identity
        self._places: dict[object, int] = {}

    def place(self, value: T) -> int:
        """Where ``value`` stands; a new one is added at the end."""
        place = self._places.setdefault(self._identity(value), len(self.values))
        if place == len(self.values):
            self.values.append(value)
        return place


def _by_id(values: Mapping[str, Any]) -> list[Any]:
    return [values[each] for each in sorted(values)]


def _split(blob: bytes) -> tuple[_Header, bytes]:
    start = len(MAGIC) + _LENGTH_BYTES
    if not start <= len(blob) <= BLOB_BYTES_MAX or not blob.startswith(MAGIC):
        raise SnapshotInvalid("these bytes are no snapshot of this format")
    length = int.from_bytes(blob[len(MAGIC) : start], "big")
    if length > HEADER_BYTES_MAX or start + length > len(blob):
        raise SnapshotInvalid("the header is cut off")
    return _typed(blob[start : start + length], _Header), blob[start + length :]


def _parts(signed: _Signed, body: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    start = 0
    for name, length in signed.parts:
        found[name] = body[start : start + length]
        start += length
    if start != len(body):
        raise SnapshotInvalid("the parts do not fill the body")
    return found


def _part(parts: Mapping[str, bytes], name: str, shape: type[T]) -> T:
    if name not in parts:
        raise SnapshotInvalid(f"the part {name} is missing")
    return _typed(parts[name], shape)


def _typed(content: bytes, shape: type[T]) -> T:
    try:
        return msgspec.msgpack.decode(content, type=shape)
    except msgspec.MsgspecError as error:
        raise SnapshotInvalid(f"the bytes do not hold what they should: {error}") from error


def _apps(parts: Mapping[str, bytes]) -> dict[str, App]:
    grants = _part(parts, "grants", list[frozenset[str]])
    tenants = _part(parts, "tenants", list[dict[str, str]])
    rows = _part(parts, "apps", list[_AppRow])
    try:
        return {
            row.app.id: replace(
                row.app,
                products=grants[row.products],
                scopes=grants[row.scopes],
                tenants=tenants[row.tenants],
            )
            for row in rows
        }
    except IndexError as error:
        raise SnapshotInvalid("an app refers to a grant that is not there") from error


def _upstreams(parts: Mapping[str, bytes]) -> dict[str, Upstream]:
    """What operations are forwarded to; blobs written before there were any have no such part."""
    if "upstreams" not in parts:
        return {}
    return {each.id: each for each in _part(parts, "upstreams", list[Upstream])}


def _unique(what: str, values: Iterable[object]) -> None:
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise SnapshotInvalid(f"{what} {value} stands twice")
        seen.add(value)
