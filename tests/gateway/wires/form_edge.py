"""A whole edge in memory with the form dialects: real pipeline, catalogue, keys; toy execution."""

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st
from tests.gateway.edge import (
    NOW,
    TENANT_TOKEN,
    Current,
    MemoryMeter,
    MemoryReplay,
    key,
    platform_key,
    private_key,
    vault,
)
from tests.sdks.icbc_client import IcbcClient

from bankside import catalog
from bankside.gateway.exchange import Exchange, Reply
from bankside.gateway.pipeline import Pipeline, Ports
from bankside.gateway.serving import Serving
from bankside.gateway.wires.alipay import Alipay3Wire, AlipayWire
from bankside.gateway.wires.icbc import IcbcWire
from bankside.gateway.wires.native import NativeWire
from bankside.kernel.call import Answer, Call
from bankside.kernel.errors import BanksideError
from bankside.kernel.local_limits import LocalLimits
from bankside.kernel.signing import Signer, Verifier, alipay, public_der, signer, verifier
from bankside.kernel.snapshot import App, Key, Snapshot

AES_KEY = bytes(range(16))
RSA2, RSA1 = "app_food", "app_oldbank"
PRODUCTS = frozenset(
    {
        "merchant.scan-payments",
        "merchant.collection-codes",
        "merchant.checkout-payments",
        "merchant.merchant-refunds",
        "merchant.split-orders",
        "merchant.preauthorizations",
        "payment.internal-transfers",
        "payment.payment-desks",
    }
)


def aes_key(key_id: str) -> Key:
    return Key(key_id, "aes-cbc", vault().seal(AES_KEY, purpose=f"key:{key_id}"))


def apps() -> dict[str, App]:
    """One app with SHA-256 keys and content keys on every wire; one with SHA-1 keys and none."""
    wires = ("icbc", "alipay", "alipay3")
    food = App(
        id=RSA2,
        partner="prt_food",
        products=PRODUCTS,
        keys={wire: (key("rsa-sha256", f"k-{wire}"),) for wire in wires},
        content_keys={wire: (aes_key(f"aes-{wire}"),) for wire in wires},
        tenants={sha256(TENANT_TOKEN.encode()).hexdigest(): "tnt_noodles"},
        rate_per_second=10_000,
        burst=10_000,
    )
    old = replace(
        food,
        id=RSA1,
        keys={wire: (key("rsa-sha1", f"o-{wire}", "old"),) for wire in ("icbc", "alipay")},
        content_keys={},
    )
    return {each.id: each for each in (food, old)}


@cache
def snapshot() -> Snapshot:
    """The real catalogue, everything runnable, with one platform key for the form dialects."""
    view = SimpleNamespace(
        apps=apps(),
        platform_keys={
            "gw-rsa": platform_key("rsa-sha256", "gw-rsa"),
            "gw-ec": platform_key("ecdsa-p256-sha256", "gw-ec"),
        },
        default_answer_keys={
            "native": "gw-ec",
            "icbc": "gw-rsa",
            "alipay": "gw-rsa",
            "alipay3": "gw-rsa",
        },
    )
    return catalog.compile_snapshot(
        catalog.load(), view, lambda *_: True, version=1, built_at=int(NOW) - 5
    )


