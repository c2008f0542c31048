"""A whole edge in memory for tests: real pipeline, real wire, real keys, one executing function."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from hashlib import sha256
from typing import Any

import msgspec

from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.pipeline import Pipeline, Ports
from bankside.gateway.serving import Serving
from bankside.gateway.wires.native import NativeWire
from bankside.kernel.call import Answer, Call
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.secrets import Vault
from bankside.kernel.signing import generate, public_der, signer, verifier
from bankside.kernel.signing.rfc9421 import Answer as SignedAnswer
from bankside.kernel.signing.rfc9421 import Identity, Request, sign_request, verify_answer
from bankside.kernel.snapshot import App, Key, Operation, Snapshot

NOW = 1_772_416_800.25
NATIVE_ALGORITHMS = (
    "hmac-sha256", "ecdsa-p256-sha256", "ed25519", "rsa-v1_5-sha256", "rsa-pss-sha512",
)  # fmt: skip
TENANT_TOKEN = "tenant-token-of-the-noodle-shop"

PAY = Operation(
    id="merchant.scan-payments.create",
    method="POST",
    path="/v1/scan-payments",
    product="merchant.scan-payments",
    purpose="create",
    icbc_path="/api/merchant/scan-payments/create/V1",
    moves_money=True,
    writes=True,
    body_max=65_536,
    deadline_ms=200,
)
ASK = replace(
    PAY,
    id="merchant.scan-payments.query",
    method="GET",
    path="/v1/scan-payments/{scanPaymentId}",
    purpose="query",
    icbc_path="/api/merchant/scan-payments/query/V1",
    moves_money=False,
    writes=False,
)
ECHO = Operation(
    id="platform.echoes.create",
    method="POST",
    path="/v1/platform/echoes",
    product="platform",
    purpose="create",
    icbc_path="/api/platform/echoes/create/V1",
)
UNBUILT = replace(
    PAY,
    id="wealth.holdings.create",
    path="/v1/holdings",
    product="wealth.holdings",
    icbc_path="/api/wealth/holdings/create/V1",
    available=False,
)
FOREIGN = replace(
    ECHO,
    id="loan.personal-loans.create",
    path="/v1/personal-loans",
    product="loan.personal-loans",
    icbc_path="/api/loan/personal-loans/create/V1",
)
SCOPED = replace(
    ECHO,
    id="platform.secrets.create",
    path="/v1/platform/secrets",
    icbc_path="/api/platform/secrets/create/V1",
    scopes=frozenset({"secrets"}),
)


def private_key(alg: str, name: str = "partner") -> bytes:
    """One key pair per algorithm and owner for the whole test run (RSA keys are slow to make)."""
    return _made(alg, name)


@cache
def _made(alg: str, name: str) -> bytes:
    return generate(alg)


class MemoryReplay:
    """A replay store of one process."""

    started_at = 0.0

    def __init__(self) -> None:
        self.used: set[tuple[str, str]] = set()

    def seen(self, app: str, nonce: str, now: float) -> bool:
        return (app, nonce) in self.used

    def claim(self, app: str, nonce: str, now: float) -> bool:
        if (app, nonce) in self.used:
            return False
        self.used.add((app, nonce))
        return True


@dataclass
class MemoryMeter:
    """Keeps call records in a list; can be told to fail."""

    records: list[tuple[Exchange, Reply]] = field(default_factory=list)
    failing: bool = False
    broken: bool = False
    flushes: int = 0

    def record(self, x: Exchange, reply: Reply, *, seconds: float) -> None:
        assert seconds >= 0
        self.records.append((x, reply))

    async def _flush(self) -> None:
        self.flushes += 1
        await asyncio.sleep(0)
        if self.broken:
            raise OSError("No space left on device")

    def flushed(self) -> Awaitable[None]:
        return self._flush()


@dataclass
class Current:
    """The snapshot in force."""

    current: Serving


def vault() -> Vault:
    """A vault under a fixed key."""
    return Vault(bytes(range(32)))


def key(alg: str, key_id: str, name: str = "partner", **times: int) -> Key:
    """The registered half of ``private_key``, secrets sealed."""
    if alg == "hmac-sha256":
        sealed = vault().seal(private_key(alg, name), purpose=f"key:{key_id}")
        return Key(key_id, alg, sealed, **times)
    return Key(key_id, alg, _public(alg, name), **times)


@cache
def _public(alg: str, name: str) -> bytes:
    """Reading a private RSA key takes tens of milliseconds: once a run is enough."""
    return public_der(private_key(alg, name))


def platform_key(alg: str, key_id: str) -> Key:
    """A key of the bank's own, sealed."""
    return Key(key_id, alg, vault().seal(private_key(alg, "bank"), purpose=f"key:{key_id}"))


def partner_app(**changes: Any) -> App:
    """An app with one native key per algorithm, subscribed to payments and the platform."""
    keys = tuple(key(alg, f"k-{alg}") for alg in NATIVE_ALGORITHMS)
    app = App(
        id="app_food",
        partner="prt_food",
        products=frozenset({PAY.product, "platform", UNBUILT.product}),
        keys={"native": keys},
        tenants={sha256(TENANT_TOKEN.encode()).hexdigest(): "tnt_noodles"},
        rate_per_second=10_000,
        burst=10_000,
    )
    return replace(app, **changes)


