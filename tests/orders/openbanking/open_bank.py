"""A client of UK Open Banking in front of the runtime, and a customer who says yes without a page.

Calls carry a hand-made Caller, as the edge makes it once a token is proven.
"""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.identity.fapi.rig import public_jwk
from tests.orders.little_bank import LittleBank
from tests.partners.builders import a_partner

from bankside.bank.accounts import Account
from bankside.bank.ledger import Books
from bankside.catalog import load, route_of
from bankside.identity import NewClient, create_client
from bankside.identity.consents import (
    Agreement,
    Consent,
    authorise_consent,
    consent,
    request_of,
    revoke_consent,
    terms_digest,
)
from bankside.kernel.call import Answer, Call
from bankside.kernel.caller import Caller
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.snapshot import Operation
from bankside.orders import Orders
from bankside.partners import NewApp, create_app

READS = [
    "ReadAccountsDetail",
    "ReadBalances",
    "ReadTransactionsDetail",
    "ReadTransactionsCredits",
    "ReadTransactionsDebits",
]
SCHEME = "BANKSIDE.AccountNumber"
SCOPES = ("openid", "accounts", "payments", "fundsconfirmations")
Json = dict[str, Any]


def operation(name: str) -> Operation:
    """An operation as the snapshot carries it; ``name`` without ``open-banking.``."""
    found = load().operations[f"open-banking.{name}"]
    return route_of(load().open_banking, found, available=True)


@dataclass
class OpenBank:
    """One partner's bank with two clients; ``client`` is the one that calls."""

    bank: LittleBank
    client: str
    neighbour: str
    _keys: "itertools.count[int]" = field(default_factory=itertools.count)

    @classmethod
    async def open(cls, pool: Pool, books: Books, clock: FixedClock) -> "OpenBank":
        """A new partner's bank."""
        orders = Orders(pool, books, clock, load(), address="https://edge.example")
        async with transaction(pool) as db:
            partner = (await a_partner(db, clock)).id
            ids = []
            for name in ("Budget app", "Other app"):
                app = await create_app(db, clock, partner, NewApp(name=name))
                jwk = {**public_jwk("ES256", name), "kid": name, "alg": "ES256"}
                new = NewClient(
                    name=name,
                    jwks={"keys": [jwk]},
                    redirect_uris=("https://app.example/callback",),
                    scopes=SCOPES,
                )
                await create_client(db, clock, partner, new, app=app.id)
                ids.append(app.id)
        return cls(LittleBank(pool, books, clock, orders, partner), *ids)

    def caller(self, grant: str | None = None, psu: str | None = None) -> Caller:
        """The client by its own token, or by a customer's."""
        return Caller(
            self.bank.partner,
            self.client,
            psu=psu or (self.bank.customer if grant else None),
            scopes=frozenset(SCOPES),
            wire="token",
            grant=grant,
            proof=secrets.token_hex(8),
        )

    async def call(
        self,
        name: str,
        body: Mapping[str, Any] | None = None,
        *,
        grant: str | None = None,
        psu: str | None = None,
        path: str | None = None,
        query: Mapping[str, str] | None = None,
        key: str | None = "",
    ) -> Answer:
        """Carry out one call; a fresh idempotency key where one is needed unless it is given."""
        asked = operation(name)
        if key == "":
            needs = load().operations[asked.id].needs_key
            key = f"key-{next(self._keys)}" if needs else None
        hole = asked.path.partition("{")[2].partition("}")[0]
        answer = self.bank.orders.handle(
            Call(
                operation=asked,
                caller=self.caller(grant, psu),
                path={hole: path} if path and hole else {},
                query=query or {},
                body=body or {},
                idempotency_key=key,
            )
        )
        return answer if isinstance(answer, Answer) else await answer

    async def data(self, name: str, body: Any = None, **more: Any) -> Json:
        """The member ``Data`` of a success."""
        answer = await self.call(name, body, **more)
        assert isinstance(answer.body, Mapping)
        return dict(answer.body["Data"])

    async def say_yes(self, consent_id: str, *accounts: Account) -> str:
        """The bank's customer agrees to all that is asked, on these accounts; the grant's id."""
        assert self.bank.customer is not None
        grant = f"grt_{secrets.token_hex(8)}"
        async with transaction(self.bank.pool) as db:
            found = await self.consent(consent_id)
            said = Agreement(
                customer=self.bank.customer,
                accounts={each.id: found.permissions for each in accounts},
                shown=terms_digest(request_of(found)),
                amr=("pwd", "otp"),
                grant=grant,
            )
            await authorise_consent(db, self.bank.clock, self.bank.partner, consent_id, said)
        return grant

    async def take_back(self, consent_id: str) -> None:
        """The customer revokes the consent on our page."""
        assert self.bank.customer is not None
        async with transaction(self.bank.pool) as db:
            await revoke_consent(
                db, self.bank.clock, self.bank.partner, consent_id, customer=self.bank.customer
            )

    async def consent(self, consent_id: str) -> Consent:
        """The consent as it stands."""
        async with self.bank.pool.acquire() as db:
            return await consent(db, self.bank.clock, self.bank.partner, consent_id)

    async def reading(
        self, *accounts: Account, permissions: list[str] | None = None, **terms: str
    ) -> str:
        """The grant of a consent to read the accounts."""
        asked = {"Permissions": permissions or READS, **terms}
        made = await self.data("account-access-consents.create", {"Data": asked, "Risk": {}})
        return await self.say_yes(made["ConsentId"], *accounts)


