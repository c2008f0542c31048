"""An edge in memory that takes access tokens: a few operations of each kind of access."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import msgspec
from tests.gateway.edge import ECHO, Edge, partner_app
from tests.gateway.holder import ORIGIN, Holder

from bankside.gateway.exchange import Reply
from bankside.gateway.tokens import Access, Ended, Tokens
from bankside.gateway.wires.native import NativeWire
from bankside.gateway.wires.token import TokenWire
from bankside.kernel.signing.rfc9421 import Request

READ = replace(
    ECHO,
    id="open-banking.accounts.list",
    method="GET",
    path="/open-banking/v3.1/aisp/accounts",
    product="open-banking",
    icbc_path="/api/open-banking/accounts/list/V1",
    scopes=frozenset({"accounts"}),
    access="customer",
)
ITEM = replace(
    READ,
    id="open-banking.accounts.query",
    path="/open-banking/v3.1/aisp/accounts/{AccountId}",
    icbc_path="/api/open-banking/accounts/query/V1",
)
PAY = replace(
    READ,
    id="open-banking.domestic-payments.create",
    method="POST",
    path="/open-banking/v3.1/pisp/domestic-payments",
    icbc_path="/api/open-banking/domestic-payments/create/V1",
    scopes=frozenset({"payments"}),
    moves_money=True,
    writes=True,
)
CONSENT = replace(
    PAY,
    id="open-banking.account-access-consents.create",
    path="/open-banking/v3.1/aisp/account-access-consents",
    icbc_path="/api/open-banking/account-access-consents/create/V1",
    scopes=frozenset({"accounts"}),
    access="client",
    moves_money=False,
)
BALANCE = replace(
    READ,
    id="account.account-balances.query",
    path="/v1/account-balances/{accountBalanceId}",
    icbc_path="/api/account/account-balances/query/V1",
    scopes=frozenset({"accounts:read"}),
    access="either",
)
OPERATIONS = (READ, ITEM, PAY, CONSENT, BALANCE, ECHO)
CLIENT = "app_food"
PARTNER = "prt_food"


class TokenEdge(Edge):
    """The in-memory edge with a token store whose look-ups are counted."""

    def __init__(self, *apps: Any, **options: Any) -> None:
        self.asked: list[str] = []
        self.good: dict[str, Access] = {}
        self.boot = 1_000.0
        self.tokens = Tokens(self._look_up, clock=lambda: self.boot)
        self.tokens.begin(0)
        self.tokens.hold(self.boot + 1_000)
        header = options.pop("certificate_header", "")
        super().__init__(
            *apps or (subscribed(),),
            operations=OPERATIONS,
            wires=(TokenWire(ORIGIN, self.tokens, certificate_header=header), NativeWire()),
            tokens=self.tokens,
            **options,
        )

    async def _look_up(self, token: str) -> Access | None:
        self.asked.append(token)
        return self.good.get(token)

    def holder(self, token: str = "at-good", *, alg: str = "ES256", **change: Any) -> Holder:
        """A client with a token of a customer's grant; ``change`` alters what it stands for."""
        holder = Holder(token, self.now, alg=alg)
        access = Access(
            partner=PARTNER,
            client=CLIENT,
            grant="grt_1",
            customer="cus_1",
            scopes=frozenset({"accounts", "payments"}),
            details=(),
            jkt=holder.jkt,
            expires_at=self.now + 300,
        )
        self.good[token] = msgspec.structs.replace(access, **change)
        return holder

    def clients_own(self, token: str = "at-own") -> Holder:
        """A client with a token of client_credentials."""
        return self.holder(token, grant=None, customer=None)

    async def by_token(
        self, holder: Holder, method: str, path: str, *, body: Any = None, **headers: Any
    ) -> Reply:
        """One call with an honest proof; a header given as None is left out."""
        sent = {"host": "bank.example", **holder.headers(method, path)}
        if body is not None:
            sent["content-type"] = "application/json"
        for name, value in headers.items():
            sent.pop(name.replace("_", "-"), None)
            if value is not None:
                sent[name.replace("_", "-")] = value
        content = b"" if body is None else msgspec.json.encode(body)
        return await self.send(Request(method, path, "", sent, content))

    def revoke(self, *marks: str) -> None:
        """What an edge does when it hears of a revocation."""
        self.tokens.apply([Ended(self.tokens.applied + 1, marks)])


def subscribed(**change: Any) -> Any:
    """The app of these tests."""
    products = frozenset({"open-banking", "platform", PAY.product, BALANCE.product})
    return partner_app(products=products, scopes=frozenset({"accounts:read"}), **change)


def challenge(reply: Reply) -> str:
    """WWW-Authenticate of a refusal, "" without one."""
    return dict(reply.headers).get("www-authenticate", "")


def error(reply: Reply) -> tuple[int, str]:
    """The status and the error word of WWW-Authenticate."""
    word = challenge(reply).partition('error="')[2].partition('"')[0]
    return reply.status, word


def waits(value: Any) -> Awaitable[Any]:
    """An executing room that answers later."""

    async def later() -> Any:
        return value

    return later()