def snapshot(*apps: App, operations: tuple[Operation, ...] = ()) -> Snapshot:
    """A snapshot of a few operations with every platform key native answers may be signed by."""
    served = operations or (PAY, ASK, ECHO, UNBUILT, FOREIGN, SCOPED)
    platform = [platform_key(alg, f"gw-{alg}") for alg in NATIVE_ALGORITHMS if alg[0] != "h"]
    return Snapshot(
        version=1,
        built_at=int(NOW) - 5,
        operations={each.id: each for each in served},
        apps={each.id: each for each in apps or (partner_app(),)},
        platform_keys={each.id: each for each in platform},
        default_answer_keys={"native": "gw-ecdsa-p256-sha256"},
    )


def identity(alg: str = "hmac-sha256", key_id: str = "", name: str = "partner") -> Identity:
    """The partner's side of a key of ``partner_app``."""
    return Identity(key_id=key_id or f"k-{alg}", alg=alg, sign=signer(alg, private_key(alg, name)))


Execute = Callable[[Call], Answer | Awaitable[Answer]]


def echo(call: Call) -> Answer:
    """Answers what it was called with."""
    return Answer(
        201 if call.operation.writes else 200,
        {
            "body": dict(call.body),
            "path": dict(call.path),
            "query": dict(call.query),
            "key": call.idempotency_key,
            "tenant": call.caller.tenant,
        },
    )


class Edge:
    """A pipeline over an in-memory snapshot, with a client that signs and verifies."""

    def __init__(self, *apps: App, execute: Execute = echo, **options: Any) -> None:
        self.calls: list[Call] = []
        self.now = NOW
        self.replay = MemoryReplay()
        self.meter = MemoryMeter()
        self.serving = Current(
            Serving.of(
                snapshot(*apps, operations=options.get("operations", ())),
                vault(),
                reads_only=options.get("reads_only", False),
            )
        )
        self._execute = execute
        self._sent = 0
        self.pipeline = Pipeline(
            Ports(
                snapshots=self.serving,
                wires=options.get("wires", (NativeWire(),)),
                handle=self._handle,
                replay=options.get("replay", self.replay),
                limits=options.get("limits") or LocalLimits(),
                meter=options.get("meter", self.meter),
                tokens=options.get("tokens"),
            )
        )

    def _handle(self, call: Call) -> Answer | Awaitable[Answer]:
        self.calls.append(call)
        return self._execute(call)

    def exchange(self, request: Request) -> Exchange:
        """What the server would hand over for this request."""
        self._sent += 1
        return Exchange(
            request.method,
            request.path,
            request.query,
            dict(request.headers),
            request.body,
            "192.0.2.7",
            self.now,
            f"{self._sent:032x}",
        )

    def signed(
        self, request: Request, who: Identity | None = None, *, nonce: str = "", age: int = 0
    ) -> Request:
        """``request`` with the native signature fields."""
        fields = sign_request(
            request,
            who or identity(),
            created=int(self.now) - age,
            nonce=nonce or os.urandom(12).hex(),
        )
        return replace(request, headers=request.headers | fields)

    async def send(self, request: Request) -> Reply:
        """Pass a request through the pipeline as the server does."""
        reply = self.pipeline(self.exchange(request))
        return reply if isinstance(reply, Reply) else await reply

    async def call(self, request: Request, who: Identity | None = None) -> Reply:
        """Sign, send, and verify the answer as a partner does."""
        signed = self.signed(request, who)
        reply = await self.send(signed)
        self.verify(reply, signed)
        return reply

    def verify(self, reply: Reply, request: Request) -> Mapping[str, object]:
        """Fails unless the answer is signed by us, and is the answer to this request."""
        answer = SignedAnswer(reply.status, dict(reply.headers), reply.body)
        return verify_answer(answer, request, trusted)


def trusted(key_id: str, alg: str) -> Any:
    """The partner's view of whose answers it believes."""
    if alg == "hmac-sha256":
        assert key_id == "k-hmac-sha256"
        return verifier(alg, private_key(alg))
    assert key_id == f"gw-{alg}"
    return verifier(alg, _public(alg, "bank"))


def pay(amount: str = "10.00", *, key: str = "order-1", **headers: str) -> Request:
    """A valid payment request, unsigned."""
    body = msgspec.json.encode(
        {"out_trade_no": "T1", "subject": "书", "amount": {"amount": amount, "currency": "CNY"}}
    )
    head = {"host": "bank.example", "content-type": "application/json"}
    if key:
        head["idempotency-key"] = key
    return Request("POST", "/v1/scan-payments", "", head | headers, body)


def ask(order: str = "ord_1", query: str = "") -> Request:
    """A valid read, unsigned."""
    return Request("GET", f"/v1/scan-payments/{order}", query, {"host": "bank.example"})


def problem(reply: Reply) -> dict[str, Any]:
    """The problem body of a refusal."""
    assert dict(reply.headers)["content-type"] == "application/problem+json"
    body: dict[str, Any] = msgspec.json.decode(reply.body)
    assert body["status"] == reply.status
    return body
