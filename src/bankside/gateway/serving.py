"""A snapshot made ready to serve from: its routes, its keys by id, verifiers and signers.

Always true: what is derived here comes from the snapshot alone (whose codec has checked that ids
are unique and references lead somewhere) and never changes a call's answer;
keys are parsed at first use, because parsing 100,000 of them at once would stall a worker. Nothing
here refers back to the serving object, so an old one dies by reference count.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b

from bankside.gateway.errors import KeyUnreadable
from bankside.gateway.routes import Routes
from bankside.kernel.secrets import SealBroken, Vault
from bankside.kernel.signing import ALGORITHMS, Signer, Verifier
from bankside.kernel.signing import signer as make_signer
from bankside.kernel.signing import verifier as make_verifier
from bankside.kernel.snapshot import App, Key, Operation, Snapshot

# Key material of these kinds stands sealed in the snapshot; public keys do not.
SECRET_ALGORITHMS = frozenset({"hmac-sha256", "aes-cbc"})
# Entries handled between two pauses of a build: about 1 ms, so calls in between do not notice.
BUILD_SLICE = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving(Snapshot):
    """One snapshot and everything derived from it.

    ``routes``: native method and path -> operation. ``icbc_paths``: ICBC-style path -> operation.
    ``key_owners``: id of a native key -> its app and the key. ``reads_only``: the configuration is
    too old to move money by. ``slow_answers``: wires (by their default key) and platform keys whose
    signatures are made in a thread. ``token_roots``: beginnings of the paths that are called with
    access tokens only.
    """

    routes: Routes
    icbc_paths: Mapping[str, Operation]
    key_owners: Mapping[str, tuple[App, Key]]
    slow_answers: Mapping[str, bool]
    token_roots: tuple[str, ...]
    vault: Vault
    decoy_seed: bytes
    reads_only: bool = False
    _verifiers: dict[str, tuple[Key, Verifier]] = field(default_factory=dict)
    _signers: dict[str, tuple[Key, Signer]] = field(default_factory=dict)

    @classmethod
    def of(cls, snapshot: Snapshot, vault: Vault, *, reads_only: bool = False) -> "Serving":
        """Derive everything at once."""
        building = cls.build(snapshot, vault, reads_only=reads_only)
        while True:
            try:
                next(building)
            except StopIteration as done:
                built: Serving = done.value
                return built

    @classmethod
    def build(
        cls, snapshot: Snapshot, vault: Vault, *, reads_only: bool = False
    ) -> Generator[None, None, "Serving"]:
        """The same in slices: a generator that pauses every ``BUILD_SLICE`` entries.

        Its return value (``StopIteration.value``) is the Serving.
        """
        return _build(snapshot, vault, reads_only)

    def verifier(self, key: Key) -> Verifier:
        """The verifier of a key of an app, parsed once. Raises KeyUnreadable, KeyInvalid."""
        known = self._verifiers.get(key.id)
        if known is not None and known[0] is key:
            return known[1]
        made = make_verifier(key.alg, self.material(key))
        self._verifiers[key.id] = (key, made)
        return made

    def signer(self, key: Key) -> Signer:
        """The signer of a platform key, or of an app's shared secret. Raises KeyUnreadable."""
        known = self._signers.get(key.id)
        if known is not None and known[0] is key:
            return known[1]
        made = make_signer(key.alg, self.opened(key))
        self._signers[key.id] = (key, made)
        return made

    def material(self, key: Key) -> bytes:
        """The bytes of a partner's key: public keys as they are, secrets opened."""
        return self.opened(key) if key.alg in SECRET_ALGORITHMS else key.material

    def opened(self, key: Key) -> bytes:
        """The unsealed bytes of a secret or private key. Raises KeyUnreadable."""
        try:
            return self.vault.open(key.material, purpose=f"key:{key.id}")
        except SealBroken as error:
            raise KeyUnreadable from error

    def answer_key(self, wire: str, app: App | None) -> Key:
        """The platform key that signs answers: the app's own choice, else the wire's default."""
        chosen = app.answer_keys.get(wire) if app is not None else None
        return self.platform_keys[chosen or self.default_answer_keys[wire]]

    def decoy_algorithm(self, key_id: str) -> str:
        """The algorithm we pretend an unknown key is registered for.

        Without it, "algorithm mismatch" would tell a stranger which key ids exist. All workers
        answer alike because the seed comes from the snapshot; it is sealed, so nobody else can.
        """
        mark = blake2b(key_id.encode(), key=self.decoy_seed, digest_size=2).digest()
        return _NATIVE_ALGORITHMS[mark[0] % len(_NATIVE_ALGORITHMS)]


_NATIVE_ALGORITHMS = tuple(name for name in ALGORITHMS if name not in {"rsa-sha256", "rsa-sha1"})


def _build(snapshot: Snapshot, vault: Vault, reads_only: bool) -> Generator[None, None, Serving]:
    routes = Routes()
    icbc_paths: dict[str, Operation] = {}
    for count, operation in enumerate(snapshot.operations.values(), 1):
        routes.add(operation)
        icbc_paths[operation.icbc_path] = operation
        if count % BUILD_SLICE == 0:
            yield
    key_owners: dict[str, tuple[App, Key]] = {}
    for count, app in enumerate(snapshot.apps.values(), 1):
        for key in app.keys.get("native", ()):
            key_owners[key.id] = (app, key)
        if count % BUILD_SLICE == 0:
            yield
    return Serving(
        **{each.name: getattr(snapshot, each.name) for each in fields(Snapshot)},
        routes=routes,
        icbc_paths=icbc_paths,
        key_owners=key_owners,
        slow_answers=_slow_answers(snapshot),
        token_roots=_token_roots(snapshot),
        vault=vault,
        decoy_seed=_decoy_seed(snapshot),
        reads_only=reads_only,
    )


def _token_roots(snapshot: Snapshot) -> tuple[str, ...]:
    """``/open-banking/v3.1`` and the like: few enough to be tried with every call."""
    return tuple(
        sorted(
            {
                "/".join(operation.path.split("/")[:3])
                for operation in snapshot.operations.values()
                if operation.access in {"client", "customer"}
            }
        )
    )


def _slow_answers(snapshot: Snapshot) -> dict[str, bool]:
    slow = {key.id: key.alg.startswith("rsa") for key in snapshot.platform_keys.values()}
    return slow | {wire: slow[key_id] for wire, key_id in snapshot.default_answer_keys.items()}


def _decoy_seed(snapshot: Snapshot) -> bytes:
    sealed = b"".join(key.material for _, key in sorted(snapshot.platform_keys.items()))
    return blake2b(sealed, digest_size=32, person=b"decoy algorithm").digest()