def account_of(account: Account, name: str = "Begonia Kitchen") -> Json:
    """The account as requests name it."""
    return {"SchemeName": SCHEME, "Identification": account.number, "Name": name}


def a_payment(payee: Account, amount: str = "10.50", **change: Any) -> Json:
    """An Initiation: valid and boring."""
    return {
        "InstructionIdentification": "I-1",
        "EndToEndIdentification": "E-1",
        "InstructedAmount": {"Amount": amount, "Currency": "CNY"},
        "CreditorAccount": account_of(payee),
        "RemittanceInformation": {"Unstructured": "Order 7", "Reference": "R7"},
        **change,
    }


RISK: Json = {"PaymentContextCode": "EcommerceGoods", "MerchantCategoryCode": "5967"}


def consent_body(initiation: Json, **change: Any) -> Json:
    """The request for a consent to one payment."""
    return {"Data": {"Initiation": initiation, **change}, "Risk": RISK}


def payment_body(consent_id: str, initiation: Json, *, risk: Json = RISK) -> Json:
    """The request of a payment under a consent."""
    return {"Data": {"ConsentId": consent_id, "Initiation": initiation}, "Risk": risk}


def limits_body(payee: Account, *limits: tuple[str, str, str], most: str = "50.00") -> Json:
    """The request for a consent to payments within limits: (period, alignment, amount) each."""
    return {
        "Data": {
            "ControlParameters": {
                "MaximumIndividualAmount": {"Amount": most, "Currency": "CNY"},
                "PeriodicLimits": [
                    {
                        "PeriodType": period,
                        "PeriodAlignment": alignment,
                        "Amount": amount,
                        "Currency": "CNY",
                    }
                    for period, alignment, amount in limits
                ],
                "VRPType": ["UK.OBIE.VRPType.Sweeping"],
                "PSUAuthenticationMethods": ["UK.OBIE.SCANotRequired"],
            },
            "Initiation": {"CreditorAccount": account_of(payee)},
        },
        "Risk": RISK,
    }


def recurring_body(consent_id: str, payee: Account, amount: str, *, number: str = "V1") -> Json:
    """The request of one payment within limits."""
    return {
        "Data": {
            "ConsentId": consent_id,
            "PSUAuthenticationMethod": "UK.OBIE.SCANotRequired",
            "Initiation": {"CreditorAccount": account_of(payee)},
            "Instruction": {
                "InstructionIdentification": number,
                "EndToEndIdentification": number,
                "InstructedAmount": {"Amount": amount, "Currency": "CNY"},
                "CreditorAccount": account_of(payee),
            },
        },
        "Risk": RISK,
    }
