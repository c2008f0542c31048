"""The running platform, the demo app every SDK signs as, and one client of each SDK."""

import http.client
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.platform import Platform
from tests.sdks.harness import ANSWER_SECONDS, Relay, port_80, relaying
from tests.sdks.icbc_client import IcbcClient
from tests.sdks.sdks import MATRIX, Sdk, Setup

from bankside.kernel.money import Money


@dataclass(frozen=True)
class Demo:
    """What ``demo.json`` tells a script: an app with every wire, its keys, merchant and payer."""

    edge: str
    facts: dict[str, Any]

    @property
    def app(self) -> dict[str, Any]:
        """The app that has a key on each of the form dialects."""
        wanted = {"icbc", "alipay", "alipay3"}
        found: dict[str, Any] = next(
            each for each in self.facts["apps"] if wanted <= set(each["wires"])
        )
        return found

    @property
    def payer_token(self) -> str:
        """A payment code of a payer in the app's data space who has money."""
        return str(self._own("payer_tokens")["code"])

    @property
    def merchant(self) -> dict[str, Any]:
        """The partner's own merchant (not a tenant's)."""
        return self._own("merchants")

    @property
    def tenant_tokens(self) -> tuple[str, str]:
        """The tokens by which the app acts for two of its tenants."""
        first, second, *_ = (str(each["app_auth_token"]) for each in self.app["tenants"])
        return first, second

    def setup(self, wire: str, gateway: str) -> Setup:
        """How a partner configures a client of a wire."""
        facts = self.app["wires"][wire]
        return Setup(
            gateway=gateway,
            app_id=self.app["app_id"],
            private_key=Path(facts["private_key_file"]).read_bytes(),
            bank_public_key=Path(facts["bank_public_key_file"]).read_bytes(),
            aes_key=Path(facts["aes_key_file"]).read_text().strip(),
        )

    @property
    def payer(self) -> str:
        """The account behind ``payer_token``."""
        return str(self._own("payer_tokens")["account"])

    @property
    def payee(self) -> str:
        """Another account of the partner's data space, in the same currency."""
        return str(self.merchant["account"])

    @property
    def receiver(self) -> str:
        """An account that the merchant registered as receiver of its splits."""
        return str(self.merchant["receivers"][0]["account"])

    def icbc(self, *, aes: bool = False) -> IcbcClient:
        """The app's client on the ICBC-style wire; with ``aes`` its contents travel encrypted."""
        setup = self.setup("icbc", self.edge)
        return IcbcClient(
            app_id=setup.app_id,
            private_key=setup.private_key,
            bank_public_key=setup.bank_public_key,
            send=self.send,
            aes_key=setup.aes_key if aes else "",
        )

    def balance(self) -> Money:
        """What the payer's account has available now."""
        path, asked = "/api/account/account-balances/query/V1", {"account_balance_id": self.payer}
        available = self.icbc().call(path, asked)["available"]
        return Money.parse(available["amount"], available["currency"])

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, bytes]:
        """One raw request; status and body of its answer."""
        connection = http.client.HTTPConnection(
            self.edge.removeprefix("http://"), timeout=ANSWER_SECONDS
        )
        connection.request(method, target, body or None, dict(headers))
        answer = connection.getresponse()
        read = answer.status, answer.read()
        connection.close()
        return read

    def _own(self, kind: str) -> dict[str, Any]:
        found: dict[str, Any] = next(
            each
            for each in self.facts[kind]
            if each["partner"] == self.app["partner"] and not each.get("tenant")
        )
        return found


@pytest.fixture(scope="session")
def demo(platform: Platform) -> Demo:
    return Demo(platform.edge, platform.demo)


@dataclass(frozen=True)
class Client:
    """An SDK and the wire it speaks through a relay of its own."""

    sdk: Sdk
    relay: Relay


@pytest.fixture(scope="session")
def client_of(demo: Demo) -> Iterator[Callable[[type[Sdk]], Client]]:
    """Gives the one client of an SDK kind; skips where its SDK cannot run."""
    made: dict[type[Sdk], Client] = {}
    with ExitStack() as open_things:

        def of(kind: type[Sdk]) -> Client:
            if kind not in made:
                listening = (port_80 if kind.port_80_only else relaying)(demo.edge)
                relay = open_things.enter_context(listening)
                sdk = kind(demo.setup(kind.wire, relay.url))
                open_things.callback(sdk.close)
                made[kind] = Client(sdk, relay)
            return made[kind]

        yield of


@pytest.fixture(params=MATRIX, ids=lambda kind: kind.name)
def client(request: pytest.FixtureRequest, client_of: Callable[[type[Sdk]], Client]) -> Client:
    """Each SDK of the matrix in turn."""
    return client_of(request.param)


@pytest.fixture
def sdk(client: Client) -> Sdk:
    return client.sdk


@pytest.fixture
def number() -> str:
    """A fresh number of the partner's own."""
    return "T" + uuid.uuid4().hex[:20]
