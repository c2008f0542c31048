"""Paying and giving up at the hosted page: what the web process asks of orders.

Always true: a payment is one commit of the order's own (the payer's legs, the journal, the events),
so a second click, another window or another customer finds it paid and pays nothing; what was
agreed to (digest, customer, account, methods of authentication) stands in the order's book from
that commit on. The customer was authenticated by whoever calls; its accounts are looked up here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from bankside.bank.accounts import (
    Account,
    AccountStatus,
    account,
    accounts_of,
    is_locked,
    may_pay,
)
from bankside.bank.merchants import merchant
from bankside.catalog import Product
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection
from bankside.orders import engine, limits, store_keys
from bankside.orders.desk import ATTEMPTS_MAX, Desk, Moved, Unit
from bankside.orders.errors import AccountUnknown, OrderBusy, OrderClosed
from bankside.orders.errors_pages import PaymentPageUnknown, PaymentTermsChanged
from bankside.orders.families.desk_page import (
    SECTION,
    PageState,
    PaymentPage,
    order_at,
    read_order,
    shown,
)
from bankside.orders.model import Order
from bankside.orders.sandbox.clocks import in_space

# A customer with more accounts than a page can show is no customer of these pages.
ACCOUNTS_MAX = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Paying:
    """A customer's yes: from which account, and the digest of what the page had shown.

    ``amr`` are the methods the customer was authenticated with just now (RFC 8176).
    """

    customer: str
    account: str
    terms: bytes
    amr: tuple[str, ...]


class PaymentPages:
    """The hosted pages of all partners; a page is named by the key in its address."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def page(self, key: str) -> PaymentPage:
        """The page as it stands now. Raises PaymentPageUnknown, Unavailable."""
        return await _page(await self._desk_at(key), key)

    async def accounts(self, page: PaymentPage, customer: str) -> list[Account]:
        """The customer's open accounts in the order's currency, the payee's own left out."""
        async with self._desk.reading() as db:
            found = await accounts_of(db, page.order.partner, customer=customer, limit=ACCOUNTS_MAX)
        return [each for each in found.items if _fits(page.order, each)]

    async def payer_account(self, page: PaymentPage) -> Account | None:
        """The account the order was paid from at its page."""
        if page.account is None:
            return None
        async with self._desk.reading() as db:
            return await account(db, page.order.partner, page.account)

    async def product(self, page: PaymentPage) -> Product:
        """The product as the order began with it."""
        async with self._desk.reading() as db:
            return await self._desk.editions.of(db, page.order.product, page.order.product_version)

    async def pay(self, key: str, paying: Paying) -> None:
        """The customer pays the order.

        Raises OrderAlreadyPaid, OrderClosed (also at its last second), PaymentTermsChanged,
        AccountUnknown, the account's, the limits' and the ledger's refusals; then nothing changed.
        """
        await self._until_done(key, lambda desk: _pay(desk, key, paying))

    async def give_up(self, key: str) -> None:
        """The payer does not want to pay: the order is closed, if it can still be paid."""
        await self._until_done(key, lambda desk: _give_up(desk, key))

    async def _until_done(self, key: str, attempt: Callable[[Desk], Awaitable[None]]) -> None:
        desk = await self._desk_at(key)
        order = (await _page(desk, key)).order
        for _ in range(ATTEMPTS_MAX):
            try:
                async with desk.turn(order.id):
                    return await attempt(desk)
            except Moved:
                await asyncio.sleep(0)
        raise OrderBusy(retry_after=1)

    async def _desk_at(self, key: str) -> Desk:
        """The desk by the clock of the page's data space, which a sandbox may have moved."""
        async with self._desk.reading() as db:
            found = await order_at(db, key)
        if found is None:
            raise PaymentPageUnknown
        return await in_space(self._desk, found[0])


async def _page(desk: Desk, key: str) -> PaymentPage:
    async with desk.reading() as db:
        return await _read(db, desk, key)


async def _read(db: Connection, desk: Desk, key: str) -> PaymentPage:
    order = await read_order(db, key)
    payee = await merchant(db, order.partner, order.input["merchant"])
    return shown(order, (payee.name_zh, payee.name_en), desk.clock.now())


async def _pay(desk: Desk, key: str, paying: Paying) -> None:
    at = desk.clock.now()
    async with desk.reading() as db:
        page = await _read(db, desk, key)
        order = page.order
        engine.entrance(order, "collect.confirm")
        if paying.terms != page.terms:
            raise PaymentTermsChanged
        payer = await _payer(db, page, paying)
        spending = await limits.admitted(
            db,
            await desk.editions.of(db, order.product, order.product_version),
            partner=order.partner,
            subject=order.subject,
            amount=page.amount,
            at=at,
        )
    agreed = {
        "customer": paying.customer,
        "account": payer.id,
        "terms": paying.terms.hex(),
        "amr": list(paying.amr),
        "at": rfc3339(at),
    }
    told = replace(_noted(order, agreed=agreed), output={**order.output, "branch": payer.branch})
    await desk.commit(
        Unit(
            changes=(engine.run(told, "collect.confirm", {"payer": payer.ledger_account}, at),),
            refused=lambda group: engine.refused(order, "collect.confirm", group, at),
            writes=(store_keys.spent(spending),) if spending else (),
            narrative=order.reference or "",
        )
    )


async def _give_up(desk: Desk, key: str) -> None:
    page = await _page(desk, key)
    if page.state is not PageState.OPEN:
        return
    at = desk.clock.now()
    change = engine.close(_noted(page.order, given_up=rfc3339(at)), at, why="given up by the payer")
    await desk.commit(Unit(changes=(change,)))


async def _payer(db: Connection, page: PaymentPage, paying: Paying) -> Account:
    """The customer's own account that may pay this order. Raises AccountUnknown, refusals."""
    if page.state is PageState.EXPIRED:
        raise OrderClosed("the time to pay this order is over")
    partner = page.order.partner
    own = await accounts_of(db, partner, customer=paying.customer, limit=ACCOUNTS_MAX)
    found = next((each for each in own.items if each.id == paying.account), None)
    if found is None or found.currency != page.order.currency or _is_payee(page.order, found):
        raise AccountUnknown
    may_pay(found)
    return found


def _fits(order: Order, each: Account) -> bool:
    return (
        each.currency == order.currency
        and each.status is AccountStatus.OPEN
        and not is_locked(each)
        and not _is_payee(order, each)
    )


def _is_payee(order: Order, each: Account) -> bool:
    return each.ledger_account in order.roles.values()


def _noted(order: Order, **facts: Any) -> Order:
    """The order whose page knows more."""
    return replace(order, book={**order.book, SECTION: {**order.book[SECTION], **facts}})
