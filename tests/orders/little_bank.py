"""A little bank of its own for each test: accounts with money, a merchant, and a caller's hands.

Every bank is a data space (partner) with a fresh id, so tests share a database without meeting.
"""

import itertools
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any

from bankside.bank import ledger
from bankside.bank.accounts import (
    Account,
    House,
    Opening,
    ProductClass,
    ensure_house_accounts,
    house_account,
    issue_payer_token,
    open_account,
    put_sandbox_token,
)
from bankside.bank.customers import CustomerKind, Registration, register
from bankside.bank.ledger import Books, Group, Leg, group_id
from bankside.bank.merchants import Merchant, MerchantTerms, register_merchant, register_receiver
from bankside.catalog import load, route_of
from bankside.kernel.call import Answer, Call, Callback
from bankside.kernel.caller import Caller
from bankside.kernel.clock import FixedClock
from bankside.kernel.db import Pool, transaction
from bankside.kernel.errors import BanksideError
from bankside.kernel.ids import CustomerId, PartnerId
from bankside.kernel.money import Money
from bankside.kernel.snapshot import Operation
from bankside.orders import Orders
from bankside.orders.refusals import codes
from bankside.partners import NewApp, create_app, create_partner

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# A process begins anywhere among 6 million numbers: two that share a space do not meet.
_people = itertools.count(secrets.randbelow(5_300_000))


def operation(operation_id: str) -> Operation:
    """An operation of the catalogue as the snapshot carries it."""
    found = load().operations[operation_id]
    return route_of(load().product(found.product), found, available=True)


@cache
def declared(operation_id: str) -> frozenset[str]:
    """The codes that the operation's description names."""
    found = load().operations[operation_id]
    return frozenset(codes(load().product(found.product), found))


def cny(text: str) -> dict[str, str]:
    """An amount as requests write it."""
    return {"amount": text, "currency": "CNY"}