class FormEdge:
    """The edge, what it executed, and requests as the public clients write them."""

    def __init__(self, serving: Serving | None = None) -> None:
        self.calls: list[Call] = []
        self.answers: dict[str, Answer | BanksideError] = {}
        self.now = NOW
        self.replay = MemoryReplay()
        self.meter = MemoryMeter()
        self._sent = 0
        self.pipeline = Pipeline(
            Ports(
                snapshots=Current(serving or Serving.of(snapshot(), vault())),
                wires=(IcbcWire(), AlipayWire(), Alipay3Wire(), NativeWire()),
                handle=self._execute,
                replay=self.replay,
                limits=LocalLimits(),
                meter=self.meter,
            )
        )

    def _execute(self, call: Call) -> Answer:
        self.calls.append(call)
        found = self.answers.get(call.operation.id)
        if isinstance(found, BanksideError):
            raise found
        if found is not None:
            return found
        return Answer(201, {"id": "ord_1", "seen": dict(call.body), "query": dict(call.query)})

    def send(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Reply:
        """Pass raw request parts through the pipeline as the server does."""
        path, _, query = target.partition("?")
        self._sent += 1
        head = {name.lower(): value for name, value in (headers or {}).items()}
        x = Exchange(method, path, query, head, body, "192.0.2.7", self.now, f"{self._sent:024x}")
        outcome = self.pipeline(x)
        return outcome if isinstance(outcome, Reply) else asyncio.run(_resolved(outcome))

    def icbc(self, **changes: Any) -> IcbcClient:
        """The ICBC-rule client of the SHA-256 app."""

        def send(
            method: str, target: str, headers: Mapping[str, str], body: bytes
        ) -> tuple[int, bytes]:
            reply = self.send(method, target, headers, body)
            return reply.status, reply.body

        options: dict[str, Any] = {
            "app_id": RSA2,
            "private_key": private_key("rsa-sha256"),
            "bank_public_key": bank_public_key(),
            "send": send,
            "now": lambda: datetime.fromtimestamp(self.now, UTC),
        }
        return IcbcClient(**(options | changes))

    def v2_params(self, method: str, content: Any = None, **common: str) -> dict[str, str]:
        """The unsigned parameters of a v2 call."""
        local = datetime.fromtimestamp(self.now + 8 * 3600, UTC)
        params = {
            "app_id": RSA2,
            "method": method,
            "format": "JSON",
            "charset": "utf-8",
            "sign_type": "RSA2",
            "timestamp": local.strftime("%Y-%m-%d %H:%M:%S"),
            "version": "1.0",
            "biz_content": content if isinstance(content, str) else json.dumps(content or {}),
        }
        return params | common

    def v2(self, method: str, content: Any = None, **common: str) -> dict[str, Any]:
        """Sign, send and verify a v2 call; the node."""
        params = self.v2_params(method, content, **common)
        return self.v2_node(self.v2_send(alipay.signed_form(params, app_signer())), method)

    def v2_send(self, form: Mapping[str, str], *, charset: str = "utf-8") -> Reply:
        """Post a v2 form as it is."""
        body = urlencode(form, encoding=charset).encode()
        head = {"content-type": "application/x-www-form-urlencoded"}
        return self.send("POST", "/gateway.do", head, body)

    def v2_node(self, reply: Reply, method: str, *, charset: str = "utf-8") -> dict[str, Any]:
        """The node of a v2 answer after the checks every public SDK makes."""
        assert reply.status == 200
        text = reply.body.decode(charset)
        root = method.replace(".", "_") + "_response"
        assert alipay.answer_verifies(text, root, bank_verifier(), charset=charset), text
        node = json.loads(text)[root]
        if isinstance(node, dict):
            assert braces_cut(text, root) == alipay.answer_parts(text, root)[0]
        return node if isinstance(node, dict) else {"encrypted": node}

    def v3(
        self, method: str, target: str, content: Any = None, **options: Any
    ) -> tuple[Reply, dict[str, Any]]:
        """Sign, send and verify a v3 call; the reply and its JSON body."""
        reply = self.send(*self.v3_request(method, target, content, **options))
        assert alipay.answer_verifies_v3(dict(reply.headers), reply.body, bank_verifier())
        return reply, json.loads(reply.body)

    def v3_request(
        self,
        method: str,
        target: str,
        content: Any = None,
        *,
        token: str | None = None,
        nonce: str = "",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[str, str, dict[str, str], bytes]:
        """A signed v3 request as raw parts."""
        self._sent += 1
        sent = body if body is not None else (json.dumps(content).encode() if content else b"")
        text = alipay.authorisation_v3(RSA2, nonce or f"n-{self._sent}", int(self.now * 1000))
        message = alipay.request_message_v3(text, method, target, sent, token=token)
        head = {
            "content-type": "application/json",
            "authorization": alipay.authorization_header_v3(text, message, app_signer()),
        }
        if token is not None:
            head["alipay-app-auth-token"] = token
        return method, target, head | dict(headers or {}), sent


async def _resolved(outcome: Any) -> Reply:
    reply: Reply = await outcome
    return reply


@cache
def bank_public_key() -> bytes:
    return public_der(private_key("rsa-sha256", "bank"))


@cache
def app_signer(alg: str = "rsa-sha256", name: str = "partner") -> Signer:
    return signer(alg, private_key("rsa-sha256" if name == "partner" else "rsa-sha1", name))


@cache
def bank_verifier(alg: str = "rsa-sha256") -> Verifier:
    return verifier(alg, bank_public_key())


def braces_cut(text: str, root: str) -> str:
    """The signed text as a client finds it that counts braces and does not look at quotes."""
    start = text.index("{", text.index(root))
    depth = 0
    for index, character in enumerate(text[start:], start):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[start : index + 1]
    return text[start:]


def b64_aes_key() -> str:
    return base64.b64encode(AES_KEY).decode()


# Where (as a fraction of the length), how many bytes go, and what stands there instead.
Mutation = tuple[int, int, bytes]
MUTATION: st.SearchStrategy[Mutation] = st.tuples(
    st.integers(0, 999), st.integers(0, 3), st.binary(max_size=3)
)


def mutated(raw: bytes, mutations: Sequence[Mutation]) -> bytes:
    """``raw`` with each mutation carried out in turn."""
    changed = bytearray(raw)
    for place, gone, instead in mutations:
        at = place * len(changed) // 1_000
        changed[at : at + gone] = instead
    return bytes(changed)
