"""The hosted page of a waiting collected order: its address, what it shows, and how it stands.

Always true: an address leads to one order, cannot be guessed (256 random bits) and outlives nothing
but the order's time to pay; whoever has it sees payee, amount and order, and no payer; how the page
stands is decided from the order and the clock by one function. Where the payer's browser goes
afterwards was named in the partner's signed request, is one that was registered for its app, and is
never taken from a browser.
"""

import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from bankside.kernel.call import Callback
from bankside.kernel.clock import rfc3339
from bankside.kernel.db import Connection, Write
from bankside.kernel.egress import EgressRefused, browser_address
from bankside.kernel.ids import PartnerId
from bankside.kernel.money import Money
from bankside.orders import store, store_pages
from bankside.orders.desk import Desk, Ticket
from bankside.orders.errors_pages import (
    PaymentPageUnknown,
    ReturnAddressForeign,
    ReturnAddressRefused,
)
from bankside.orders.inputs import fault
from bankside.orders.model import Order, State
from bankside.orders.primitives.collect import UNPAID_SECONDS_DEFAULT
from bankside.partners import may_return_to

# The section of an order's book that knows its page.
SECTION = "page"
PATH = "/pay/"
_KEY = re.compile(r"[A-Za-z0-9_-]{43}")


class PageState(StrEnum):
    """What a page can say of its order."""

    OPEN = "open"
    PAID = "paid"
    REFUNDED = "refunded"
    CLOSED = "closed"
    EXPIRED = "expired"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """An order as its page shows it at one instant; ``until`` is the first second too late to pay.

    ``payer`` is the customer who paid here, ``account`` the id of the account it paid from.
    """

    order: Order
    address: str
    state: PageState
    until: datetime
    payee_zh: str
    payee_en: str
    return_to: Callback | None = None
    payer: str | None = None
    account: str | None = None

    @property
    def amount(self) -> Money:
        """What is to be paid, or was."""
        return self.order.money(self.order.amount)

    @property
    def paid_at(self) -> datetime | None:
        """When it was paid, here or elsewhere."""
        at = self.order.output.get("paid_at")
        return datetime.fromisoformat(at) if at else None

    @property
    def terms(self) -> bytes:
        """SHA-256 over what a payer agrees to: order, payee and amount; any change makes another.

        Source: the payment consent's digest (security guide, section 2: the approval is bound to
        amount and creditor).
        """
        order = self.order
        said = [order.id, order.reference, order.input["merchant"], order.subject]
        said += [self.payee_zh, self.payee_en, str(self.amount), order.currency]
        return hashlib.sha256(json.dumps(said, ensure_ascii=True).encode()).digest()


async def addressed(
    db: Connection, desk: Desk, ticket: Ticket, order: Order, form: Mapping[str, Any]
) -> tuple[Order, tuple[Write, ...]]:
    """The new order with the address of its page, and the row that leads there.

    Raises ReturnAddressRefused, ReturnAddressForeign.
    """
    key = secrets.token_urlsafe(32)
    seconds = form.get("expires_in_seconds", UNPAID_SECONDS_DEFAULT)
    page: dict[str, Any] = {
        "url": f"{desk.pages}{PATH}{key}",
        "until": rfc3339(ticket.at + timedelta(seconds=seconds)),
    }
    back = ticket.call.return_to or _named(form)
    if back is not None:
        if not await may_return_to(db, PartnerId(order.partner), order.app, back.url):
            error = fault("/return_url", ReturnAddressForeign.code, "is not registered")
            raise ReturnAddressForeign(errors=[error])
        page["return_to"] = msgspec.to_builtins(back)
    writes = (store_pages.opened(order.partner, order.id, key, at=ticket.at),)
    return replace(order, book={**order.book, SECTION: page}), writes


def address_of(order: Order) -> str | None:
    """The page of an order that has one."""
    page = order.book.get(SECTION)
    return str(page["url"]) if page else None


async def order_at(db: Connection, address: str) -> tuple[str, str] | None:
    """(partner, order id) behind a page's address or its key; None when there is none."""
    key = address.rpartition("/")[2]
    return await store_pages.order_of(db, key) if _KEY.fullmatch(key) else None


async def read_order(db: Connection, key: str) -> Order:
    """The order of a page. Raises PaymentPageUnknown."""
    found = await order_at(db, key)
    order = await store.find(db, store.Scope(found[0], None), found[1]) if found else None
    if order is None:
        raise PaymentPageUnknown
    return order


def shown(order: Order, payee: tuple[str, str], at: datetime) -> PaymentPage:
    """The page of an order at this instant; ``payee``: its names in Chinese and English."""
    page = order.book[SECTION]
    until = datetime.fromisoformat(page["until"])
    back = page.get("return_to")
    agreed = page.get("agreed", {})
    return PaymentPage(
        order=order,
        address=page["url"],
        state=state_of(order, until, at),
        until=until,
        payee_zh=payee[0],
        payee_en=payee[1],
        return_to=msgspec.convert(back, Callback) if back else None,
        payer=agreed.get("customer"),
        account=agreed.get("account"),
    )


def state_of(order: Order, until: datetime, at: datetime) -> PageState:
    """How the order stands for its payer at this instant; at ``until`` it is too late."""
    if order.paid:
        return PageState.REFUNDED if order.refunded == order.paid else PageState.PAID
    if order.state is State.REFUSED:
        return PageState.REFUSED
    if order.state is State.EXPIRED:
        return PageState.EXPIRED if order.updated_at >= until else PageState.CLOSED
    return PageState.EXPIRED if at >= until else PageState.OPEN


def _named(form: Mapping[str, Any]) -> Callback | None:
    """The way back that a native request names."""
    address = form.get("return_url")
    if address is None:
        return None
    try:
        browser_address(address)
    except EgressRefused as refused:
        error = fault("/return_url", ReturnAddressRefused.code, refused.detail)
        raise ReturnAddressRefused(refused.detail, errors=[error]) from refused
    return Callback("native", address)