@dataclass
class LittleBank:
    """One partner's data space, and calls to the orders runtime as its app."""

    pool: Pool
    books: Books
    clock: FixedClock
    orders: Orders
    partner: str
    tenant: str | None = None
    environment: str = "sandbox"
    customer: CustomerId | None = None
    accounts: list[Account] = field(default_factory=list)
    _keys: "itertools.count[int]" = field(default_factory=itertools.count)

    async def account(self, balance: str = "0.00", currency: str = "CNY") -> Account:
        """An open account with this balance, paid in by the bank's opening account."""
        async with transaction(self.pool) as db:
            if self.customer is None:
                await ensure_house_accounts(db, "CNY")
                self.customer = (await register(db, self.clock, self.partner, a_person())).id
            if currency != "CNY":
                await ensure_house_accounts(db, currency)
            opened = await open_account(
                db,
                self.clock,
                self.partner,
                Opening(
                    customer=self.customer, product_class=ProductClass.CURRENT, currency=currency
                ),
            )
        await self.pay_in(opened.ledger_account, Money.parse(balance, currency))
        self.accounts.append(opened)
        return opened

    async def pay_in(self, ledger_account: str, amount: Money) -> None:
        """The account's first money, from the bank's opening account."""
        if amount.minor:
            leg = Leg(house_account(House.OPENING, amount.currency), ledger_account, amount)
            group = Group(group_id("opening", ledger_account), (leg,), kind="opening")
            await self.books.commit(group)

    async def merchant(
        self, *, currency: str = "CNY", tenant: str | None = None, **terms: Any
    ) -> Merchant:
        """A merchant with an empty settlement account."""
        settlement = await self.account(currency=currency)
        assert self.customer is not None
        asked = MerchantTerms(
            customer=self.customer,
            name_zh="海棠小馆",
            name_en="Begonia Kitchen",
            settlement_account=settlement.id,
            tenant=tenant,
            **terms,
        )
        async with transaction(self.pool) as db:
            return await register_merchant(db, self.clock, self.partner, asked)

    async def receiver(self, of: Merchant) -> Account:
        """An account that the merchant registered to share in its payments."""
        account = await self.account()
        async with transaction(self.pool) as db:
            await register_receiver(db, self.clock, of, account.id, relation="rider")
        return account

    async def pay(self, to: Merchant, amount: str, payer: Account | None = None) -> str:
        """A paid order that can be split; its id."""
        payer = payer or await self.account(amount)
        body = {
            "merchant": to.id,
            "order_no": f"S{secrets.token_hex(6)}",
            "amount": cny(amount),
            "payer_token": await self.token(payer),
        }
        return str((await self.shown("merchant.split-orders.create", body))["id"])

    async def token(self, payer: Account) -> str:
        """A payment code of the payer that can be used again and again."""
        code = f"28{secrets.randbelow(10**16):016d}"
        async with transaction(self.pool) as db:
            await put_sandbox_token(
                db,
                self.clock,
                self.partner,
                payer.id,
                code=code,
                until=self.clock.now() + timedelta(days=400),
            )
        return code

    async def one_use_token(self, payer: Account) -> str:
        """A payment code that pays once within a minute."""
        async with transaction(self.pool) as db:
            return await issue_payer_token(db, self.clock, self.partner, payer.id)

    def caller(self) -> Caller:
        """The app that calls."""
        return Caller(
            self.partner, f"app_{self.partner}", tenant=self.tenant, environment=self.environment
        )

    async def registered(self) -> None:
        """Partner and app stand in the contracts, for what looks them up there."""
        async with transaction(self.pool) as db:
            partner = PartnerId(self.partner)
            await create_partner(db, self.clock, name_zh="甲", name_en="A", partner_id=partner)
            new = NewApp(name="app", id=self.caller().app)
            await create_app(db, self.clock, partner, new)

    async def call(
        self,
        operation_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        path: str | None = None,
        query: Mapping[str, str] | None = None,
        key: str | None = None,
        callback: Callback | None = None,
    ) -> Answer:
        """Carry out one call; a fresh idempotency key unless one is given."""
        asked = operation(operation_id)
        if key is None and asked.writes:
            key = f"key-{next(self._keys)}"
        call = Call(
            operation=asked,
            caller=self.caller(),
            path={"id": path} if path else {},
            query=query or {},
            body=body or {},
            idempotency_key=key,
            callback=callback,
        )
        try:
            answer = self.orders.handle(call)
            return answer if isinstance(answer, Answer) else await answer
        except BanksideError as refused:
            # What an operation refuses with stands in its description.
            assert refused.code in declared(operation_id), (operation_id, refused.code)
            raise

    async def shown(self, operation_id: str, body: Any = None, **more: Any) -> dict[str, Any]:
        """The JSON body of a call's answer."""
        answer = await self.call(operation_id, body, **more)
        assert isinstance(answer.body, Mapping)
        return dict(answer.body)

    async def counted(self, product: str) -> int:
        """What orders of the product count against days' limits, in minor units."""
        async with self.pool.acquire() as db:
            found = await db.fetchval(
                "select coalesce(sum(spent), 0)::bigint from orders.usage"
                " where partner_id = $1 and product = $2",
                self.partner,
                product,
            )
        return int(found)

    async def money(self, *ledger_accounts: str) -> list[int]:
        """Balances in minor units, holds not included."""
        async with self.pool.acquire() as db:
            found = await ledger.balances(db, ledger_accounts)
        return [found[each].available.minor for each in ledger_accounts]

    async def balance(self, account: Account | str) -> str:
        """What can be paid from the account."""
        name = account if isinstance(account, str) else account.ledger_account
        async with self.pool.acquire() as db:
            return str((await ledger.balance(db, name)).available)


def a_person() -> Registration:
    """Somebody of working age with a resident id that nobody else of this process has."""
    # Serials 112 to 998: the registers of the sandbox refuse what ends in 0000, 1111 and 9999.
    rest, serial = divmod(next(_people), 887)
    rest, day = divmod(rest, 28)
    year, month = divmod(rest, 12)
    digits = f"110105{1980 + year % 20}{1 + month:02d}{1 + day:02d}{112 + serial:03d}"
    total = sum(int(d) * w for d, w in zip(digits, _RESIDENT_WEIGHTS, strict=True))
    return Registration(
        kind=CustomerKind.RETAIL,
        name_zh="林晓雨",
        name_en="Lin Xiaoyu",
        resident_id=digits + "10X98765432"[total % 11],
    )
