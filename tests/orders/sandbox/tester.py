"""A sandbox app as it calls about itself: its space, its people, its clock."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from tests.orders.little_bank import LittleBank
from tests.partners.builders import VAULT, a_partner, an_app

from bankside.kernel.caller import Caller
from bankside.kernel.db import transaction
from bankside.kernel.ids import AccountId, MerchantId
from bankside.orders.sandbox import people
from bankside.partners import snapshot_view


@dataclass
class SandboxApp(LittleBank):
    """Calls as one app, as the snapshot knows it: ``learn`` takes a new snapshot."""

    app: str = ""
    ahead_s: int = 0
    consent: str | None = None

    def caller(self) -> Caller:
        return Caller(
            self.partner,
            self.app,
            tenant=self.tenant,
            environment=self.environment,
            ahead_s=self.ahead_s,
            consent=self.consent,
        )

    async def learn(self) -> None:
        """The newest snapshot says whose app it is and what time it is there."""
        async with self.pool.acquire() as db:
            view = await snapshot_view(db, self.clock)
        self.partner, self.ahead_s = view.apps[self.app].partner, view.apps[self.app].ahead_s

    async def create(self) -> Mapping[str, Any]:
        """The app gets its own space."""
        answer = await self.shown("platform.spaces.create", {"app": self.app})
        await self.learn()
        return answer

    async def advance(self, **by: Any) -> Mapping[str, Any]:
        """The clock goes on; the snapshot is not learnt of it."""
        return await self.shown("platform.clock-advances.create", by)

    async def balance_of(self, key: str) -> str:
        """What an account of the people has."""
        return await self.balance(self.account_of(key))

    def account_of(self, key: str) -> AccountId:
        """An account of the people, by its key."""
        return people.account_id(self.partner, key)

    def merchant_of(self, key: str = "begonia") -> MerchantId:
        """A merchant of the people, by its key."""
        return people.merchant_id(self.partner, key)

    def code_of(self, key: str = "lin.xiaoyu") -> str:
        """The payment code of one of the people."""
        return people.payer_code(self.partner, key)


async def a_tester(bank: LittleBank, *, environment: str = "sandbox") -> SandboxApp:
    """A partner with one app, in the partner's shared data space."""
    bank.orders.keep_secrets_in(VAULT)
    async with transaction(bank.pool) as db:
        partner = await a_partner(db, bank.clock)
        app = await an_app(db, bank.clock, partner)
    fields = {name: getattr(bank, name) for name in ("pool", "books", "clock", "orders")}
    return SandboxApp(**fields, partner=partner.id, app=app.id, environment=environment)


def other_app(tester: SandboxApp, app: str, partner: str) -> SandboxApp:
    """The same partner's other app."""
    return replace(tester, app=app, partner=partner, ahead_s=0)
